/* neuron.inc.h - neurons of compartments for one instruction set. The including file defines VARIANT
 * and VL. What a step is, kernels/compartments says. */

#include <string.h>
#include "scan.h"
#include "flush.h"
#include "neuron.h"

#define V(name) CAT(name##_, VARIANT)

#include "../../cells/shared/gate.h"

#define NEURON_ARGS \
	const struct neuron_dims *d, const struct neuron_channel *channel, const struct neuron_gate *gate, \
		const struct neuron_receptor *receptor, const struct neuron_input *input, const int *index, const real *q
#define NEURON_PASS d, channel, gate, receptor, input, index, q

/* strip is how many vectors of a channel are taken through all its gates together, so that they stay in
 * the nearest cache. */
enum { STRIP = 96 };

/* A loop over the gates of the list of kinetics and forms, each with constants for both. */
#define EACH_KINETICS(g, f) \
	switch ((g)->kinetics == GATE_RATES ? (g)->forms[0] * 3 + (g)->forms[1] : 8 + (g)->kinetics) { \
	case 0: f(GATE_RATES, 0, 0); break; \
	case 1: f(GATE_RATES, 0, 1); break; \
	case 2: f(GATE_RATES, 0, 2); break; \
	case 3: f(GATE_RATES, 1, 0); break; \
	case 4: f(GATE_RATES, 1, 1); break; \
	case 5: f(GATE_RATES, 1, 2); break; \
	case 6: f(GATE_RATES, 2, 0); break; \
	case 7: f(GATE_RATES, 2, 1); break; \
	case 8: f(GATE_RATES, 2, 2); break; \
	case 8 + GATE_CONSTANT: f(GATE_CONSTANT, 0, 0); break; \
	case 8 + GATE_SIGMOID: f(GATE_SIGMOID, 0, 0); break; \
	case 8 + GATE_PRODUCT: f(GATE_PRODUCT, 0, 0); break; \
	case 8 + GATE_BELL: f(GATE_BELL, 0, 0); break; \
	case 8 + GATE_CALCIUM: f(GATE_CALCIUM, 0, 0); break; \
	}

/* power returns x^p, p at least 1. */
static inline real V(power)(real x, int p)
{
	real y = x;
	for (int k = 1; k < p; k++)
		y *= x;
	return y;
}

/* rows returns plane p of a state. */
#define PLANE(s, p) ((s) + (long)(p) * d->U * d->vectors)

/* gate_rows steps one gate at n places. With first, open holds what the gates before leave open. */
CELL_FN void V(gate_rows)(const int kinetics, const int fa, const int fb, const struct neuron_gate *g, const struct neuron_dims *d,
			  const int *place, long n, const real *q, const real *v, const real *x, real *x1, real *open)
{
	long nv = d->vectors;
	real h = r_splat((elem)g->speed);
	for (long l = 0; l < nv; l++) {
		real num[GATE_NUMBERS];
		for (int i = 0; i < g->numbers; i++)
			num[i] = q[(g->number + i) * nv + l];
		for (long j = 0; j < n; j++) {
			long u = place[j] * nv + l;
			real y = gate_step(kinetics, fa, fb, num, h, v[u], x[u]);
			x1[u] = y;
			open[j * nv + l] *= V(power)(y, g->power);
		}
	}
}

/* channel_step steps the gates of a channel and adds its conductance to leak, times E to side, and both
 * to those of calcium where it carries it. */
static void V(channel_step)(NEURON_ARGS, const struct neuron_channel *c, const real *s, real *o, real *leak, real *side, real *ca)
{
	long nv = d->vectors, strip = STRIP / nv > 0 ? STRIP / nv : 1;
	real open[STRIP > 64 ? STRIP : 64];
	(void)channel, (void)receptor, (void)input;
	for (long j0 = 0; j0 < c->units; j0 += strip) {
		long n = c->units - j0 < strip ? c->units - j0 : strip;
		const int *place = index + c->place + j0;
		memcpy(open, q + (c->density + j0) * nv, n * nv * sizeof *open);
		for (int k = c->gate; k < c->gate + c->gates; k++) {
			const struct neuron_gate *g = gate + k;
			const real *v = PLANE(s, g->kinetics == GATE_CALCIUM ? d->calcium : 0), *x = PLANE(s, g->plane);
			real *x1 = PLANE(o, g->plane);
#define STEP(kin, fa, fb) V(gate_rows)(kin, fa, fb, g, d, place, n, q, v, x, x1, open)
			EACH_KINETICS(g, STEP)
#undef STEP
		}
		for (long j = 0; j < n; j++)
			for (long l = 0; l < nv; l++) {
				long u = place[j] * nv + l;
				real y = open[j * nv + l], e = y * q[c->reversal * nv + l];
				leak[u] += y;
				side[u] += e;
				if (c->calcium) {
					ca[u] += y;
					ca[d->U * nv + u] += e;
				}
			}
	}
}

