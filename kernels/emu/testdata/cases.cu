/* cases.cu - kernels that are right, and kernels with one fault each, for the tests of the
 * emulated driver. main.cpp says what each is launched with. */
#include "gpu.h"
#include "case.h"
#include "grid.h"

/* y[block] is the sum of the block's 64 elements of x, by shuffles and through shared memory. */
KERNEL(right, struct case_params)
{
	SHARED(float, part[2]);
	float v = p.x[blockIdx.x * 64 + threadIdx.x];
	for (int k = 16; k > 0; k >>= 1)
		v += shuffle_xor(v, k);
	if (threadIdx.x % 32 == 0)
		part[threadIdx.x / 32] = v;
	sync_block();
	if (threadIdx.x == 0)
		p.y[blockIdx.x] = part[0] + part[1];
}

KERNEL(read_outside, struct case_params) { p.y[threadIdx.x] = p.x[threadIdx.x + 1]; }

KERNEL(write_outside, struct case_params) { p.y[threadIdx.x + 1] = 1; }

KERNEL(copy, struct case_params) { p.y[threadIdx.x] = p.x[threadIdx.x]; }

KERNEL(misaligned, struct case_params) { p.y[threadIdx.x] = (float)*(const double *)(p.x + 1 + 2 * threadIdx.x); }

/* All blocks count themselves in y[0] and wait for all. */
KERNEL(together, struct case_params)
{
	unsigned *word = (unsigned *)p.y;
	if (threadIdx.x == 0) {
		count(word);
		while (observe(word) < gridDim.x)
			;
	}
	sync_block();
	p.y[1 + blockIdx.x * blockDim.x + threadIdx.x] = 1;
}

/* Each thread adds what its neighbour in the next block wrote. The barriers count in y[0]. */
KERNEL(grid, struct case_params)
{
	unsigned *word = (unsigned *)p.y;
	float *y = p.y + 1 + threadIdx.x;
	y[blockIdx.x * blockDim.x] = 1;
	sync_grid(word, gridDim.x);
	float v = y[(blockIdx.x + 1) % gridDim.x * blockDim.x];
	sync_grid(word, 2 * gridDim.x);
	y[blockIdx.x * blockDim.x] += v;
}

/* There is no barrier between what a thread reads and what its neighbour writes then. */
KERNEL(grid_without_second, struct case_params)
{
	float *y = p.y + 1 + threadIdx.x;
	y[blockIdx.x * blockDim.x] = 1;
	sync_grid((unsigned *)p.y, gridDim.x);
	y[blockIdx.x * blockDim.x] += y[(blockIdx.x + 1) % gridDim.x * blockDim.x];
}

KERNEL(grid_miscounts, struct case_params)
{
	sync_grid((unsigned *)p.y, gridDim.x);
	sync_grid((unsigned *)p.y, gridDim.x);
}

KERNEL(unwritten_shared, struct case_params)
{
	SHARED(float, slot[64]);
	if (threadIdx.x % 2 == 0)
		slot[threadIdx.x] = 1;
	sync_block();
	p.y[threadIdx.x] = slot[threadIdx.x];
}

KERNEL(outside_dynamic, struct case_params) { ((float *)dynamic_shared())[threadIdx.x + 1] = 1; }

KERNEL(without_sync, struct case_params)
{
	SHARED(float, slot[64]);
	slot[threadIdx.x] = 1;
	p.y[threadIdx.x] = slot[63 - threadIdx.x];
}

/* The second write is too early for those who still read. */
KERNEL(without_second_sync, struct case_params)
{
	SHARED(float, slot[64]);
	slot[threadIdx.x] = 1;
	sync_block();
	p.y[threadIdx.x] = slot[63 - threadIdx.x];
	slot[threadIdx.x] = 2;
}

KERNEL(without_warp_sync, struct case_params)
{
	SHARED(float, slot[64]);
	slot[threadIdx.x] = 1;
	p.y[threadIdx.x] = slot[threadIdx.x ^ 1];
}

KERNEL(with_warp_sync, struct case_params)
{
	SHARED(float, slot[64]);
	slot[threadIdx.x] = 1;
	sync_warp();
	p.y[threadIdx.x] = slot[threadIdx.x ^ 1];
}

KERNEL(race_of_blocks, struct case_params)
{
	if (threadIdx.x == 0)
		p.y[0] = (float)blockIdx.x;
}

/* Not a fault: all write the same. */
KERNEL(same_value, struct case_params) { p.y[0] = 1; }

KERNEL(leaves_early, struct case_params)
{
	if (threadIdx.x == 5)
		return;
	sync_block();
	p.y[threadIdx.x] = 0;
}

