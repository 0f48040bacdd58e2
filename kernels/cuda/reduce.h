/* reduce.h - sums whose order depends on sizes alone. */
#ifndef GALVANI_REDUCE_H
#define GALVANI_REDUCE_H

#include "gpu.h"
#include "launch.h"

/* The thread's place among all that stride over elements, and the stride. */
GPU_FN long long element() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }
GPU_FN long long stride() { return (long long)gridDim.x * blockDim.x; }

/* warp_sum returns the sum of v over the warp, in every lane. */
template <typename T> GPU_FN T warp_sum(T v)
{
	for (int k = 16; k > 0; k >>= 1)
		v += shuffle_xor(v, k);
	return v;
}

/* block_sum returns the sum of v over a block of SUM_THREADS threads, in every thread. slot [8]
 * is shared memory that all threads have finished with. */
template <typename T> GPU_FN T block_sum(T v, T *slot)
{
	v = warp_sum(v);
	if (threadIdx.x % 32 == 0)
		slot[threadIdx.x / 32] = v;
	sync_block();
	T sum = slot[0];
	for (int k = 1; k < SUM_THREADS / 32; k++)
		sum += slot[k];
	return sum;
}

#endif
