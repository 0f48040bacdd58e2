/* loss.cu - the losses of kernels/loss.go: a warp per row, sums in double, in a fixed order. */
#include "gpu.h"
#include "params.h"
#include "reduce.h"

enum { CROSS_ENTROPY, MEAN_SQUARE };
enum { NOT_COUNTED, WRONG, RIGHT, BAD_LABEL };

/* Softmax of one row: the largest logit, the first place where it stands, and the sum of
 * exp(x - top), which is NaN where a logit is not finite. */
struct softmax {
	float top;
	int at;
	double sum;
};

/* row_softmax works on the O logits x with a whole warp; every lane gets the result. */
GPU_FN softmax row_softmax(const float *x, int O, int lane)
{
	softmax s = {bits_float(0xff800000u), O, 0}; /* -inf */
	for (int o = lane; o < O; o += 32)
		if (x[o] > s.top) {
			s.top = x[o];
			s.at = o;
		}
	for (int k = 16; k > 0; k >>= 1) {
		float top = shuffle_xor(s.top, k);
		int at = shuffle_xor(s.at, k);
		if (top > s.top || (top == s.top && at < s.at)) {
			s.top = top;
			s.at = at;
		}
	}
	for (int o = lane; o < O; o += 32)
		s.sum += exp((double)x[o] - (double)s.top) + ((double)x[o] - (double)x[o]);
	s.sum = warp_sum(s.sum);
	return s;
}

/* class_of returns the label as a class of O, or -1. */
GPU_FN int class_of(float label, int O)
{
	if (!(label >= 0 && label < (float)O))
		return -1;
	int c = (int)label;
	return (float)c == label ? c : -1;
}

/* cross_entropy returns the loss of row n in every lane, and sets what became of its label. */
GPU_FN double cross_entropy(const loss_params &p, long long n, int lane, int *hit)
{
	const float *x = p.x + n * p.O;
	int label = class_of(p.target[n], p.O);
	if (label < 0) {
		*hit = BAD_LABEL;
		return 0;
	}
	softmax s = row_softmax(x, p.O, lane);
	*hit = s.at == label ? RIGHT : WRONG;
	return log(s.sum) + ((double)s.top - (double)x[label]);
}

/* mean_square returns the loss of row n in every lane. */
GPU_FN double mean_square(const loss_params &p, long long n, int lane)
{
	const float *x = p.x + n * p.O, *y = p.target + n * p.O;
	double sum = 0;
	for (int o = lane; o < p.O; o += 32) {
		double d = (double)x[o] - (double)y[o];
		sum += d * d;
	}
	return warp_sum(sum) / p.O;
}

/* Rows that this warp handles: the first, and the distance of the next. */
GPU_FN long long first_row() { return (long long)blockIdx.x * (ROW_THREADS / 32) + threadIdx.x / 32; }
GPU_FN long long next_row() { return (long long)gridDim.x * (ROW_THREADS / 32); }

/* ROW_THREADS threads per block; warps stride over the rows. */
KERNEL(loss_rows, struct loss_params)
{
	int lane = threadIdx.x % 32;
	for (long long n = first_row(); n < p.N; n += next_row()) {
		float w = p.weight[n];
		int hit = NOT_COUNTED;
		double loss = 0;
		if (w != 0)
			loss = p.kind == CROSS_ENTROPY ? cross_entropy(p, n, lane, &hit) : mean_square(p, n, lane);
		if (lane == 0) {
			p.row[n] = (float)((double)w * loss);
			p.hit[n] = hit;
		}
	}
}

/* One block of SUM_THREADS threads. */
KERNEL(loss_sum, struct loss_params)
{
	SHARED(double, loss_slot[SUM_THREADS / 32]);
	SHARED(double, weight_slot[SUM_THREADS / 32]);
	SHARED(int, right_slot[SUM_THREADS / 32]);
	SHARED(int, count_slot[SUM_THREADS / 32]);
	SHARED(int, bad_slot[SUM_THREADS / 32]);
	double loss = 0, weight = 0;
	int right = 0, count = 0, bad = 0;
#pragma unroll 4
	for (int n = threadIdx.x; n < p.N; n += SUM_THREADS) {
		int hit = p.hit[n];
		loss += p.row[n];
		weight += p.weight[n];
		right += hit == RIGHT;
		count += hit != NOT_COUNTED;
		bad += hit == BAD_LABEL;
	}
	loss = block_sum(loss, loss_slot);
	weight = block_sum(weight, weight_slot);
	right = block_sum(right, right_slot);
	count = block_sum(count, count_slot);
	bad = block_sum(bad, bad_slot);
	if (threadIdx.x == 0) {
		*p.sums = {loss, weight, right, count, bad, 0};
		*p.value = (float)(loss / (weight == 0 ? 1 : weight));
	}
}

/* row_gradient writes scale times the gradient of row n with a whole warp. */
GPU_FN void row_gradient(const loss_params &p, long long n, int lane, double scale, float *dx)
{
	const float *x = p.x + n * p.O, *y = p.target + n * p.O;
	if (p.kind == MEAN_SQUARE) {
		for (int o = lane; o < p.O; o += 32)
			dx[o] = (float)(scale * (2 * ((double)x[o] - (double)y[o]) / p.O));
		return;
	}
	int label = class_of(p.target[n], p.O);
	softmax s = row_softmax(x, p.O, lane);
	for (int o = lane; o < p.O; o += 32)
		dx[o] = (float)(scale * (exp((double)x[o] - (double)s.top) / s.sum - (o == label)));
}

/* ROW_THREADS threads per block; warps stride over the rows. */
KERNEL(loss_grad, struct loss_params)
{
	int lane = threadIdx.x % 32;
	double sum = p.sums->weight;
	for (long long n = first_row(); n < p.N; n += next_row()) {
		float w = p.weight[n];
		float *dx = p.dx + n * p.O;
		if (w != 0 && sum != 0) {
			row_gradient(p, n, lane, (double)p.grad * (double)w / sum, dx);
			continue;
		}
		for (int o = lane; o < p.O; o += 32)
			dx[o] = 0;
	}
}
