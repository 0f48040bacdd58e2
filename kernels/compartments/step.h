/* step.h - the step of a neuron of compartments, and the way back through it, for the devices.
 *
 * Numbers of several sequences lie side by side, `lanes` of them (struct neuron): rows, places and planes
 * are arrays of so many. The including file defines, before it,
 *
 *   real, elem	     in cells/shared/real.h
 *   STEP_FN	     what functions of a device begin with; GATE_FN those that EACH_KINETICS calls
 *   EACH_LANE	     for (long l = ...): the lanes that are done here
 *   STRIP	     how many places of a channel are taken through all its gates together
 *   OPEN(j)	     lane l of place j of a strip; a strip has STRIP_SIZE numbers
 *   ROW(q, r)	     lane l of row r
 *   EACH_KINETICS   calls a macro with the kinetics and the forms of a gate
 *
 * and, where it has something better, the functions
 *
 *   CHANNEL_STEP    in the place of channel_step, CHANNEL_BACK of channel_back
 *   LEARNS(n, what) whether gradients of numbers are wanted: all of them without it
 *
 * What a step is, package compartments says.
 */
#ifndef GALVANI_STEP_H
#define GALVANI_STEP_H

#include "gate.h"
#include "neuron.h"

enum { LEARN_CAP = 1, LEARN_LEAK = 2, LEARN_REST = 4, LEARN_AXIAL = 8 };
#ifndef CHANNEL_STEP
#define CHANNEL_STEP channel_step
#define CHANNEL_BACK channel_back
#define LEARNS(n, what) 1
#endif

/* A neuron and its numbers. */
struct neuron {
	struct neuron_dims d;
	const struct neuron_channel *channel;
	const struct neuron_gate *gate;
	const struct neuron_receptor *receptor;
	const struct neuron_input *input;
	const int *index;
	const real *q;
	long lanes, width; /* of planes, of rows */
};

#define PLACE(k) ((k) * n->lanes + l)
#define PLANE(s, p) ((s) + (long)(p) * n->d.U * n->lanes)
#define NUMBER(r) ROW(n->q, r)

/* power returns x^p, p at least 1. */
STEP_FN real power(real x, int p)
{
	real y = p > 1 ? x * x : x;
	if (p == 4)
		return y * y;
	for (int k = 2; k < p; k++)
		y *= x;
	return y;
}

/* gate_rows steps one gate at some places, and multiplies open by what it lets through. */
GATE_FN void gate_rows(const int kinetics, const int fa, const int fb, const struct neuron *n, const struct neuron_gate *g,
		       const int *place, long count, const real *v, const real *x, real *x1, real *open)
{
	struct gate_parts part[STRIP_SIZE];
	real h = r_splat((elem)g->speed);
	EACH_LANE {
		real num[GATE_NUMBERS];
		for (int i = 0; i < g->numbers; i++)
			num[i] = NUMBER(g->number + i);
		for (long j = 0; j < count; j++)
			part[OPEN(j)] = gate_begin(kinetics, fa, fb, num, v[PLACE(place[j])]);
		for (long j = 0; j < count; j++) {
			long u = PLACE(place[j]);
			x1[u] = gate_end(kinetics, fa, fb, num, part[OPEN(j)], h, x[u]);
			open[OPEN(j)] *= power(x1[u], g->power);
		}
	}
}

/* channel_sum adds the conductance of a channel at some places to leak, times E to side, and both to those of
 * calcium, [2,U], where it carries it. */
STEP_FN void channel_sum(const struct neuron *n, const struct neuron_channel *c, const int *place, long count, const real *open, real *leak,
			 real *side, real *ca)
{
	for (long j = 0; j < count; j++)
		EACH_LANE {
			long u = PLACE(place[j]);
			real y = open[OPEN(j)], e = y * NUMBER(c->reversal);
			leak[u] += y;
			side[u] += e;
			if (c->calcium) {
				ca[u] += y;
				PLANE(ca, 1)[u] += e;
			}
		}
}

