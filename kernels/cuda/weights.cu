/* weights.cu - the weights of a cell made of stored ones, and the gradients back.
 *
 * Products are in exact_mul, in the host's order (kernels/weights.go): the weights and the
 * gradients of stored ones have the host's bits.
 */
#include "gpu.h"
#include "params.h"
#include "reduce.h"

/* slope_at returns f'(w) for w of column j, and for NaN, which stays so, 1. The comparison is in double,
 * where no denormal is taken for 0. */
GPU_FN float slope_at(const struct weights_params &p, int q, float w, int j)
{
	if (p.rectifier[q] == RECTIFY_SIGN)
		return 0;
	double x = widen(w);
	bool low = x < 0 || (x == 0 && p.side && p.side[j] < 0);
	if (p.rectifier[q] == RECTIFY_NOT || !low)
		return 1;
	return p.rectifier[q] == RECTIFY_ABSOLUTE ? -1 : 0;
}

/* rectified returns f(w) given f'(w): f is linear to both sides of 0, and a zero that it makes positive.
 * Only the sign is not; it is that of a double, where no denormal is taken for 0. */
GPU_FN float rectified(const struct weights_params &p, int q, float slope, float w)
{
	if (p.rectifier[q] == RECTIFY_SIGN)
		return widen(w) > 0 ? 1 : widen(w) < 0 ? -1 : 0;
	return p.rectifier[q] == RECTIFY_NOT ? w : exact_add(exact_mul(slope, w), 0);
}

GPU_FN float factor_at(const struct weights_params &p, int q, long long k)
{
	return p.factor[q] ? p.factor[q][k] : 1;
}

GPU_FN float scale_at(const struct weights_params &p, int q, int i, int j)
{
	if (!p.scaled[q])
		return 1;
	return p.a[p.scale == SCALE_COLUMNS ? j : p.scale == SCALE_ROWS ? i : 0];
}

/* Threads stride over the elements. */
KERNEL(weights, struct weights_params)
{
	long long n = (long long)p.R * p.C;
	for (long long e = element(); e < p.Q * n; e += stride()) {
		int q = (int)(e / n);
		long long k = e - q * n;
		int i = (int)(k / p.C), j = (int)(k - (long long)i * p.C);
		float w = p.w[k], y = rectified(p, q, slope_at(p, q, w, j), w);
		p.out[e] = exact_mul(exact_mul(factor_at(p, q, k), y), scale_at(p, q, i, j));
	}
}

/* element_grad writes the gradient of w_ij and returns what the element adds to that of a. */
GPU_FN double element_grad(const struct weights_params &p, int i, int j)
{
	long long k = (long long)i * p.C + j, n = (long long)p.R * p.C;
	float w = p.w[k], grad = 0;
	double sum = 0;
	for (int q = 0; q < p.Q; q++) {
		float slope = slope_at(p, q, w, j), c = exact_mul(factor_at(p, q, k), p.dout[q * n + k]);
		float d = exact_mul(exact_mul(c, slope), scale_at(p, q, i, j));
		grad = q == 0 ? d : narrow(widen(grad) + widen(d));
		if (p.scaled[q])
			sum += widen(exact_mul(c, rectified(p, q, slope, w)));
	}
	p.grad[k] = grad;
	return sum;
}

/* A block per tile, a lane per column. What a tile adds to the gradient of a is the part of its
 * row of tiles for each column, of its column of tiles for each row, and of itself for the whole. */
KERNEL_BOUNDED(weights_grad, struct weights_params, WEIGHTS_THREADS)
{
	SHARED(double, slot[WEIGHTS_THREADS]);
	const int warps = WEIGHTS_THREADS / 32;
	int lane = threadIdx.x % 32, warp = threadIdx.x / 32, j = blockIdx.x * WEIGHTS_TILE + lane;
	double sum = 0;
	for (int row = warp; row < WEIGHTS_TILE; row += warps) {
		int i = blockIdx.y * WEIGHTS_TILE + row;
		double v = i < p.R && j < p.C ? element_grad(p, i, j) : 0;
		if (p.scale == SCALE_ROWS) {
			v = warp_sum(v);
			if (lane == 0 && i < p.R)
				p.partial[(long long)blockIdx.x * p.n + i] = v;
		}
		sum += v;
	}
	if (p.scale == SCALE_NOT || p.scale == SCALE_ROWS)
		return;
	slot[threadIdx.x] = sum;
	sync_block();
	if (warp != 0)
		return;
	for (int k = 1; k < warps; k++)
		sum += slot[k * 32 + lane];
	if (p.scale == SCALE_COLUMNS) {
		if (j < p.C)
			p.partial[(long long)blockIdx.y * p.n + j] = sum;
		return;
	}
	sum = warp_sum(sum);
	if (lane == 0)
		p.partial[(long long)blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

/* Threads stride over the elements of a. */
KERNEL(weights_sum, struct weights_params)
{
	float *grad = p.grad + (long long)p.R * p.C;
	for (long long k = element(); k < p.n; k += stride()) {
		double sum = 0;
		for (int part = 0; part < p.parts; part++)
			sum += p.partial[(long long)part * p.n + k];
		grad[k] = narrow(sum);
	}
}