/* solve solves the tree: leaks, axial conductances to the parents and the right side, which becomes the
 * solution. Nothing is subtracted, so that weak leaks keep their digits beside strong couplings. With
 * inverse, leak holds what it left there and is not made again. */
CELL_FN void V(solve)(const struct neuron_dims *d, const int *parent, const real *axial, real *leak, real *side)
{
	long nv = d->vectors;
	for (long k = d->U - 1; k >= 0; k--) {
		long p = parent[k];
		if (p < 0) {
			for (long l = 0; l < nv; l++)
				leak[k * nv + l] = R(1.0) / leak[k * nv + l];
			continue;
		}
		for (long l = 0; l < nv; l++) {
			real a = axial[k * nv + l], w = R(1.0) / (a + leak[k * nv + l]), share = a * w;
			leak[p * nv + l] += share * leak[k * nv + l];
			side[p * nv + l] += share * side[k * nv + l];
			leak[k * nv + l] = w;
		}
	}
	for (long k = 0; k < d->U; k++) {
		long p = parent[k];
		for (long l = 0; l < nv; l++) {
			real b = side[k * nv + l];
			if (p >= 0)
				b += axial[k * nv + l] * side[p * nv + l];
			side[k * nv + l] = b * leak[k * nv + l];
		}
	}
}

/* drive makes the currents of the inputs [U] from x of one step, which it lays out as in [I]. */
static void V(drive)(NEURON_ARGS, const elem *x, long live, real *in, real *current)
{
	long nv = d->vectors;
	(void)channel, (void)gate, (void)receptor, (void)index;
	for (long i = 0; i < d->I; i++) {
		elem *row = (elem *)(in + i * nv);
		for (long b = 0; b < live; b++)
			row[b] = x[b * d->I + i];
		for (long b = live; b < nv * VL; b++)
			row[b] = 0;
	}
	memset(current, 0, d->U * nv * sizeof *current);
	for (int k = 0; k < d->inputs; k++)
		if (input[k].receptor < 0)
			for (long l = 0; l < nv; l++)
				current[input[k].place * nv + l] += q[input[k].weight * nv + l] * in[input[k].from * nv + l];
}

/* receptor_step advances the traces of a receptor. Events are added by the caller, afterwards. */
static void V(receptor_step)(NEURON_ARGS, const struct neuron_receptor *r, const real *s, real *o)
{
	long nv = d->vectors;
	(void)channel, (void)gate, (void)receptor, (void)input;
	for (long j = 0; j < r->units; j++)
		for (long l = 0; l < nv; l++) {
			long u = index[r->place + j] * nv + l;
			const real *n = q + r->number * nv + l;
			real x = PLANE(s, r->plane)[u];
			PLANE(o, r->plane)[u] = n[0] * x;
			if (r->rise)
				PLANE(o, r->plane + 1)[u] = n[nv] * PLANE(s, r->plane + 1)[u] + n[2 * nv] * x;
		}
}

/* conductances adds those of receptors, whose traces are in o, to leak and side. */
static void V(conductances)(NEURON_ARGS, const real *o, real *leak, real *side)
{
	long nv = d->vectors;
	(void)channel, (void)gate, (void)input;
	for (const struct neuron_receptor *r = receptor; r < receptor + d->receptors; r++)
		for (long j = 0; j < r->units; j++)
			for (long l = 0; l < nv; l++) {
				long u = index[r->place + j] * nv + l;
				const real *n = q + r->number * nv + l;
				real y = n[3 * nv] * PLANE(o, r->plane + (r->rise != 0))[u];
				leak[u] += y;
				side[u] += y * n[4 * nv];
			}
}

