/* latency.cu - what it costs that blocks hear of each other. Each kernel does nothing but `rounds` of
 * one way, in one warp a block, and counts them in seen[block]. */
#include "gpu.h"
#include "params.h"

/* latency_launch counts how often it was launched. */
KERNEL(latency_launch, struct latency_params)
{
	if (threadIdx.x == 0)
		p.seen[blockIdx.x] += p.rounds;
}

/* latency_flag: a word goes from block 0 to block 1, and another back. */
KERNEL(latency_flag, struct latency_params)
{
	unsigned *mine = p.word + blockIdx.x * LATENCY_LINE, *other = p.word + (1 - blockIdx.x) * LATENCY_LINE;
	if (threadIdx.x > 0)
		return;
	for (int k = 1; k <= p.rounds; k++) {
		if (blockIdx.x == 0)
			publish(mine, k);
		while (observe(other) != (unsigned)k)
			;
		if (blockIdx.x == 1)
			publish(mine, k);
	}
	p.seen[blockIdx.x] = p.rounds;
}

/* latency_grid: a barrier of all blocks, which count themselves in one word. */
KERNEL(latency_grid, struct latency_params)
{
	for (int k = 1; k <= p.rounds; k++) {
		sync_warp();
		if (threadIdx.x == 0) {
			count(p.word);
			while (observe(p.word) < (unsigned)k * gridDim.x)
				;
		}
		sync_warp();
	}
	if (threadIdx.x == 0)
		p.seen[blockIdx.x] = p.rounds;
}

#ifdef GPU_CLUSTER
KERNEL(latency_cluster, struct latency_params)
{
	for (int k = 0; k < p.rounds; k++)
		sync_cluster();
	if (threadIdx.x == 0)
		p.seen[blockIdx.x] = p.rounds;
}

/* latency_exchange: each block pushes 16 bytes to every block of its cluster, as the scan does with
 * its part of h, and waits for theirs. Lane r talks with rank r: what it sends is what came from there,
 * plus 1. Two boxes are enough, for nobody is two rounds ahead of one from whom it hears in each. */
KERNEL(latency_exchange, struct latency_params)
{
	SHARED(gpu_barrier, ready[2]);
	SHARED(float, box[2 * 16 * 4]);
	int lane = threadIdx.x, size = cluster_size(), rank = cluster_rank();
	if (lane == 0)
		for (int i = 0; i < 2; i++) {
			barrier_init(&ready[i]);
			barrier_init_done();
		}
	sync_warp();
	sync_cluster();
	float v = 0;
	for (int k = 0; k < p.rounds; k++) {
		int side = k & 1;
		float *in = box + side * 64;
		if (lane == 0)
			barrier_expect(&ready[side], 16 * size);
		sync_warp();
		v += 1;
		if (lane < size)
			push(in + 4 * rank, lane, v, v, v, v, &ready[side]);
		barrier_wait(&ready[side], k >> 1 & 1);
		if (lane < size)
			v = in[4 * lane];
	}
	sync_cluster();
	if (lane == 0)
		p.seen[blockIdx.x] = (int)v;
}
#endif
