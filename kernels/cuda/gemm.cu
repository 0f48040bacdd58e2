/* gemm.cu - products of matrices. A block of GEMM_THREADS threads makes a tile of 64x64 of C in
 * steps of 16 elements of K; blockIdx is (tile of M, tile of N, part of K).
 *
 * The tiles of A and B lie in shared memory twice: while one pair is multiplied, the next is on
 * its way through registers. Both are stored with K outside, whatever the mode.
 */
#include "gpu.h"
#include "params.h"
#include "reduce.h"

/* For shared memory that load4 reads. */
#define ALIGNED __attribute__((aligned(16)))

enum { TILE = GEMM_TILE, STEP = GEMM_STEP, PAIRS = TILE * STEP / 2 / GEMM_THREADS };

/* One operand: element (i, k) is at x[i*ld + k] with K inside, else at x[k*ld + i]; i < n. */
struct operand {
	const float *x;
	long long ld;
	int n;
};

/* place says which element i and which pair of K is number q of this thread in a tile. Threads of
 * a warp lie side by side along the contiguous dimension. */
template <bool INSIDE> GPU_FN void place(int q, int *i, int *pair)
{
	int t = threadIdx.x + q * GEMM_THREADS;
	*pair = INSIDE ? t % (STEP / 2) : t / TILE;
	*i = INSIDE ? t / (STEP / 2) : t % TILE;
}

/* fetch reads this thread's pairs of the tile at (i0, k0); 0 beyond n and beyond k1. */
template <bool INSIDE> GPU_FN void fetch(const operand &x, int i0, int k0, int k1, float v[PAIRS][2])
{
#pragma unroll
	for (int q = 0; q < PAIRS; q++) {
		int i, pair;
		place<INSIDE>(q, &i, &pair);
		i += i0;
		int k = k0 + 2 * pair;
		const float *from = x.x + (INSIDE ? i * x.ld + k : k * x.ld + i);
		v[q][0] = i < x.n && k < k1 ? from[0] : 0;
		v[q][1] = i < x.n && k + 1 < k1 ? from[INSIDE ? 1 : x.ld] : 0;
	}
}

/* spoil turns what is not finite into NaN: an infinite drive would leave the state finite where a gate
 * saturates. x - (x - x) is x where x is finite. */
GPU_FN void spoil(float v[PAIRS][2])
{
#pragma unroll
	for (int q = 0; q < PAIRS; q++)
#pragma unroll
		for (int j = 0; j < 2; j++)
			v[q][j] = v[q][j] - (v[q][j] - v[q][j]);
}

/* load4 reads four floats that are aligned to 16 bytes, at once. */
GPU_FN void load4(const float *from, float *to)
{
	struct __attribute__((aligned(16), may_alias)) quad {
		float v[4];
	};
	quad q = *(const quad *)from;
	for (int i = 0; i < 4; i++)
		to[i] = q.v[i];
}

/* A number format says how a tile lies in shared memory (ROWS of WIDTH words, of which the first
 * 64 are used; the width keeps threads off each other's banks), what a thread adds to its 32
 * sums for a pair of tiles, and which element (i, j) of the tile of C each sum is. */

/* A thread has 8 rows and every 16th column, so that threads side by side write side by side. */
struct fp32 {
	typedef float word;
	enum { ROWS = STEP, WIDTH = TILE + 4 };

	GPU_FN void keep(float *tile, int i, int pair, float a, float b)
	{
		tile[2 * pair * WIDTH + i] = a;
		tile[(2 * pair + 1) * WIDTH + i] = b;
	}

	GPU_FN void multiply(const float *a, const float *b, float *sum)
	{
		a += threadIdx.x / 16 * 8;
		b += threadIdx.x % 16;
#pragma unroll 4
		for (int k = 0; k < STEP; k++) {
			float x[8], y[4];
			load4(a + k * WIDTH, x);
			load4(a + k * WIDTH + 4, x + 4);
#pragma unroll
			for (int j = 0; j < 4; j++)
				y[j] = b[k * WIDTH + 16 * j];
#pragma unroll
			for (int i = 0; i < 8; i++)
#pragma unroll
				for (int j = 0; j < 4; j++)
					sum[i * 4 + j] += x[i] * y[j];
		}
	}

	GPU_FN void spot(int s, int *i, int *j)
	{
		*i = threadIdx.x / 16 * 8 + s / 4;
		*j = threadIdx.x % 16 + s % 4 * 16;
	}
};

#ifdef GPU_MMA