/* step takes the state s to o. Work is leak [U], side [U] and calcium [2,U]; with a calcium pool the
 * current of its channels is left there for the way back. */
static void V(neuron_step)(NEURON_ARGS, const real *in, const real *current, int first, const real *s, real *o, real *work)
{
	long nv = d->vectors, n = d->U * nv;
	real *leak = work, *side = work + n, *ca = work + 2 * n;
	const real *cap = q + d->cap * nv, *gl = q + d->leak * nv, *rest = q + d->rest * nv;
	real twice = r_splat(d->second ? 2 : 1);
	for (long u = 0; u < n; u++) {
		real c = twice * cap[u];
		leak[u] = c + gl[u];
		side[u] = c * s[u] + gl[u] * rest[u] + current[u];
	}
	if (d->calcium)
		memset(ca, 0, 2 * n * sizeof *ca);
	for (int c = 0; c < d->channels; c++)
		V(channel_step)(NEURON_PASS, channel + c, s, o, leak, side, ca);
	for (int r = 0; r < d->receptors; r++)
		V(receptor_step)(NEURON_PASS, receptor + r, s, o);
	for (int k = 0; first && k < d->inputs; k++)
		if (input[k].receptor >= 0)
			for (long l = 0; l < nv; l++)
				PLANE(o, receptor[input[k].receptor].plane)[input[k].place * nv + l] +=
					q[input[k].weight * nv + l] * in[input[k].from * nv + l];
	V(conductances)(NEURON_PASS, o, leak, side);
	V(solve)(d, index + d->tree, q + d->axial * nv, leak, side);
	if (d->calcium) {
		const real *pool = q + d->pool * nv, *area = q + d->area * nv;
		for (long k = 0; k < d->U; k++)
			for (long l = 0; l < nv; l++) {
				long u = k * nv + l;
				real i = (ca[u] * side[u] - ca[n + u]) * area[u];
				PLANE(o, d->calcium)[u] = pool[nv + l] + (PLANE(s, d->calcium)[u] - pool[nv + l]) * pool[2 * nv + l] - pool[l] * i;
			}
	}
	for (long u = 0; u < n; u++)
		o[u] = d->second ? R(2.0) * side[u] - s[u] : side[u];
}

static long V(neuron_scratch)(const struct neuron_dims *d)
{
	/* x and current, and of a step leak, side and calcium; of the way back gradients of x, current
	 * and numbers, and what calcium adds */
	return (2 * d->I + 7 * d->U) * d->vectors + d->rows * d->vectors;
}

/* record writes h of one step [B,H], from V. */
static void V(record)(const struct neuron_dims *d, const int *index, const real *v, long live, elem *h)
{
	for (long r = 0; r < d->H; r++) {
		const elem *row = (const elem *)(v + index[d->record + r] * d->vectors);
		for (long b = 0; b < live; b++)
			h[b * d->H + r] = row[b];
	}
}

static void V(neuron_forward)(const struct neuron_dims *d, const struct neuron_channel *channel, const struct neuron_gate *gate,
			      const struct neuron_receptor *receptor, const struct neuron_input *input, const int *index,
			      const void *numbers, const void *x, long steps, long live, void *states, int keep, void *h, void *scratch)
{
	const real *q = numbers;
	long nv = d->vectors, size = d->planes * d->U * nv;
	real *in = scratch, *current = in + d->I * nv, *work = current + d->U * nv, *s = states;
	unsigned mode = flush_on();
	for (long t = 0; t < steps; t++) {
		V(drive)(NEURON_PASS, (const elem *)x + t * d->B * d->I, live, in, current);
		for (long k = 0; k < d->substeps; k++) {
			real *o = keep ? s + size : s;
			V(neuron_step)(NEURON_PASS, in, current, k == 0, s, o, work);
			s = o;
		}
		if (h)
			V(record)(d, index, s, live, (elem *)h + t * d->B * d->H);
	}
	flush_restore(mode);
}