/* channel_step steps the gates of a channel and adds what it conducts. */
STEP_FN void channel_step(const struct neuron *n, const struct neuron_channel *c, const real *s, real *o, real *leak, real *side, real *ca)
{
	real open[STRIP_SIZE];
	for (long j0 = 0; j0 < c->units; j0 += STRIP) {
		long count = c->units - j0 < STRIP ? c->units - j0 : STRIP;
		const int *place = n->index + c->place + j0;
		for (long j = 0; j < count; j++)
			EACH_LANE
				open[OPEN(j)] = NUMBER(c->density + j0 + j);
		for (int k = c->gate; k < c->gate + c->gates; k++) {
			const struct neuron_gate *g = n->gate + k;
			const real *v = PLANE(s, g->kinetics == GATE_CALCIUM ? n->d.calcium : 0), *x = PLANE(s, g->plane);
			real *x1 = PLANE(o, g->plane);
#define STEP(kin, fa, fb) gate_rows(kin, fa, fb, n, g, place, count, v, x, x1, open)
			EACH_KINETICS(g, STEP);
#undef STEP
		}
		channel_sum(n, c, place, count, open, leak, side, ca);
	}
}

/* from_root goes from the root to the leaves of an elimination, and makes the solution of the right side. */
STEP_FN void from_root(const struct neuron *n, const real *factor, real *side)
{
	const int *parent = n->index + n->d.tree;
	for (long k = 0; k < n->d.U; k++) {
		long p = parent[k];
		EACH_LANE {
			real b = side[PLACE(k)];
			if (p >= 0)
				b += NUMBER(n->d.axial + k) * side[PLACE(p)];
			side[PLACE(k)] = b * factor[PLACE(k)];
		}
	}
}

/* solve solves the tree, given leaks and the right side, which becomes the solution. Of leaks it leaves the factors
 * of the elimination. Nothing is subtracted, so that weak leaks keep their digits beside strong couplings. */
STEP_FN void solve(const struct neuron *n, real *leak, real *side)
{
	const int *parent = n->index + n->d.tree;
	for (long k = n->d.U - 1; k >= 0; k--) {
		long p = parent[k];
		if (p < 0) {
			EACH_LANE
				leak[PLACE(k)] = R(1.0) / leak[PLACE(k)];
			continue;
		}
		EACH_LANE {
			real a = NUMBER(n->d.axial + k), y = leak[PLACE(k)], w = R(1.0) / (a + y), share = a * w;
			leak[PLACE(p)] += share * y;
			side[PLACE(p)] += share * side[PLACE(k)];
			leak[PLACE(k)] = w;
		}
	}
	from_root(n, leak, side);
}

/* solve_again solves the tree for another right side, by the factors that solve left. */
STEP_FN void solve_again(const struct neuron *n, const real *factor, real *side)
{
	const int *parent = n->index + n->d.tree;
	for (long k = n->d.U - 1; k >= 0; k--) {
		long p = parent[k];
		EACH_LANE
			if (p >= 0)
				side[PLACE(p)] += NUMBER(n->d.axial + k) * factor[PLACE(k)] * side[PLACE(k)];
	}
	from_root(n, factor, side);
}

/* currents makes those of the inputs [U] from x of one step, in [I]. */
STEP_FN void currents(const struct neuron *n, const real *in, real *current)
{
	for (long k = 0; k < n->d.U; k++)
		EACH_LANE
			current[PLACE(k)] = r_splat(0);
	for (const struct neuron_input *i = n->input; i < n->input + n->d.inputs; i++)
		if (i->receptor < 0)
			EACH_LANE
				current[PLACE(i->place)] += NUMBER(i->weight) * in[PLACE(i->from)];
}

/* In the index, behind the recorded places, stand the longest delay of each receptor and the delay of each input, in steps
 * of the scan. For each step of its delay a receptor has a plane behind y: what reaches x so many steps later. */
STEP_FN int delays(const struct neuron *n, const struct neuron_receptor *r)
{
	return n->index[n->d.record + n->d.H + (r - n->receptor)];
}

