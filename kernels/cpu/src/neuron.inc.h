/* neuron.inc.h - neurons of compartments for one instruction set. The including file defines VARIANT
 * and VL. */

#include <string.h>
#include "scan.h"
#include "flush.h"
#include "neuron_kernels.h"

#define V(name) CAT(name##_, VARIANT)

/* A strip is so many places that it stays in the nearest cache with all that its gates read; a block has
 * at most 64 vectors. */
#define STEP_FN static inline __attribute__((unused))
#define GATE_FN static inline __attribute__((always_inline))
#define EACH_LANE for (long l = 0; l < n->lanes; l++)
#define STRIP (n->lanes < STRIP_SIZE ? STRIP_SIZE / n->lanes : 1)
#define OPEN(j) ((j) * n->lanes + l)
#define ROW(q, r) ((q)[(r) * n->width + l * (n->width > 1)])
enum { STRIP_SIZE = 96 };

/* For wide vectors the usual kinetics are compiled on their own, with constants. For others, and for
 * narrow vectors, that would take more room than it saves time. */
#if VL < 8
#define EACH_KINETICS(g, f) f((g)->kinetics, (g)->forms[0], (g)->forms[1])
#else
#define EACH_KINETICS(g, f) \
	switch ((g)->kinetics == GATE_RATES ? (g)->forms[0] * 3 + (g)->forms[1] : 8 + (g)->kinetics) { \
	case FORM_EXP * 3 + FORM_EXP: f(GATE_RATES, FORM_EXP, FORM_EXP); break; \
	case FORM_EXP * 3 + FORM_SIGMOID: f(GATE_RATES, FORM_EXP, FORM_SIGMOID); break; \
	case FORM_LINEAR * 3 + FORM_EXP: f(GATE_RATES, FORM_LINEAR, FORM_EXP); break; \
	case 8 + GATE_CONSTANT: f(GATE_CONSTANT, 0, 0); break; \
	case 8 + GATE_BELL: f(GATE_BELL, 0, 0); break; \
	default: f((g)->kinetics, (g)->forms[0], (g)->forms[1]); \
	}
#endif

#include "../../compartments/gate.h"

/* What step.h asks of a neuron, and what of it is better here: channels with tables. */
struct neuron;
STEP_FN int learns(const struct neuron *n, int what);
#define LEARNS learns
#if VL == 8 && defined(__AVX2__)
#define TABLES 1
STEP_FN void best_step(const struct neuron *n, const struct neuron_channel *c, const real *s, real *o, real *leak, real *side, real *ca);
STEP_FN void best_back(const struct neuron *n, const struct neuron_channel *c, const real *s, const real *o, const real *v, const real *side,
		       const real *pool, real *g, real *gq);
#define CHANNEL_STEP best_step
#define CHANNEL_BACK best_back
#else
#define TABLES 0
#define CHANNEL_STEP channel_step
#define CHANNEL_BACK channel_back
#endif

#include "../../compartments/step.h"

/* A neuron with what is of this device. */
struct planned {
	struct neuron n;
	const struct neuron_plan *plan;
	const float *table;
};
#define PLAN(n) (((const struct planned *)(n))->plan)
#define TABLE(n) (((const struct planned *)(n))->table)

STEP_FN int learns(const struct neuron *n, int what) { return PLAN(n)->learns & what; }

#include "table.inc.h"

#if TABLES
STEP_FN void best_step(const struct neuron *n, const struct neuron_channel *c, const real *s, real *o, real *leak, real *side, real *ca)
{
	const char *table = table_of(n, c);
	if (table)
		table_step(n, c, table, s, o, leak, side, ca);
	else
		channel_step(n, c, s, o, leak, side, ca);
}
STEP_FN void best_back(const struct neuron *n, const struct neuron_channel *c, const real *s, const real *o, const real *v, const real *side,
		       const real *pool, real *g, real *gq)
{
	const char *table = table_of(n, c);
	if (table)
		table_back(n, c, table, s, o, v, side, pool, g, gq);
	else
		channel_back(n, c, s, o, v, side, pool, g, gq);
}
#endif

static long V(neuron_scratch)(const struct neuron_dims *d, long vectors)
{
	/* x and current, and of a step leak, side and calcium; of the way back gradients of x and of numbers, and of a step
	 * side, calcium and what it takes */
	return (2 * d->I + 5 * d->U + d->rows) * vectors;
}

/* load lays out x of one step [B,I] as [I]. */
static void load(const struct neuron *n, const elem *x, long live, real *in)
{
	for (long i = 0; i < n->d.I; i++) {
		elem *row = (elem *)(in + i * n->lanes);
		for (long b = 0; b < live; b++)
			row[b] = x[b * n->d.I + i];
		for (long b = live; b < n->lanes * VL; b++)
			row[b] = 0;
	}
}

/* pick lays out the mask of one step [B], 1 where it is positive and else 0. It tells whether a sequence is left out. */
static int pick(const struct neuron *n, const elem *mask, long live, real *on)
{
	int out = 0;
	for (long b = 0; b < n->lanes * VL; b++) {
		((elem *)on)[b] = b < live && mask[b] > 0;
		out |= b < live && !(mask[b] > 0);
	}
	return out;
}

/* hold gives a state the numbers of another in the sequences that are left out. */
static void hold(const struct neuron *n, const real *on, const real *before, real *s)
{
	for (long r = 0; r < n->d.planes * n->d.U; r++)
		EACH_LANE
			s[PLACE(r)] = r_where(on[l] > r_splat(0), s[PLACE(r)], before[PLACE(r)]);
}

