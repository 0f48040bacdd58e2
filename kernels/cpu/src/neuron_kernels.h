/* neuron_kernels.h - the interface between the Go side and the C loops over neurons of compartments. */
#ifndef GALVANI_NEURON_KERNELS_H
#define GALVANI_NEURON_KERNELS_H

#include "../../compartments/neuron.h"

/* The loops for one instruction set. A neuron runs in blocks of sequences, a row of `vectors` vectors.
 * q are the numbers [rows], index the places of all lists. */
struct neuron_kernels {
	int lanes;
	/* scratch returns the vectors that forward and backward need. */
	long (*scratch)(const struct neuron_dims *d, long vectors);
	/* forward runs `steps` steps of the scan. x [T,B,I] begins at the first sequence of the block,
	 * which has `live` of them. s holds the state [planes,U] before; with keep, the states after all
	 * steps are left behind it, otherwise the last in its place. h [T,B,H] may be null. */
	void (*forward)(const struct neuron_dims *d, long vectors, const struct neuron_channel *channel, const struct neuron_gate *gate,
			const struct neuron_receptor *receptor, const struct neuron_input *input, const int *index,
			const void *q, const void *x, long steps, long live, void *s, int keep, void *h, void *work);
	/* backward goes back over the steps that forward kept. g [planes,U] is the gradient of the state
	 * after them and then before them; gq [rows], in double, is added to. dh [T,B,H] may be null;
	 * gh [T,B,H] and gx [T,B,I], which may be null, are written: the gradients of h and of x. */
	void (*backward)(const struct neuron_dims *d, long vectors, const struct neuron_channel *channel, const struct neuron_gate *gate,
			 const struct neuron_receptor *receptor, const struct neuron_input *input, const int *index,
			 const void *q, const void *x, long steps, long live, const void *s, const void *dh, void *g,
			 double *gq, void *gh, void *gx, void *work);
};

extern const struct neuron_kernels galvani_neuron_avx512, galvani_neuron_avx2, galvani_neuron_portable,
	galvani_neuron_float64;

#endif