/* gates_open sets open to the product of the gates of a channel at n places, without gate `but`. */
static void V(gates_open)(const struct neuron_dims *d, const struct neuron_channel *c, const struct neuron_gate *gate, int but, const int *place,
			  long n, const real *o, real *open)
{
	long nv = d->vectors;
	for (long i = 0; i < n * nv; i++)
		open[i] = r_splat(1);
	for (int k = c->gate; k < c->gate + c->gates; k++) {
		const real *x = PLANE(o, gate[k].plane);
		if (k == but)
			continue;
		for (long j = 0; j < n; j++)
			for (long l = 0; l < nv; l++)
				open[j * nv + l] *= V(power)(x[place[j] * nv + l], gate[k].power);
	}
}

/* gate_back takes the gradient of what one gate lets through at n places, gopen, and that of its plane
 * after a step to that before. */
CELL_FN void V(gate_back)(const int kinetics, const int fa, const int fb, const struct neuron_gate *g, const struct neuron_dims *d,
			  const int *place, long n, const real *q, const real *v, const real *x, const real *x1, const real *gopen,
			  real *gx, real *gv, real *gq)
{
	long nv = d->vectors;
	real h = r_splat((elem)g->speed), power = r_splat((elem)g->power);
	for (long l = 0; l < nv; l++) {
		real num[GATE_NUMBERS], sum[GATE_NUMBERS];
		for (int i = 0; i < g->numbers; i++) {
			num[i] = q[(g->number + i) * nv + l];
			sum[i] = r_splat(0);
		}
		for (long j = 0; j < n; j++) {
			long u = place[j] * nv + l;
			real more = gopen[j * nv + l] * power;
			if (g->power > 1)
				more *= V(power)(x1[u], g->power - 1);
			gx[u] = gate_adjoint(kinetics, fa, fb, num, h, v[u], x[u], gx[u] + more, &gv[u], g->learn ? sum : 0);
		}
		for (int i = 0; g->learn && i < g->numbers; i++)
			gq[(g->number + i) * nv + l] += sum[i];
	}
}

/* channel_back is the way back through channel_step. Side holds the solution of the adjoint of the tree,
 * pool what calcium adds to it, v the solution of the step. */
static void V(channel_back)(NEURON_ARGS, const struct neuron_channel *c, const real *s, const real *o, const real *v, const real *side,
			    const real *pool, real *g, real *gq)
{
	long nv = d->vectors, strip = STRIP / nv > 0 ? STRIP / nv : 1;
	real open[STRIP > 64 ? STRIP : 64], gopen[STRIP > 64 ? STRIP : 64];
	(void)channel, (void)receptor, (void)input;
	for (long j0 = 0; j0 < c->units; j0 += strip) {
		long n = c->units - j0 < strip ? c->units - j0 : strip;
		const int *place = index + c->place + j0;
		V(gates_open)(d, c, gate, -1, place, n, o, open);
		for (long j = 0; j < n; j++)
			for (long l = 0; l < nv; l++) {
				long u = place[j] * nv + l, e = c->reversal * nv + l, w = (c->density + j0 + j) * nv + l;
				real m = c->calcium ? side[u] - pool[u] : side[u], y = m * (q[e] - v[u]), x = open[j * nv + l];
				gq[e] += m * x * q[w];
				gq[w] += y * x;
				gopen[j * nv + l] = y * q[w];
			}
		for (int k = c->gate; k < c->gate + c->gates; k++) {
			const struct neuron_gate *t = gate + k;
			int on = t->kinetics == GATE_CALCIUM ? d->calcium : 0;
			const real *x1 = PLANE(o, t->plane), *x = PLANE(s, t->plane), *w = PLANE(s, on);
			real *gx = PLANE(g, t->plane), *gv = PLANE(g, on);
			V(gates_open)(d, c, gate, k, place, n, o, open);
			for (long i = 0; i < n * nv; i++)
				open[i] *= gopen[i];
#define BACK(kin, fa, fb) V(gate_back)(kin, fa, fb, t, d, place, n, q, w, x, x1, open, gx, gv, gq)
			EACH_KINETICS(t, BACK)
#undef BACK
		}
	}
}

/* step_back takes the gradient g of the state o after a step to that of the state s before it, and adds
 * those of the numbers to gq, of currents to gcurrent [U] and of x to gin [I]. Work is that of a step and
 * one more plane. */
