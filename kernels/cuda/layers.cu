/* layers.cu - what stands between the scans of layers, and the penalties of the loss: kernels/layernorm.go, dropout.go,
 * direction.go and penalty.go.
 *
 * GPU_IEEE has the compilers round each product and sum by itself and keep denormals: results have the bits of the
 * host but for the order of sums in double, which depends on sizes alone. */
#define GPU_IEEE 1
#include "gpu.h"
#include "layers.h"
#include "reduce.h"
#include "../random/random.h"

/* column_parts sums K numbers of each column over a part of N rows: add(n, u, sum) adds those of row n. Blocks of 32 columns,
 * with a warp for every 32nd row of the part blockIdx.y. */
template <int K, typename Add> GPU_FN void column_parts(int N, int U, int parts, double *slot, double *partial, Add add)
{
	const int warps = COLUMN_THREADS / 32;
	int lane = threadIdx.x % 32, warp = threadIdx.x / 32, u = blockIdx.x * 32 + lane;
	int share = (N + parts - 1) / parts, first = (int)blockIdx.y * share, end = first + share < N ? first + share : N;
	double sum[K];
	for (int k = 0; k < K; k++)
		sum[k] = 0;
	for (int n = first + warp; n < end && u < U; n += warps)
		add(n, u, sum);
	for (int k = 0; k < K; k++) {
		sync_block();
		slot[threadIdx.x] = sum[k];
		sync_block();
		if (warp != 0 || u >= U)
			continue;
		double all = sum[k];
		for (int w = 1; w < warps; w++)
			all += slot[w * 32 + lane];
		partial[((long long)blockIdx.y * K + k) * U + u] = all;
	}
}

/* part_sum adds the parts of number k of K of column u in order. */
GPU_FN double part_sum(const double *partial, int parts, int K, int U, int k, int u)
{
	double sum = 0;
	for (int part = 0; part < parts; part++)
		sum += partial[((long long)part * K + k) * U + u];
	return sum;
}

/* Rows that this warp handles: the first, and the distance of the next. */
GPU_FN long long warp_row() { return (long long)blockIdx.x * (ROW_THREADS / 32) + threadIdx.x / 32; }
GPU_FN long long warp_rows() { return (long long)gridDim.x * (ROW_THREADS / 32); }

/* ROW_THREADS threads per block; warps stride over the rows. */
KERNEL(layer_norm, struct layer_norm_params)
{
	int lane = threadIdx.x % 32;
	for (long long n = warp_row(); n < p.N; n += warp_rows()) {
		const float *x = p.x + n * p.H;
		double mean = 0, variance = 0;
		for (int h = lane; h < p.H; h += 32)
			mean += x[h];
		mean = warp_sum(mean) / p.H;
		for (int h = lane; h < p.H; h += 32) {
			double d = x[h] - mean;
			variance += d * d;
		}
		double inverse = 1 / sqrt(warp_sum(variance) / p.H + p.eps);
		if (lane == 0)
			p.inverse[n] = inverse;
		for (int h = lane; h < p.H; h += 32) {
			float z = (float)((x[h] - mean) * inverse);
			p.z[n * p.H + h] = z;
			p.y[n * p.H + h] = p.gain[h] * z + p.bias[h];
		}
	}
}

/* ROW_THREADS threads per block; warps stride over the rows. */
KERNEL(layer_norm_back, struct layer_norm_params)
{
	int lane = threadIdx.x % 32;
	for (long long n = warp_row(); n < p.N; n += warp_rows()) {
		const float *z = p.z + n * p.H, *dy = p.dy + n * p.H;
		double mean = 0, along = 0;
		for (int h = lane; h < p.H; h += 32) {
			double u = (double)p.gain[h] * (double)dy[h];
			mean += u;
			along += u * (double)z[h];
		}
		mean = warp_sum(mean) / p.H;
		along = warp_sum(along) / p.H;
		double inverse = p.inverse[n];
		for (int h = lane; h < p.H; h += 32)
			p.dx[n * p.H + h] = (float)(((double)p.gain[h] * (double)dy[h] - mean - (double)z[h] * along) * inverse);
	}
}

KERNEL_BOUNDED(layer_norm_columns, struct layer_norm_params, COLUMN_THREADS)
{
	SHARED(double, slot[COLUMN_THREADS]);
	const float *z = p.z, *dy = p.dy;
	int H = p.H;
	column_parts<2>(p.N, H, p.parts, slot, p.partial, [=](int n, int h, double *sum) {
		double g = dy[(long long)n * H + h];
		sum[0] += g * (double)z[(long long)n * H + h];
		sum[1] += g;
	});
}

/* Threads stride over the columns of both. */
KERNEL(layer_norm_sum, struct layer_norm_params)
{
	for (long long i = element(); i < 2LL * p.H; i += stride())
		p.grad[i] = (float)part_sum(p.partial, p.parts, 2, p.H, (int)(i / p.H), (int)(i % p.H));
}

/* Threads stride over the elements. */
KERNEL(dropout, struct dropout_params)
{
	for (long long i = element(); i < (long long)p.N * p.H; i += stride()) {
		int n = (int)(i / p.H), h = (int)(i - (long long)n * p.H);
		random_word row = random_key(random_key(p.key, p.first + n % p.B), n / p.B);
		p.to[i] = (random_uniform(row, h) < p.most ? 0 : p.keep) * p.from[i];
	}
}

/* Threads stride over the sequences. */
KERNEL(sequence_ends, struct reverse_params)
{
	for (long long b = element(); b < p.B; b += stride()) {
		int end = p.T;
		while (end > 0 && p.mask[(long long)(end - 1) * p.B + b] == 0)
			end--;
		p.end[b] = end;
	}
}