/* Each of the four warps has 32x32 of the tile: two by four products of 16x8. */
GPU_FN int warp_row() { return threadIdx.x / 64 * 32; }
GPU_FN int warp_col() { return threadIdx.x / 32 % 2 * 32; }

GPU_FN void mma_spot(int s, int *i, int *j)
{
	int g = threadIdx.x % 32 / 4, k = threadIdx.x % 4;
	*i = warp_row() + s / 16 * 16 + s % 4 / 2 * 8 + g;
	*j = warp_col() + s / 4 % 4 * 8 + 2 * k + s % 2;
}

/* fragments loads those of four rows of a tile apart: the tiles of both formats have at (k, i)
 * what mma calls A[i][k] and B[k][i]. */
template <int WIDTH>
GPU_FN void fragments(const unsigned *a, const unsigned *b, unsigned x[2][4], unsigned y[4][2])
{
	int g = threadIdx.x % 32 / 4, k = threadIdx.x % 4;
	a += k * WIDTH + warp_row() + g;
	b += k * WIDTH + warp_col() + g;
#pragma unroll
	for (int i = 0; i < 2; i++)
#pragma unroll
		for (int q = 0; q < 4; q++)
			x[i][q] = a[q / 2 * 4 * WIDTH + i * 16 + q % 2 * 8];
#pragma unroll
	for (int j = 0; j < 4; j++)
#pragma unroll
		for (int q = 0; q < 2; q++)
			y[j][q] = b[q * 4 * WIDTH + j * 8];
}

struct tf32 {
	typedef unsigned word;
	enum { ROWS = STEP, WIDTH = TILE + 8 };

	GPU_FN void keep(unsigned *tile, int i, int pair, float a, float b)
	{
		tile[2 * pair * WIDTH + i] = round_tf32(a);
		tile[(2 * pair + 1) * WIDTH + i] = round_tf32(b);
	}

	GPU_FN void multiply(const unsigned *a, const unsigned *b, float *sum)
	{
#pragma unroll
		for (int k = 0; k < ROWS; k += 8) {
			unsigned x[2][4], y[4][2];
			fragments<WIDTH>(a + k * WIDTH, b + k * WIDTH, x, y);
#pragma unroll
			for (int s = 0; s < 8; s++)
				mma_tf32(sum + s * 4, x[s / 4], y[s % 4]);
		}
	}

	GPU_FN void spot(int s, int *i, int *j) { mma_spot(s, i, j); }
};

/* A word holds a pair of neighbours in K. */
struct bf16 {
	typedef unsigned word;
	enum { ROWS = STEP / 2, WIDTH = TILE + 8 };

	GPU_FN void keep(unsigned *tile, int i, int pair, float a, float b) { tile[pair * WIDTH + i] = bf16_pack(a, b); }

	GPU_FN void multiply(const unsigned *a, const unsigned *b, float *sum)
	{
		unsigned x[2][4], y[4][2];
		fragments<WIDTH>(a, b, x, y);
#pragma unroll
		for (int s = 0; s < 8; s++)
			mma_bf16(sum + s * 4, x[s / 4], y[s % 4]);
	}

	GPU_FN void spot(int s, int *i, int *j) { mma_spot(s, i, j); }
};

#endif

/* keep_pairs stores what fetch read. */
template <typename F, bool INSIDE> GPU_FN void keep_pairs(typename F::word *tile, const float v[PAIRS][2])
{
#pragma unroll
	for (int q = 0; q < PAIRS; q++) {
		int i, pair;
		place<INSIDE>(q, &i, &pair);
		F::keep(tile, i, pair, v[q][0], v[q][1]);
	}
}

/* finish writes the sums to C, or to this part's place in partial. */
template <typename F> GPU_FN void finish(const gemm_params &p, int i0, int j0, const float *sum)
{
#pragma unroll
	for (int s = 0; s < 32; s++) {
		int i, j;
		F::spot(s, &i, &j);
		i += i0;
		j += j0;
		if (i >= p.M || j >= p.N)
			continue;
		if (p.parts > 1) {
			p.partial[((long long)blockIdx.z * p.M + i) * p.N + j] = sum[s];
			continue;
		}
		float *out = p.C + i * p.ldc + j;
		float y = sum[s];
		if (p.add)
			y += *out;
		if (p.bias)
			y += p.bias[j];
		*out = y;
	}
}

/* accumulate adds the products of this block's part of K to sum, in format F, with K inside rows
 * of A or B as given. Two tiles of A and two of B lie one after the other in shared memory. */