static void V(step_back)(NEURON_ARGS, const real *in, int first, const real *s, const real *o, real *g, real *gq, real *gcurrent, real *gin,
			 real *work)
{
	long nv = d->vectors, n = d->U * nv;
	real *leak = work, *side = work + n, *ca = work + 2 * n, *v = ca, *pool = work + 4 * n;
	const real *cap = q + d->cap * nv, *gl = q + d->leak * nv, *rest = q + d->rest * nv, *axial = q + d->axial * nv;
	const int *parent = index + d->tree;
	real open[STRIP > 64 ? STRIP : 64], twice = r_splat(d->second ? 2 : 1);
	for (long u = 0; u < n; u++) {
		leak[u] = twice * cap[u] + gl[u];
		side[u] = twice * g[u];
	}
	if (d->calcium)
		memset(ca, 0, 2 * n * sizeof *ca);
	for (const struct neuron_channel *c = channel; c < channel + d->channels; c++)
		for (long j0 = 0, m = STRIP / nv > 0 ? STRIP / nv : 1; j0 < c->units; j0 += m) {
			long k = c->units - j0 < m ? c->units - j0 : m;
			V(gates_open)(d, c, gate, -1, index + c->place + j0, k, o, open);
			for (long j = 0; j < k; j++)
				for (long l = 0; l < nv; l++) {
					long u = index[c->place + j0 + j] * nv + l;
					real y = open[j * nv + l] * q[(c->density + j0 + j) * nv + l];
					leak[u] += y;
					if (c->calcium) {
						ca[u] += y;
						ca[n + u] += y * q[c->reversal * nv + l];
					}
				}
		}
	for (const struct neuron_receptor *r = receptor; r < receptor + d->receptors; r++)
		for (long j = 0; j < r->units; j++)
			for (long l = 0; l < nv; l++) {
				long u = index[r->place + j] * nv + l;
				leak[u] += q[(r->number + 3) * nv + l] * PLANE(o, r->plane + (r->rise != 0))[u];
			}
	/* calcium follows from V after the step */
	if (d->calcium) {
		real *gc = PLANE(g, d->calcium), *gp = gq + d->pool * nv;
		const real *p = q + d->pool * nv, *area = q + d->area * nv;
		for (long k = 0; k < d->U; k++)
			for (long l = 0; l < nv; l++) {
				long u = k * nv + l;
				real w = d->second ? R(0.5) * (o[u] + s[u]) : o[u], i = (ca[u] * w - ca[n + u]) * area[u], a = gc[u];
				pool[u] = -a * p[l] * area[u];
				side[u] += pool[u] * ca[u];
				gp[l] -= a * i;
				gp[nv + l] += a * (R(1.0) - p[2 * nv + l]);
				gp[2 * nv + l] += a * (PLANE(s, d->calcium)[u] - p[nv + l]);
				gc[u] = a * p[2 * nv + l];
			}
	}
	for (long u = 0; u < n; u++)
		v[u] = d->second ? R(0.5) * (o[u] + s[u]) : o[u];
	V(solve)(d, parent, axial, leak, side); /* the matrix is symmetric */
	for (long k = 0; k < d->U; k++)
		for (long l = 0; l < nv; l++) {
			long u = k * nv + l, p = parent[k] * nv + l;
			real m = side[u];
			gq[d->cap * nv + u] += twice * m * (s[u] - v[u]);
			gq[d->leak * nv + u] += m * (rest[u] - v[u]);
			gq[d->rest * nv + u] += m * gl[u];
			if (parent[k] >= 0)
				gq[d->axial * nv + u] -= (m - side[p]) * (v[u] - v[p]);
			gcurrent[u] += m;
			real before = twice * m * cap[u];
			g[u] = d->second ? before - g[u] : before;
		}
	for (int c = 0; c < d->channels; c++)
		V(channel_back)(NEURON_PASS, channel + c, s, o, v, side, pool, g, gq);
	for (const struct neuron_receptor *r = receptor; r < receptor + d->receptors; r++)
		for (long j = 0; j < r->units; j++)
			for (long l = 0; l < nv; l++) {
				long u = index[r->place + j] * nv + l, i = r->number * nv + l;
				real trace = PLANE(o, r->plane + (r->rise != 0))[u], a = side[u] * (q[i + 4 * nv] - v[u]);
				gq[i + 3 * nv] += a * trace;
				gq[i + 4 * nv] += side[u] * q[i + 3 * nv] * trace;
				PLANE(g, r->plane + (r->rise != 0))[u] += a * q[i + 3 * nv];
			}
	for (int k = 0; first && k < d->inputs; k++)
		if (input[k].receptor >= 0)
			for (long l = 0; l < nv; l++) {
				real a = PLANE(g, receptor[input[k].receptor].plane)[input[k].place * nv + l];
				gq[input[k].weight * nv + l] += a * in[input[k].from * nv + l];
				gin[input[k].from * nv + l] += a * q[input[k].weight * nv + l];
			}
	for (const struct neuron_receptor *r = receptor; r < receptor + d->receptors; r++)
		for (long j = 0; j < r->units; j++)
			for (long l = 0; l < nv; l++) {
				long u = index[r->place + j] * nv + l, i = r->number * nv + l;
				real a = PLANE(g, r->plane)[u], x = PLANE(s, r->plane)[u];
				gq[i] += a * x;
				a *= q[i];
				if (r->rise) {
					real b = PLANE(g, r->plane + 1)[u];
					gq[i + nv] += b * PLANE(s, r->plane + 1)[u];
					gq[i + 2 * nv] += b * x;
					a += b * q[i + 2 * nv];
					PLANE(g, r->plane + 1)[u] = b * q[i + nv];
				}
				PLANE(g, r->plane)[u] = a;
			}
}