/* Threads stride over the elements. */
KERNEL(reverse, struct reverse_params)
{
	for (long long i = element(); i < (long long)p.T * p.B * p.H; i += stride()) {
		long long row = i / p.H;
		int t = (int)(row / p.B), b = (int)(row % p.B), end = p.end ? p.end[b] : p.T;
		long long from = t < end ? (long long)(end - 1 - t) * p.B + b : row;
		p.to[i] = p.from[from * p.H + i % p.H];
	}
}

/* Threads stride over the elements. */
KERNEL(copy_rows, struct copy_rows_params)
{
	for (long long i = element(); i < (long long)p.N * p.H; i += stride()) {
		long long n = i / p.H, h = i % p.H;
		p.to[n * p.to_row + h] = p.from[n * p.from_row + h];
	}
}

/* Threads stride over the elements. */
KERNEL(add, struct add_params)
{
	for (long long i = element(); i < p.n; i += stride())
		p.to[i] = p.a[i] + p.b[i];
}

/* Threads stride over the elements. */
KERNEL(pad, struct pad_params)
{
	for (long long i = element(); i < p.all; i += stride()) {
		long long k = i - p.at;
		p.to[i] = k >= 0 && k < p.n ? p.from[k] : 0;
	}
}

/* counts tells whether row n counts. */
GPU_FN int counts(const struct penalty_params &p, long long n) { return !p.mask || p.mask[n] > 0; }

KERNEL_BOUNDED(penalty_columns, struct penalty_params, COLUMN_THREADS)
{
	SHARED(double, slot[COLUMN_THREADS]);
	const struct penalty_params &q = p;
	column_parts<4>(p.N, p.U, p.parts, slot, p.partial, [&q](int n, int u, double *sum) {
		long long i = (long long)n * q.U + u;
		if (i >= q.all || !counts(q, n))
			return;
		double x = q.x[i];
		sum[0] += fabs(x);
		sum[1] += x * x;
		sum[2] += x;
		if (q.change == 0 || n < q.B)
			return;
		double d = x - (double)q.x[i - (long long)q.B * q.U];
		sum[3] += d * d;
	});
}

/* One block of SUM_THREADS threads. */
KERNEL(penalty_sum, struct penalty_params)
{
	SHARED(int, count_slot[SUM_THREADS / 32]);
	SHARED(int, moves_slot[SUM_THREADS / 32]);
	SHARED(double, l1_slot[SUM_THREADS / 32]);
	SHARED(double, l2_slot[SUM_THREADS / 32]);
	SHARED(double, change_slot[SUM_THREADS / 32]);
	SHARED(double, target_slot[SUM_THREADS / 32]);
	int count = 0, moves = 0;
	for (int n = threadIdx.x; n < p.N && p.rates; n += SUM_THREADS) {
		int on = counts(p, n);
		count += on;
		moves += on && n >= p.B;
	}
	count = block_sum(count, count_slot);
	moves = block_sum(moves, moves_slot);
	double rows = count > 1 ? count : 1, pairs = moves > 1 ? moves : 1;
	double l1 = 0, l2 = 0, change = 0, target = 0;
	for (int u = threadIdx.x; u < p.U; u += SUM_THREADS) {
		double mean = part_sum(p.partial, p.parts, 4, p.U, 2, u) / rows, d = mean - p.target;
		l1 += part_sum(p.partial, p.parts, 4, p.U, 0, u);
		l2 += part_sum(p.partial, p.parts, 4, p.U, 1, u);
		change += part_sum(p.partial, p.parts, 4, p.U, 3, u);
		target += d * d;
		p.mean[u] = mean;
	}
	l1 = block_sum(l1, l1_slot);
	l2 = block_sum(l2, l2_slot);
	change = block_sum(change, change_slot);
	target = block_sum(target, target_slot);
	if (threadIdx.x != 0)
		return;
	p.count[0] = rows;
	p.count[1] = pairs;
	double all = rows * p.U, zero = 0;
	p.terms[0] = (float)(p.rates ? zero : p.l1 * l1);
	p.terms[1] = (float)(p.rates ? zero : p.l2 * l2);
	p.terms[2] = (float)(p.rates ? p.l1 * l1 / all : zero);
	p.terms[3] = (float)(p.rates ? p.l2 * l2 / all : zero);
	p.terms[4] = (float)(p.rates ? p.target_l2 * target / p.U : zero);
	p.terms[5] = (float)(p.rates ? p.change * change / (pairs * p.U) : zero);
}

/* side is the sign of x, 0 of 0. */
GPU_FN double side(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

/* rate_grad is the gradient of the terms of rates by element i. */
GPU_FN double rate_grad(const struct penalty_params &p, long long i)
{
	double rows = p.count[0], pairs = p.count[1], x = p.x[i], d = 0;
	long long n = i / p.U, step = (long long)p.B * p.U;
	int on = counts(p, n);
	if (on)
		d = p.l1 / (rows * p.U) * side(x) + 2 * p.l2 / (rows * p.U) * x + 2 * p.target_l2 / (rows * p.U) * (p.mean[i % p.U] - p.target);
	if (p.change == 0)
		return d;
	double change = 2 * p.change / (pairs * p.U);
	if (on && n >= p.B)
		d += change * (x - (double)p.x[i - step]);
	if (n + p.B < p.N && counts(p, n + p.B))
		d -= change * ((double)p.x[i + step] - x);
	return d;
}

/* Threads stride over the elements. */
KERNEL(penalty_grad, struct penalty_params)
{
	for (long long i = element(); i < p.all; i += stride()) {
		double x = p.x[i], d = p.rates ? rate_grad(p, i) : p.l1 * side(x) + 2 * p.l2 * x;
		p.out[i] = p.grad[i] + (float)d;
	}
}
