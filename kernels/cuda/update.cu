/* update.cu - the last part of a training step: gradient into one vector, sums of such, its norm, clipping,
 * the optimiser (kernels/optimisers), bounds. Package engine has the same on the host (optimizer.go,
 * clip.go, params.go), and update gives the same bits: it rounds every sum and product to float. */
#include "gpu.h"
#define RULE_FN GPU_FN
#include "update.h"
#include "reduce.h"

/* Threads stride over the elements of piece blockIdx.y. */
KERNEL(gather, struct gather_params)
{
	const float *from = p.from[blockIdx.y];
	float *to = p.flat + p.at[blockIdx.y];
	long long n = p.len[blockIdx.y];
	for (long long i = element(); i < n; i += stride())
		to[i] = from[i];
}

/* Threads stride over the elements. */
KERNEL(combine, struct combine_params)
{
	for (long long i = element(); i < p.n; i += stride())
		p.x[i] = p.y ? exact_add(p.x[i], p.y[i]) : narrow(widen(p.x[i]) * p.scale);
}

/* SUM_THREADS threads per block, p.blocks blocks. */
KERNEL(norm_partial, struct norm_params)
{
	SHARED(double, slot[SUM_THREADS / 32]);
	double sum = 0;
	for (long long i = element(); i < p.n; i += stride()) {
		double x = widen(p.g[i]);
		sum += x * x;
	}
	sum = block_sum(sum, slot);
	if (threadIdx.x == 0)
		p.partial[blockIdx.x] = sum;
}

GPU_FN int is_finite(double x) { return x - x == 0; }
GPU_FN int is_finite(float x) { return (float_bits(x) & 0x7f800000u) != 0x7f800000u; }

/* verdict is the state of an update, as in struct report, before it is made. */
GPU_FN int verdict(const struct loss_sums *s, double norm)
{
	if (s->bad)
		return 3;
	return !is_finite(s->loss) || !is_finite(norm);
}

/* One block of SUM_THREADS threads. */
KERNEL(norm_sum, struct norm_params)
{
	SHARED(double, slot[SUM_THREADS / 32]);
	double sum = 0;
	for (int i = threadIdx.x; i < p.blocks; i += SUM_THREADS)
		sum += p.partial[i];
	double norm = sqrt(block_sum(sum, slot));
	if (threadIdx.x != 0)
		return;
	*p.scale = p.clip > 0 && norm > p.clip && is_finite(norm) ? p.clip / norm : 1;
	if (!p.sums)
		return;
	if (!p.train->state) {
		int state = verdict(p.sums, norm);
		if (state) {
			p.train->state = state;
			p.train->step = p.step;
		}
	}
	p.report->sums = *p.sums;
	p.report->grad_norm = norm;
	p.report->step = p.step;
	p.report->state = p.train->state;
}

/* direction returns that of the step of one element, and moves its state on. */
GPU_FN float direction(const update_params &c, float g, float *slot)
{
	switch (c.rule) {
#define X(name) \
	case RULE_##name: \
		return name##_step(c.coefs, g, slot);
		OPTIMISERS(X)
#undef X
	}
	return 0;
}

/* bounded compares in double, where no float is a denormal that the comparison would flush. */
GPU_FN float bounded(float x, float lo, float hi)
{
	if (widen(x) < widen(lo))
		return lo;
	return widen(x) > widen(hi) ? hi : x;
}

/* Threads stride over the elements. */
KERNEL(update, struct update_params)
{
	if (p.train->state)
		return;
	double scale = *p.scale;
	for (long long i = element(); i < p.n; i += stride()) {
		float old = p.p[i], g = p.g[i], slot[MAX_SLOTS];
		if (scale != 1)
			g = narrow(widen(g) * scale);
		for (int k = 0; k < MAX_SLOTS; k++)
			slot[k] = k < p.slots ? p.slot[k][i] : 0;
		float step = direction(p, exact_add(g, exact_mul(p.decay, old)), slot);
		float fresh = exact_sub(exact_mul(p.keep, old), exact_mul(p.rate, step));
		int good = is_finite(fresh);
		for (int k = 0; k < MAX_SLOTS; k++) {
			if (k >= p.slots)
				continue;
			good &= is_finite(slot[k]);
			p.slot[k][i] = slot[k];
		}
		if (!good)
			*p.bad = 1; /* whoever comes first: all write the same */
		p.backup[i] = old;
		p.p[i] = p.lo ? bounded(fresh, p.lo[i], p.hi[i]) : fresh;
	}
}

/* Threads stride over the elements. Nothing is changed by an update that is not made, so backup
 * belongs to the update that set bad. */
KERNEL(update_end, struct update_params)
{
	if (!*p.bad)
		return;
	for (long long i = element(); i < p.n; i += stride())
		p.p[i] = p.backup[i];
	if (element() != 0 || p.train->state)
		return;
	p.train->state = p.report->state = 2;
	p.train->step = p.step;
}