static void V(neuron_backward)(const struct neuron_dims *d, const struct neuron_channel *channel, const struct neuron_gate *gate,
			       const struct neuron_receptor *receptor, const struct neuron_input *input, const int *index,
			       const void *numbers, const void *x, long steps, long live, const void *states, const void *dh, void *gradient,
			       double *sums, void *gh, void *gx, void *scratch)
{
	const real *q = numbers;
	long nv = d->vectors, size = d->planes * d->U * nv, n = d->U * nv;
	real *in = scratch, *gin = in + d->I * nv, *current = gin + d->I * nv, *gcurrent = current + n, *work = gcurrent + n;
	real *gq = work + 5 * n, *g = gradient;
	unsigned mode = flush_on();
	memset(gq, 0, d->rows * nv * sizeof *gq);
	for (long t = steps - 1; t >= 0; t--) {
		if (dh) {
			const elem *row = (const elem *)dh + t * d->B * d->H;
			for (long r = 0; r < d->H; r++) {
				elem *to = (elem *)(g + index[d->record + r] * nv);
				for (long b = 0; b < live; b++)
					to[b] += row[b * d->H + r];
			}
		}
		if (gh)
			V(record)(d, index, g, live, (elem *)gh + t * d->B * d->H);
		V(drive)(NEURON_PASS, (const elem *)x + t * d->B * d->I, live, in, current);
		memset(gin, 0, d->I * nv * sizeof *gin);
		memset(gcurrent, 0, n * sizeof *gcurrent);
		for (long k = d->substeps - 1; k >= 0; k--) {
			const real *s = (const real *)states + (t * d->substeps + k) * size;
			V(step_back)(NEURON_PASS, in, k == 0, s, s + size, g, gq, gcurrent, gin, work);
		}
		for (int k = 0; k < d->inputs; k++)
			if (input[k].receptor < 0)
				for (long l = 0; l < nv; l++) {
					real a = gcurrent[input[k].place * nv + l];
					gq[input[k].weight * nv + l] += a * in[input[k].from * nv + l];
					gin[input[k].from * nv + l] += a * q[input[k].weight * nv + l];
				}
		for (long i = 0; gx && i < d->I; i++)
			for (long b = 0; b < live; b++)
				((elem *)gx)[(t * d->B + b) * d->I + i] = ((const elem *)(gin + i * nv))[b];
	}
	for (long i = 0; i < d->rows * nv * VL; i++)
		sums[i] += ((const elem *)gq)[i];
	flush_restore(mode);
}

const struct neuron_kernels V(galvani_neuron) = {VL, V(neuron_scratch), V(neuron_forward), V(neuron_backward)};
