/* update.cu - the last part of a training step: gradient into one vector, its norm, clipping,
 * the optimiser, bounds. Package engine has the same on the host (optimizer.go, clip.go,
 * params.go), and update gives the same bits: it rounds every sum and product to float. */
#include "gpu.h"
#include "params.h"
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

/* What a rule gives for one element. */
struct updated {
	float p, slot[2];
};

GPU_FN updated adam(const update_params &c, float p, float g, float m, float v)
{
	updated u;
	u.slot[0] = exact_add(exact_mul(c.beta1, m), exact_mul(c.c1, g));
	u.slot[1] = exact_add(exact_mul(c.beta2, v), exact_mul(c.c2, exact_mul(g, g)));
	float root = exact_add(exact_mul(exact_sqrt(u.slot[1]), c.root), c.eps);
	u.p = exact_sub(exact_mul(c.keep, p), exact_mul(c.rate, exact_div(u.slot[0], root)));
	return u;
}

GPU_FN updated rmsprop(const update_params &c, float p, float g, float v)
{
	updated u;
	u.slot[0] = exact_add(exact_mul(c.beta2, v), exact_mul(c.c2, exact_mul(g, g)));
	float step = exact_div(g, exact_add(exact_sqrt(u.slot[0]), c.eps));
	u.p = exact_sub(exact_mul(c.keep, p), exact_mul(c.rate, step));
	return u;
}

GPU_FN updated sgd(const update_params &c, float p, float g, float b)
{
	updated u;
	u.slot[0] = exact_add(exact_mul(c.momentum, b), g);
	float step = u.slot[0];
	if (c.nesterov)
		step = exact_add(g, exact_mul(c.momentum, u.slot[0]));
	u.p = exact_sub(exact_mul(c.keep, p), exact_mul(c.rate, step));
	return u;
}

GPU_FN updated apply_rule(const update_params &c, long long i, float p, float g)
{
	switch (c.rule) {
	case RULE_ADAM:
		return adam(c, p, g, c.slot[0][i], c.slot[1][i]);
	case RULE_RMSPROP:
		return rmsprop(c, p, g, c.slot[0][i]);
	}
	return sgd(c, p, g, c.slot[0][i]);
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
	int slots = p.rule == RULE_ADAM ? 2 : 1;
	double scale = *p.scale;
	for (long long i = element(); i < p.n; i += stride()) {
		float old = p.p[i], g = p.g[i];
		if (scale != 1)
			g = narrow(widen(g) * scale);
		updated u = apply_rule(p, i, old, exact_add(g, exact_mul(p.decay, old)));
		int good = is_finite(u.p);
		for (int k = 0; k < slots; k++) {
			good &= is_finite(u.slot[k]);
			p.slot[k][i] = u.slot[k];
		}
		if (!good)
			*p.bad = 1; /* whoever comes first: all write the same */
		p.backup[i] = old;
		p.p[i] = p.lo ? bounded(u.p, p.lo[i], p.hi[i]) : u.p;
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