/* set_aside moves what belongs to sequences that are left out from g to aside, where there is 0 for all others. */
static void set_aside(const struct neuron *n, const real *on, real *g, real *aside)
{
	for (long r = 0; r < n->d.planes * n->d.U; r++)
		EACH_LANE {
			real x = g[PLACE(r)], zero = r_splat(0);
			g[PLACE(r)] = r_where(on[l] > zero, x, zero);
			aside[PLACE(r)] = r_where(on[l] > zero, zero, x);
		}
}

/* record writes h of one step [B,H], from V. */
static void record(const struct neuron *n, const real *v, long live, elem *h)
{
	for (long r = 0; r < n->d.H; r++) {
		const elem *row = (const elem *)(v + n->index[n->d.record + r] * n->lanes);
		for (long b = 0; b < live; b++)
			h[b * n->d.H + r] = row[b];
	}
}

/* receive adds the gradient of h of one step [B,H] to that of V. */
static void receive(const struct neuron *n, const elem *dh, long live, real *g)
{
	for (long r = 0; r < n->d.H; r++) {
		elem *row = (elem *)(g + n->index[n->d.record + r] * n->lanes);
		for (long b = 0; b < live; b++)
			row[b] += dh[b * n->d.H + r];
	}
}

static void V(neuron_forward)(const struct neuron_dims *d, long vectors, const struct neuron_channel *channel, const struct neuron_gate *gate,
			      const struct neuron_receptor *receptor, const struct neuron_input *input, const int *index,
			      const struct neuron_plan *plan, const float *table, const void *numbers, const void *x, const void *mask, long steps, long live, void *states, void *factors, void *h, void *scratch)
{
	struct planned planned = {{*d, channel, gate, receptor, input, index, (const real *)numbers, vectors, plan->own ? vectors : 1}, plan, table};
	const struct neuron *n = &planned.n;
	long size = d->planes * d->U * vectors;
	real *in = scratch, *current = in + d->I * vectors, *leak = PLANE(current, 1), *work = PLANE(current, 2), *s = states, *keep = factors;
	real *on = in + V(neuron_scratch)(d, vectors), *before = on + vectors;
	unsigned mode = flush_on();
	for (long t = 0; t < steps; t++) {
		load(n, (const elem *)x + t * d->B * d->I, live, in);
		currents(n, in, current);
		int out = mask && pick(n, (const elem *)mask + t * d->B, live, on);
		for (long k = 0; k < d->substeps; k++) {
			real *o = keep ? s + size : s;
			if (out)
				memcpy(before, s, size * sizeof *s);
			neuron_step(n, in, current, k == 0, s, o, keep ? keep : leak, work);
			if (out)
				hold(n, on, before, o);
			s = o;
			keep = keep ? PLANE(keep, 1) : 0;
		}
		if (h)
			record(n, s, live, (elem *)h + t * d->B * d->H);
	}
	flush_restore(mode);
}

static void V(neuron_backward)(const struct neuron_dims *d, long vectors, const struct neuron_channel *channel, const struct neuron_gate *gate,
			       const struct neuron_receptor *receptor, const struct neuron_input *input, const int *index,
			       const struct neuron_plan *plan, const float *table, const void *numbers, const void *x, const void *mask, long steps, long live, const void *states, const void *factors, const void *dh, void *gradient,
			       double *sums, void *gh, void *gx, void *scratch)
{
	struct planned planned = {{*d, channel, gate, receptor, input, index, (const real *)numbers, vectors, plan->own ? vectors : 1}, plan, table};
	const struct neuron *n = &planned.n;
	long size = d->planes * d->U * vectors;
	real *in = scratch, *gin = in + d->I * vectors, *work = gin + d->I * vectors;
	real *gq = PLANE(work, 4), *g = gradient, *on = in + V(neuron_scratch)(d, vectors), *aside = on + vectors;
	unsigned mode = flush_on();
	memset(gq, 0, d->rows * vectors * sizeof *gq);
	for (long t = steps - 1; t >= 0; t--) {
		if (dh)
			receive(n, (const elem *)dh + t * d->B * d->H, live, g);
		if (gh)
			record(n, g, live, (elem *)gh + t * d->B * d->H);
		load(n, (const elem *)x + t * d->B * d->I, live, in);
		memset(gin, 0, d->I * vectors * sizeof *gin);
		int out = mask && pick(n, (const elem *)mask + t * d->B, live, on);
		if (out)
			set_aside(n, on, g, aside);
		for (long k = d->substeps - 1; k >= 0; k--) {
			const real *s = (const real *)states + (t * d->substeps + k) * size, *factor = PLANE((const real *)factors, t * d->substeps + k);
			step_back(n, in, k == 0, s, s + size, factor, g, gq, gin, work);
		}
		for (long r = 0; out && r < size; r++)
			g[r] += aside[r];
		for (long i = 0; gx && i < d->I; i++)
			for (long b = 0; b < live; b++)
				((elem *)gx)[(t * d->B + b) * d->I + i] = ((const elem *)(gin + i * vectors))[b];
	}
	for (long i = 0; i < d->rows * vectors * VL; i++)
		sums[i] += ((const elem *)gq)[i];
	flush_restore(mode);
}

#if defined(GALVANI_F64)
#define TABLE_OF gate_table
#else
#define TABLE_OF 0
#endif
const struct neuron_kernels V(galvani_neuron) = {VL, TABLES, V(neuron_scratch), V(neuron_forward), V(neuron_backward), TABLE_OF};
