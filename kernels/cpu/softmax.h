/* softmax.h - the interface between the Go side and the C loop over softmaxes. */
#ifndef GALVANI_SOFTMAX_H
#define GALVANI_SOFTMAX_H

/* SOFTMAX_ROWS is how many rows are worked on side by side. */
enum { SOFTMAX_ROWS = 8 };

/* softmax_fn sets p [n,o] to exp(x - top) / sum of each row of x [n,o], and ends [n,2] to its top, the largest number,
 * and its sum, which is NaN where a number of the row is not finite. Room has o * SOFTMAX_ROWS places. Sums are of doubles, in the
 * order of the row. */
typedef void softmax_fn(long n, long o, const float *x, float *p, double *ends, double *room);

softmax_fn softmax_portable;
#if defined(__x86_64__)
softmax_fn softmax_avx2, softmax_avx512;
#endif

#endif