/* arrival returns the plane that an input of a receptor adds to. */
STEP_FN int arrival(const struct neuron *n, const struct neuron_input *i)
{
	int delay = n->index[n->d.record + n->d.H + n->d.receptors + (i - n->input)];
	return n->receptor[i->receptor].plane + (delay > 0 ? 1 + delay : 0);
}

/* receptor_step advances the traces of a receptor, and in the first step of a step of the scan what waits for its delay.
 * Events are added afterwards. */
STEP_FN void receptor_step(const struct neuron *n, const struct neuron_receptor *r, int first, const real *s, real *o)
{
	int behind = 2 + delays(n, r), next = first != 0;
	for (long j = 0; j < r->units; j++)
		EACH_LANE {
			long u = PLACE(n->index[r->place + j]);
			real x = PLANE(s, r->plane)[u], left = NUMBER(r->number) * x;
			if (r->rise)
				PLANE(o, r->plane + 1)[u] = NUMBER(r->number + 1) * PLANE(s, r->plane + 1)[u] + NUMBER(r->number + 2) * x;
			if (next && behind > 2)
				left += PLANE(s, r->plane + 2)[u];
			PLANE(o, r->plane)[u] = left;
			for (int d = 2; d < behind; d++)
				PLANE(o, r->plane + d)[u] = d + next < behind ? PLANE(s, r->plane + d + next)[u] : r_splat(0);
		}
}

/* conductances adds those of a receptor, whose traces are in o, to leak and side. */
STEP_FN void conductances(const struct neuron *n, const struct neuron_receptor *r, const real *o, real *leak, real *side)
{
	for (long j = 0; j < r->units; j++)
		EACH_LANE {
			long u = PLACE(n->index[r->place + j]);
			real y = NUMBER(r->number + 3) * PLANE(o, r->plane + (r->rise != 0))[u];
			leak[u] += y;
			side[u] += y * NUMBER(r->number + 4);
		}
}

/* neuron_step takes the state s to o, which may be the same. In leak [U] it leaves the factors of the tree, for
 * step_back. Work is side [U] and calcium [2,U]. */
STEP_FN void neuron_step(const struct neuron *n, const real *in, const real *current, int first, const real *s, real *o, real *leak, real *work)
{
	real *side = work, *ca = PLANE(work, 1), twice = r_splat(n->d.second ? 2 : 1);
	for (long k = 0; k < n->d.U; k++)
		EACH_LANE {
			long u = PLACE(k);
			real c = twice * NUMBER(n->d.cap + k), g = NUMBER(n->d.leak + k);
			leak[u] = c + g;
			side[u] = c * s[u] + g * NUMBER(n->d.rest + k) + current[u];
			if (n->d.calcium)
				ca[u] = PLANE(ca, 1)[u] = r_splat(0);
		}
	for (int c = 0; c < n->d.channels; c++)
		CHANNEL_STEP(n, n->channel + c, s, o, leak, side, ca);
	for (int r = 0; r < n->d.receptors; r++)
		receptor_step(n, n->receptor + r, first, s, o);
	for (const struct neuron_input *i = n->input; first && i < n->input + n->d.inputs; i++)
		if (i->receptor >= 0)
			EACH_LANE
				PLANE(o, arrival(n, i))[PLACE(i->place)] += NUMBER(i->weight) * in[PLACE(i->from)];
	for (int r = 0; r < n->d.receptors; r++)
		conductances(n, n->receptor + r, o, leak, side);
	solve(n, leak, side);
	for (long k = 0; n->d.calcium && k < n->d.U; k++)
		EACH_LANE {
			long u = PLACE(k);
			real i = (ca[u] * side[u] - PLANE(ca, 1)[u]) * NUMBER(n->d.area + k), rest = NUMBER(n->d.pool + 1);
			PLANE(o, n->d.calcium)[u] = rest + (PLANE(s, n->d.calcium)[u] - rest) * NUMBER(n->d.pool + 2) - NUMBER(n->d.pool) * i;
		}
	for (long k = 0; k < n->d.U; k++)
		EACH_LANE {
			long u = PLACE(k);
			o[u] = n->d.second ? R(2.0) * side[u] - s[u] : side[u];
		}
}