KERNEL(diverges, struct case_params)
{
	float v = 1;
	if (threadIdx.x & 1)
		sync_warp();
	else
		v = shuffle_xor(v, 2);
	p.y[threadIdx.x] = v;
}

KERNEL_BOUNDED(bounded, struct case_params, 32) { p.y[threadIdx.x] = 0; }

#ifdef GPU_MMA
/* y = A B for x = A [16,8], B [8,8], in tf32; n = 1: A [16,16], B [16,8], in bf16. */
KERNEL(product, struct case_params)
{
	int g = threadIdx.x / 4, k = threadIdx.x % 4, K = p.n ? 16 : 8;
	const float *A = p.x, *B = p.x + 16 * K;
	float d[4] = {0, 0, 0, 0};
	unsigned a[4], b[2];
	for (int j = 0; j < 4; j++) {
		int m = g + j % 2 * 8;
		const float *r = A + m * K;
		a[j] = p.n ? bf16_pack(r[2 * k + j / 2 * 8], r[2 * k + 1 + j / 2 * 8]) : round_tf32(r[k + j / 2 * 4]);
	}
	for (int j = 0; j < 2; j++)
		b[j] = p.n ? bf16_pack(B[(2 * k + j * 8) * 8 + g], B[(2 * k + 1 + j * 8) * 8 + g]) : round_tf32(B[(k + j * 4) * 8 + g]);
	if (p.n)
		mma_bf16(d, a, b);
	else
		mma_tf32(d, a, b);
	for (int j = 0; j < 4; j++)
		p.y[(g + j / 2 * 8) * 8 + 2 * k + j % 2] = d[j];
}

/* y = x through shared memory. n = 1: without copy_wait. */
KERNEL(copied, struct case_params)
{
	float *slot = (float *)dynamic_shared() + 4 * threadIdx.x;
	copy_async(slot, p.x + 4 * threadIdx.x);
	copy_commit();
	if (!p.n)
		copy_wait<0>();
	for (int i = 0; i < 4; i++)
		p.y[4 * threadIdx.x + i] = slot[i];
	copy_wait<0>();
}
#endif

#ifdef GPU_CLUSTER
/* n steps in which each rank gives 4 numbers to all: v' = v + sum over the ranks. y[4 rank] = v
 * after the last. There are two buffers and two barriers: a peer may be a step ahead, not more. */
struct ring {
	gpu_barrier bar[2];
	float slot[2][16][4];
};

enum { RIGHT, NO_WAIT, NO_EXPECT, WRONG_PARITY, NO_END, NO_START, NO_SYNC };

template <int FAULT> GPU_FN void exchange(const case_params &p)
{
	ring *r = (ring *)dynamic_shared();
	int me = cluster_rank(), all = cluster_size();
	float v[4];
	if (threadIdx.x == 0) {
		barrier_init(&r->bar[0]);
		barrier_init(&r->bar[1]);
		barrier_init_done();
	}
	if (FAULT != NO_START)
		sync_cluster();
	else
		sync_block();
	for (int i = 0; i < 4; i++)
		v[i] = p.x[4 * me + i];
	for (int s = 0; s < p.n; s++) {
		int k = s & 1;
		if (threadIdx.x == 0 && FAULT != NO_EXPECT)
			barrier_expect(&r->bar[k], all * 16);
		if ((int)threadIdx.x < all)
			push(r->slot[k][me], threadIdx.x, v[0], v[1], v[2], v[3], &r->bar[k]);
		if (FAULT == NO_END && s == p.n - 1)
			return;
		if (FAULT != NO_WAIT || threadIdx.x == 0)
			barrier_wait(&r->bar[k], (s >> 1 & 1) ^ (FAULT == WRONG_PARITY));
		for (int q = 0; q < all; q++)
			for (int i = 0; i < 4; i++)
				v[i] += r->slot[k][q][i];
		if (FAULT != NO_SYNC)
			sync_block(); /* or a peer, told by the first threads, overwrites what the last have to read */
	}
	if (threadIdx.x == 0)
		for (int i = 0; i < 4; i++)
			p.y[4 * me + i] = v[i];
	sync_cluster();
}

KERNEL(pushes, struct case_params) { exchange<RIGHT>(p); }
KERNEL(pushes_no_wait, struct case_params) { exchange<NO_WAIT>(p); }
KERNEL(pushes_no_expect, struct case_params) { exchange<NO_EXPECT>(p); }
KERNEL(pushes_wrong_parity, struct case_params) { exchange<WRONG_PARITY>(p); }
KERNEL(pushes_no_end, struct case_params) { exchange<NO_END>(p); }
KERNEL(pushes_no_sync, struct case_params) { exchange<NO_SYNC>(p); }
KERNEL(pushes_no_start, struct case_params) { exchange<NO_START>(p); }
#endif