template <typename F, bool A_INSIDE, bool B_INSIDE>
GPU_FN void accumulate(const gemm_params &p, int i0, int j0, typename F::word *tiles, float *sum)
{
	enum { SIZE = F::ROWS * F::WIDTH };
	operand a = {p.A, p.lda, p.M}, b = {p.B, p.ldb, p.N};
	int share = gemm_share(p.K, p.parts);
	int k0 = blockIdx.z * share, k1 = p.K - k0 < share ? p.K : k0 + share;
	float x[PAIRS][2], y[PAIRS][2];
	fetch<A_INSIDE>(a, i0, k0, k1, x);
	fetch<B_INSIDE>(b, j0, k0, k1, y);
	typename F::word *now = tiles, *next = tiles + 2 * SIZE;
#pragma unroll 1
	for (int k = k0; k < k1; k += STEP) {
		if (p.strict)
			spoil(x);
		keep_pairs<F, A_INSIDE>(now, x);
		keep_pairs<F, B_INSIDE>(now + SIZE, y);
		sync_block();
		fetch<A_INSIDE>(a, i0, k + STEP, k1, x);
		fetch<B_INSIDE>(b, j0, k + STEP, k1, y);
		F::multiply(now, now + SIZE, sum);
		typename F::word *free = now;
		now = next;
		next = free;
	}
}

template <typename F> GPU_FN void gemm(const gemm_params &p, typename F::word *tiles)
{
	int i0 = blockIdx.x * TILE, j0 = blockIdx.y * TILE;
	float sum[32];
#pragma unroll
	for (int s = 0; s < 32; s++)
		sum[s] = 0;
	switch (p.mode) {
	case 0:
		accumulate<F, true, true>(p, i0, j0, tiles, sum);
		break;
	case 1:
		accumulate<F, true, false>(p, i0, j0, tiles, sum);
		break;
	case 2:
		accumulate<F, false, false>(p, i0, j0, tiles, sum);
		break;
	}
	finish<F>(p, i0, j0, sum);
}

KERNEL_BOUNDED(gemm_fp32, struct gemm_params, GEMM_THREADS)
{
	SHARED(ALIGNED float, tiles[4 * fp32::ROWS * fp32::WIDTH]);
	gemm<fp32>(p, tiles);
}

#ifdef GPU_MMA
KERNEL_BOUNDED(gemm_tf32, struct gemm_params, GEMM_THREADS)
{
	SHARED(ALIGNED unsigned, tiles[4 * tf32::ROWS * tf32::WIDTH]);
	gemm<tf32>(p, tiles);
}

KERNEL_BOUNDED(gemm_bf16, struct gemm_params, GEMM_THREADS)
{
	SHARED(ALIGNED unsigned, tiles[4 * bf16::ROWS * bf16::WIDTH]);
	gemm<bf16>(p, tiles);
}
#endif

/* Threads stride over the elements of C. The parts are added in order, in double. */
KERNEL(gemm_sum, struct gemm_params)
{
	long long size = (long long)p.M * p.N;
	for (long long e = element(); e < size; e += stride()) {
		double sum = 0;
		for (int k = 0; k < p.parts; k++)
			sum += p.partial[k * size + e];
		int j = (int)(e % p.N);
		float *out = p.C + e / p.N * p.ldc + j;
		if (p.add)
			sum += *out;
		if (p.bias)
			sum += p.bias[j];
		*out = (float)sum;
	}
}

/* Rows whose elements are summed in float before they join the sum in double. */
enum { RUN = 32 };

/* One block of COLUMN_THREADS threads per 32 columns; where there are fewer, the threads take
 * more rows at a time instead. */
KERNEL_BOUNDED(column_sum, struct column_sum_params, COLUMN_THREADS)
{
	SHARED(double, slot[COLUMN_THREADS]);
	int columns = p.M < 32 ? p.M : 32, rows = COLUMN_THREADS / columns;
	int column = threadIdx.x % columns, row = threadIdx.x / columns;
	long long m = (long long)blockIdx.x * 32 + column;
	double sum = 0;
	for (long long n = row; row < rows && n < p.N && m < p.M;) {
		float run = 0;
#pragma unroll 16
		for (int k = 0; k < RUN; k++, n += rows)
			if (n < p.N)
				run += p.x[n * p.M + m];
		sum += run;
	}
	slot[threadIdx.x] = sum;
	sync_block();
	if (row != 0 || m >= p.M)
		return;
	for (int k = 1; k < rows; k++)
		sum += slot[k * columns + column];
	p.out[m] = (float)sum;
}