/* gates_open sets open to the product of the gates of a channel at some places, without gate `but`. */
STEP_FN void gates_open(const struct neuron *n, const struct neuron_channel *c, int but, const int *place, long count, const real *o, real *open)
{
	for (long j = 0; j < count; j++)
		EACH_LANE
			open[OPEN(j)] = r_splat(1);
	for (int k = c->gate; k < c->gate + c->gates; k++) {
		const real *x = PLANE(o, n->gate[k].plane);
		if (k == but)
			continue;
		for (long j = 0; j < count; j++)
			EACH_LANE
				open[OPEN(j)] *= power(x[PLACE(place[j])], n->gate[k].power);
	}
}

/* gate_back takes the gradient of what a gate lets through at some places, gopen, and that of its plane
 * after a step to that before. */
GATE_FN void gate_back(const int kinetics, const int fa, const int fb, const struct neuron *n, const struct neuron_gate *g, const int *place,
		       long count, const real *v, const real *x, const real *x1, const real *gopen, real *gx, real *gv, real *gq)
{
	struct gate_parts part[STRIP_SIZE];
	real h = r_splat((elem)g->speed), factor = r_splat((elem)g->power), through = r_splat((elem)g->through);
	EACH_LANE {
		real num[GATE_NUMBERS], sum[GATE_NUMBERS];
		for (int i = 0; i < g->numbers; i++) {
			num[i] = NUMBER(g->number + i);
			sum[i] = r_splat(0);
		}
		for (long j = 0; kinetics == GATE_RATES && j < count; j++)
			part[OPEN(j)] = gate_begin(kinetics, fa, fb, num, v[PLACE(place[j])]);
		for (long j = 0; j < count; j++) {
			long u = PLACE(place[j]);
			real more = gopen[OPEN(j)] * factor;
			if (g->power > 1)
				more *= power(x1[u], g->power - 1);
			real by = r_splat(0);
			gx[u] = gate_adjoint(kinetics, fa, fb, num, part[OPEN(j)], h, v[u], x[u], gx[u] + more, &by, g->learn ? sum : 0);
			gv[u] += through * by;
		}
		for (int i = 0; g->learn && i < g->numbers; i++)
			gq[PLACE(g->number + i)] += sum[i];
	}
}

/* channel_back is the way back through channel_step. Side holds the solution of the adjoint of the tree,
 * pool what calcium takes from it, v the solution of the step. */
STEP_FN void channel_back(const struct neuron *n, const struct neuron_channel *c, const real *s, const real *o, const real *v, const real *side,
			  const real *pool, real *g, real *gq)
{
	real open[STRIP_SIZE], gopen[STRIP_SIZE];
	for (long j0 = 0; j0 < c->units; j0 += STRIP) {
		long count = c->units - j0 < STRIP ? c->units - j0 : STRIP;
		const int *place = n->index + c->place + j0;
		gates_open(n, c, -1, place, count, o, open);
		for (long j = 0; j < count; j++)
			EACH_LANE {
				long u = PLACE(place[j]);
				real m = c->calcium ? side[u] - pool[u] : side[u], y = m * (NUMBER(c->reversal) - v[u]);
				real x = open[OPEN(j)], w = NUMBER(c->density + j0 + j);
				gq[PLACE(c->reversal)] += m * x * w;
				gq[PLACE(c->density + j0 + j)] += y * x;
				gopen[OPEN(j)] = y * w;
			}
		for (int k = c->gate; k < c->gate + c->gates; k++) {
			const struct neuron_gate *t = n->gate + k;
			int on = t->kinetics == GATE_CALCIUM ? n->d.calcium : 0;
			const real *x1 = PLANE(o, t->plane), *x = PLANE(s, t->plane), *w = PLANE(s, on);
			real *gx = PLANE(g, t->plane), *gv = PLANE(g, on);
			gates_open(n, c, k, place, count, o, open);
			for (long j = 0; j < count; j++)
				EACH_LANE
					open[OPEN(j)] *= gopen[OPEN(j)];
#define BACK(kin, fa, fb) gate_back(kin, fa, fb, n, t, place, count, w, x, x1, open, gx, gv, gq)
			EACH_KINETICS(t, BACK);
#undef BACK
		}
	}
}

