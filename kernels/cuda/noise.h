/* noise.h - the parameter of the kernel of noise, as those of params.h are. */
#ifndef GALVANI_CUDA_NOISE_H
#define GALVANI_CUDA_NOISE_H

#include "params.h"

/* noise: to = from + sd times coarse Gaussian numbers (normal.h) in n rows of `planes` planes of N elements,
 * for each of n steps and B sequences. Rows of to and from lie `to_row` and `from_row` apart; from may be to.
 * A thread for each word of the streams: each_launch(n * B * planes * ((N + 3) / 4)). */
struct noise_params {
	int n, B, planes, N, t0;
	float sd;
	unsigned long long key, first; /* of the run; the number of its first sequence */
	long long to_row, from_row;
	ARRAY(const float) from;
	ARRAY(float) to;
};

#endif