/* open_again adds the conductance of a channel of calcium after a step to that of all, and times E. */
STEP_FN void open_again(const struct neuron *n, const struct neuron_channel *c, const real *o, real *ca)
{
	real open[STRIP_SIZE];
	for (long j0 = 0; j0 < c->units; j0 += STRIP) {
		long count = c->units - j0 < STRIP ? c->units - j0 : STRIP;
		gates_open(n, c, -1, n->index + c->place + j0, count, o, open);
		for (long j = 0; j < count; j++)
			EACH_LANE {
				long u = PLACE(n->index[c->place + j0 + j]);
				real y = open[OPEN(j)] * NUMBER(c->density + j0 + j);
				ca[u] += y;
				PLANE(ca, 1)[u] += y * NUMBER(c->reversal);
			}
	}
}

/* receptors_back is the way back through receptors and their inputs. */
STEP_FN void receptors_back(const struct neuron *n, const real *in, int first, const real *s, const real *o, const real *v, const real *side,
			    real *g, real *gq, real *gin)
{
	for (const struct neuron_receptor *r = n->receptor; r < n->receptor + n->d.receptors; r++)
		for (long j = 0; j < r->units; j++)
			EACH_LANE {
				long u = PLACE(n->index[r->place + j]), i = r->number;
				real trace = PLANE(o, r->plane + (r->rise != 0))[u], a = side[u] * (NUMBER(i + 4) - v[u]);
				gq[PLACE(i + 3)] += a * trace;
				gq[PLACE(i + 4)] += side[u] * NUMBER(i + 3) * trace;
				PLANE(g, r->plane + (r->rise != 0))[u] += a * NUMBER(i + 3);
			}
	for (const struct neuron_input *i = n->input; first && i < n->input + n->d.inputs; i++)
		if (i->receptor >= 0)
			EACH_LANE {
				real a = PLANE(g, arrival(n, i))[PLACE(i->place)];
				gq[PLACE(i->weight)] += a * in[PLACE(i->from)];
				gin[PLACE(i->from)] += a * NUMBER(i->weight);
			}
	for (const struct neuron_receptor *r = n->receptor; r < n->receptor + n->d.receptors; r++) {
		int late = first ? delays(n, r) : 0;
		for (long j = 0; j < r->units; j++)
			EACH_LANE {
				long u = PLACE(n->index[r->place + j]), i = r->number;
				real a = PLANE(g, r->plane)[u], x = PLANE(s, r->plane)[u];
				for (int d = 1 + late; d > 1; d--)
					PLANE(g, r->plane + d)[u] = d > 2 ? PLANE(g, r->plane + d - 1)[u] : a;
				gq[PLACE(i)] += a * x;
				a *= NUMBER(i);
				if (r->rise) {
					real b = PLANE(g, r->plane + 1)[u];
					gq[PLACE(i + 1)] += b * PLANE(s, r->plane + 1)[u];
					gq[PLACE(i + 2)] += b * x;
					a += b * NUMBER(i + 2);
					PLANE(g, r->plane + 1)[u] = b * NUMBER(i + 1);
				}
				PLANE(g, r->plane)[u] = a;
			}
	}
}

/* calcium_back is the way back through calcium, which follows from V after the step: it takes the gradient of its plane
 * to that before, and adds to side, the gradient of V. Work is what carries calcium [2,U], of pool [U] it makes what calcium
 * takes from V. */
STEP_FN void calcium_back(const struct neuron *n, const real *s, const real *o, real *g, real *gq, real *side, real *ca, real *pool)
{
	for (long k = 0; k < n->d.U; k++)
		EACH_LANE
			ca[PLACE(k)] = PLANE(ca, 1)[PLACE(k)] = r_splat(0);
	for (int c = 0; c < n->d.channels; c++)
		if (n->channel[c].calcium)
			open_again(n, n->channel + c, o, ca);
	for (long k = 0; k < n->d.U; k++)
		EACH_LANE {
			long u = PLACE(k);
			real *gc = PLANE(g, n->d.calcium), a = gc[u], area = NUMBER(n->d.area + k), left = NUMBER(n->d.pool + 2);
			real after = n->d.second ? R(0.5) * (o[u] + s[u]) : o[u], i = (ca[u] * after - PLANE(ca, 1)[u]) * area;
			pool[u] = -a * NUMBER(n->d.pool) * area;
			side[u] += pool[u] * ca[u];
			gq[PLACE(n->d.pool)] -= a * i;
			gq[PLACE(n->d.pool + 1)] += a * (R(1.0) - left);
			gq[PLACE(n->d.pool + 2)] += a * (PLANE(s, n->d.calcium)[u] - NUMBER(n->d.pool + 1));
			gc[u] = a * left;
		}
}

/* currents_back adds the gradients of the weights of currents, and of x, of which a is that of each current [U]. */
STEP_FN void currents_back(const struct neuron *n, const real *in, const real *a, real *gq, real *gin)
{
	for (const struct neuron_input *i = n->input; i < n->input + n->d.inputs; i++)
		if (i->receptor < 0)
			EACH_LANE {
				gq[PLACE(i->weight)] += a[PLACE(i->place)] * in[PLACE(i->from)];
				gin[PLACE(i->from)] += a[PLACE(i->place)] * NUMBER(i->weight);
			}
}

/* step_back takes the gradient g of the state o after a step to that of the state s before it, and adds
 * those of the numbers to gq and of x to gin [I]. Factor is what neuron_step left. Work is that of a step and
 * one more plane. */
STEP_FN void step_back(const struct neuron *n, const real *in, int first, const real *s, const real *o, const real *factor, real *g, real *gq,
		       real *gin, real *work)
{
	real *side = work, *ca = PLANE(work, 1), *pool = PLANE(work, 3), twice = r_splat(n->d.second ? 2 : 1);
	const real *v = o; /* the solution of the step */
	for (long k = 0; k < n->d.U; k++)
		EACH_LANE
			side[PLACE(k)] = twice * g[PLACE(k)];
	if (n->d.calcium)
		calcium_back(n, s, o, g, gq, side, ca, pool);
	if (n->d.second) {
		for (long k = 0; k < n->d.U; k++)
			EACH_LANE
				ca[PLACE(k)] = R(0.5) * (o[PLACE(k)] + s[PLACE(k)]);
		v = ca;
	}
	solve_again(n, factor, side); /* the matrix is symmetric */
	for (long k = 0; k < n->d.U; k++) {
		long up = n->index[n->d.tree + k];
		EACH_LANE {
			long u = PLACE(k);
			real m = side[u], before = twice * m * NUMBER(n->d.cap + k);
			if (LEARNS(n, LEARN_CAP))
				gq[PLACE(n->d.cap + k)] += twice * m * (s[u] - v[u]);
			if (LEARNS(n, LEARN_LEAK))
				gq[PLACE(n->d.leak + k)] += m * (NUMBER(n->d.rest + k) - v[u]);
			if (LEARNS(n, LEARN_REST))
				gq[PLACE(n->d.rest + k)] += m * NUMBER(n->d.leak + k);
			if (up >= 0 && LEARNS(n, LEARN_AXIAL))
				gq[PLACE(n->d.axial + k)] -= (m - side[PLACE(up)]) * (v[u] - v[PLACE(up)]);
			g[u] = n->d.second ? before - g[u] : before;
		}
	}
	currents_back(n, in, side, gq, gin);
	for (int c = 0; c < n->d.channels; c++)
		CHANNEL_BACK(n, n->channel + c, s, o, v, side, pool, g, gq);
	receptors_back(n, in, first, s, o, v, side, g, gq, gin);
}

#endif
