/* table.inc.h - gates of ion channels by tables: exponentials and divisions are most of the time of a step, and where
 * the numbers of a gate are the same for all sequences, x_inf and the part of a step follow from V alone.
 *
 * A table has a row for each 1/per mV from -reach to reach. In it each gate has two polynomials of third degree in
 * f = V per - row, |f| <= 1/2, through four values in float64: c0 to c3 of x_inf, then those of the part. The way
 * back takes the derivative of the polynomials. Lanes with V beyond the table go by the gate itself.
 *
 * gate_table fills it, in float64; table_step and table_back are channel_step and channel_back with it. */
#ifndef GALVANI_TABLE_H
#define GALVANI_TABLE_H

#if defined(GALVANI_F64)

/* nodes are -1/2, -NODE, NODE and 1/2; the NODE for which the largest error of the polynomial is least. */
#define NODE 0.20710678118654752

/* table_cubic sets c to the polynomial through y at the nodes. */
static void table_cubic(const double *y, float *c)
{
	double near = 0.5 * (y[2] + y[1]), far = 0.5 * (y[3] + y[0]), a = NODE * NODE;
	double rise = (y[2] - y[1]) / (2 * NODE), all = y[3] - y[0];
	double c2 = (far - near) / (0.25 - a), c3 = (all - rise) / (0.25 - a);
	c[0] = (float)(near - c2 * a);
	c[1] = (float)(rise - c3 * a);
	c[2] = (float)c2;
	c[3] = (float)c3;
}

static void gate_table(const struct neuron_gate *g, const double *numbers, int per, int reach, long stride, float *table)
{
	static const double node[] = {-NODE, NODE, 0.5};
	double inf[4], part[4];
	for (int i = -reach; i <= reach; i++) {
		for (int k = i == -reach ? 0 : 1; k < 4; k++) {
			double v = (i + (k > 0 ? node[k - 1] : -0.5)) / per;
			struct gate_parts p = gate_begin(g->kinetics, g->forms[0], g->forms[1], numbers, v);
			inf[k] = gate_way(g->kinetics, g->forms[0], g->forms[1], numbers, p, g->speed, &part[k]);
		}
		float *row = table + (i + reach) * stride;
		table_cubic(inf, row);
		table_cubic(part, row + 4);
		inf[0] = inf[3];
		part[0] = part[3];
	}
}

#elif VL == 8 && defined(__AVX2__)

#include <immintrin.h>

/* table_of returns the table of the first gate of a channel, null for a channel without one. */
STEP_FN const char *table_of(const struct neuron *n, const struct neuron_channel *c)
{
	int first = PLAN(n)->channel[c - n->channel].first;
	return first < 0 ? 0 : (const char *)(TABLE(n) + first * 8);
}

/* Where the places of a strip are in the table: f, the rows in bytes, and in which lanes V is beyond it. */
struct table_strip {
	real f[STRIP_SIZE];
	bits row[STRIP_SIZE], beyond[STRIP_SIZE];
};

/* table_find finds some places, and tells whether V of one is beyond. */
STEP_FN int table_find(const struct neuron *n, const int *place, long count, const real *v, struct table_strip *at)
{
	const struct neuron_plan *p = PLAN(n);
	const __m256i least = _mm256_set1_epi32(-p->reach), most = _mm256_set1_epi32(p->reach), size = _mm256_set1_epi32(p->gates * 8 * (int)sizeof(float));
	const real per = r_splat((elem)p->per), low = r_splat((elem)-p->reach), high = r_splat((elem)p->reach);
	bits some = {0};
	for (long j = 0; j < count; j++)
		EACH_LANE {
			real u = v[PLACE(place[j])] * per;
			__m256i row = _mm256_cvtps_epi32((__m256)u); /* the nearest */
			at->f[OPEN(j)] = u - (real)_mm256_cvtepi32_ps(row);
			row = _mm256_min_epi32(_mm256_max_epi32(row, least), most);
			at->row[OPEN(j)] = (bits)_mm256_mullo_epi32(_mm256_sub_epi32(row, least), size);
			bits beyond = ~((u >= low) & (u <= high)); /* or not a number */
			at->beyond[OPEN(j)] = beyond;
			some |= beyond;
		}
	return __builtin_ia32_movmskps256((real)some) != 0;
}

/* What a table says: x_inf, the part, and their derivatives by f. */
struct table_way {
	real inf, part, dinf, dpart;
};

GATE_FN struct table_way table_look(const char *table, const bits *rows, real f)
{
	const unsigned *row = (const unsigned *)rows;
	struct table_way w;
#define HALVES(i, k) \
	_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_load_ps((const float *)(table + row[i]) + (k))), \
			     _mm_load_ps((const float *)(table + row[(i) + 4]) + (k)), 1)
#define CUBIC(x, dx, k) \
	do { \
		__m256 r0 = HALVES(0, k), r1 = HALVES(1, k), r2 = HALVES(2, k), r3 = HALVES(3, k); \
		__m256 a = _mm256_unpacklo_ps(r0, r1), b = _mm256_unpackhi_ps(r0, r1); \
		__m256 c = _mm256_unpacklo_ps(r2, r3), d = _mm256_unpackhi_ps(r2, r3); \
		real c0 = (real)_mm256_shuffle_ps(a, c, 0x44), c1 = (real)_mm256_shuffle_ps(a, c, 0xee); \
		real c2 = (real)_mm256_shuffle_ps(b, d, 0x44), c3 = (real)_mm256_shuffle_ps(b, d, 0xee); \
		real y = c3 * f + c2, slope = c3 * f + y; \
		y = y * f + c1; \
		dx = slope * f + y; \
		x = y * f + c0; \
	} while (0)
	CUBIC(w.inf, w.dinf, 0);
	CUBIC(w.part, w.dpart, 4);
#undef HALVES
#undef CUBIC
	return w;
}

/* far_step and far_back are a gate in lanes where V is beyond the table. */
static __attribute__((noinline)) real far_step(const struct neuron *n, const struct neuron_gate *g, long l, real v, real x)
{
	real num[GATE_NUMBERS];
	for (int i = 0; i < g->numbers; i++)
		num[i] = NUMBER(g->number + i);
	struct gate_parts p = gate_begin(g->kinetics, g->forms[0], g->forms[1], num, v);
	return gate_end(g->kinetics, g->forms[0], g->forms[1], num, p, r_splat((elem)g->speed), x);
}

static __attribute__((noinline)) real far_back(const struct neuron *n, const struct neuron_gate *g, long l, real v, real x, real gx, real *gv)
{
	real num[GATE_NUMBERS];
	for (int i = 0; i < g->numbers; i++)
		num[i] = NUMBER(g->number + i);
	struct gate_parts p = gate_begin(g->kinetics, g->forms[0], g->forms[1], num, v);
	return gate_adjoint(g->kinetics, g->forms[0], g->forms[1], num, p, r_splat((elem)g->speed), v, x, gx, gv, 0);
}

STEP_FN int any(bits mask) { return __builtin_ia32_movmskps256((real)mask) != 0; }

/* table_rows is gate_rows of a gate with a table. */
GATE_FN void table_rows(const int far, const struct neuron *n, const struct neuron_gate *g, const char *table, const struct table_strip *at,
			const int *place, long count, const real *v, const real *x, real *x1, real *open)
{
	int p = g->power;
	for (long j = 0; j < count; j++)
		EACH_LANE {
			long u = PLACE(place[j]);
			struct table_way w = table_look(table, &at->row[OPEN(j)], at->f[OPEN(j)]);
			real y = x[u] + (w.inf - x[u]) * w.part;
			if (far && any(at->beyond[OPEN(j)]))
				y = r_where(at->beyond[OPEN(j)], far_step(n, g, l, v[u], x[u]), y);
			x1[u] = y;
			open[OPEN(j)] *= power(y, p);
		}
}

/* table_step is channel_step of a channel with tables. */
STEP_FN void table_step(const struct neuron *n, const struct neuron_channel *c, const char *table, const real *s, real *o, real *leak, real *side, real *ca)
{
	real open[STRIP_SIZE];
	struct table_strip at;
	for (long j0 = 0; j0 < c->units; j0 += STRIP) {
		long count = c->units - j0 < STRIP ? c->units - j0 : STRIP;
		const int *place = n->index + c->place + j0;
		int far = table_find(n, place, count, s, &at);
		for (long j = 0; j < count; j++)
			EACH_LANE
				open[OPEN(j)] = NUMBER(c->density + j0 + j);
		for (int k = 0; k < c->gates; k++) {
			const struct neuron_gate *g = n->gate + c->gate + k;
			const char *t = table + k * 8 * sizeof(float);
			const real *x = PLANE(s, g->plane);
			real *x1 = PLANE(o, g->plane);
			if (far)
				table_rows(1, n, g, t, &at, place, count, s, x, x1, open);
			else
				table_rows(0, n, g, t, &at, place, count, s, x, x1, open);
		}
		channel_sum(n, c, place, count, open, leak, side, ca);
	}
}

/* table_rows_back is gate_back of a gate with a table. More is what the conductance adds to the gradient of the gate after the step. */
GATE_FN void table_rows_back(const int far, const struct neuron *n, const struct neuron_gate *g, const char *table, const struct table_strip *at,
			     const int *place, long count, const real *v, const real *x, const real *more, real *gx, real *gv)
{
	elem per = (elem)PLAN(n)->per, through = (elem)g->through;
	for (long j = 0; j < count; j++)
		EACH_LANE {
			long u = PLACE(place[j]);
			struct table_way w = table_look(table, &at->row[OPEN(j)], at->f[OPEN(j)]);
			real after = gx[u] + more[OPEN(j)], before = after - after * w.part;
			real slope = after * (w.dinf * w.part + (w.inf - x[u]) * w.dpart) * per;
			if (far && any(at->beyond[OPEN(j)])) {
				real out = r_splat(0);
				before = r_where(at->beyond[OPEN(j)], far_back(n, g, l, v[u], x[u], after, &out), before);
				slope = r_where(at->beyond[OPEN(j)], out, slope);
			}
			gx[u] = before;
			gv[u] += slope * through;
		}
}

/* What the way back through the conductance of a channel reads and, of gq, adds to. */
struct conducted {
	const real *o, *v, *side, *pool;
	real *gq;
	int learns;
};

/* conducted_back adds the gradients of density and reversal potential where they are learned, given what the gates of a
 * channel let through at lane l of place j, and returns the gradient of that. */
GATE_FN real conducted_back(const struct neuron *n, const struct neuron_channel *c, const struct conducted *w, long j, long u, long l, real open)
{
	real m = c->calcium ? w->side[u] - w->pool[u] : w->side[u], y = m * (NUMBER(c->reversal) - w->v[u]), density = NUMBER(c->density + j);
	if (w->learns & LEARN_REVERSAL)
		w->gq[PLACE(c->reversal)] += m * open * density;
	if (w->learns & LEARN_DENSITY)
		w->gq[PLACE(c->density + j)] += y * open;
	return y * density;
}

/* below returns x^(p-1). */
GATE_FN real below(real x, int p) { return p > 1 ? power(x, p - 1) : r_splat(1); }

/* one_gate and two_gates set, of channels with so many, what each gate gets of the gradient of the conductance at the
 * places from j0 on: powers of gates are made once. */
GATE_FN void one_gate(const struct neuron *n, const struct neuron_channel *c, const struct conducted *w, const int *place, long j0, long count, real *more)
{
	const struct neuron_gate *g = n->gate + c->gate;
	const real *x = PLANE(w->o, g->plane);
	elem factor = (elem)g->power;
	for (long j = 0; j < count; j++)
		EACH_LANE {
			long u = PLACE(place[j]);
			real less = below(x[u], g->power);
			more[OPEN(j)] = conducted_back(n, c, w, j0 + j, u, l, less * x[u]) * factor * less;
		}
}

GATE_FN void two_gates(const struct neuron *n, const struct neuron_channel *c, const struct conducted *w, const int *place, long j0, long count,
		       real *more, real *more2)
{
	const struct neuron_gate *g = n->gate + c->gate, *g2 = g + 1;
	const real *x = PLANE(w->o, g->plane), *x2 = PLANE(w->o, g2->plane);
	elem factor = (elem)g->power, factor2 = (elem)g2->power;
	for (long j = 0; j < count; j++)
		EACH_LANE {
			long u = PLACE(place[j]);
			real less = below(x[u], g->power), less2 = below(x2[u], g2->power), y = less * x[u], y2 = less2 * x2[u];
			real grad = conducted_back(n, c, w, j0 + j, u, l, y * y2);
			more[OPEN(j)] = grad * y2 * factor * less;
			more2[OPEN(j)] = grad * y * factor2 * less2;
		}
}

/* table_back is channel_back of a channel with tables. */
STEP_FN void table_back(const struct neuron *n, const struct neuron_channel *c, const char *table, const real *s, const real *o, const real *v, const real *side,
			const real *pool, real *g, real *gq)
{
	real grad[STRIP_SIZE], more[2][STRIP_SIZE];
	struct table_strip at;
	struct conducted w = {o, v, side, pool, gq, PLAN(n)->channel[c - n->channel].learns};
	for (long j0 = 0; j0 < c->units; j0 += STRIP) {
		long count = c->units - j0 < STRIP ? c->units - j0 : STRIP;
		const int *place = n->index + c->place + j0;
		int far = table_find(n, place, count, s, &at);
		if (c->gates == 1)
			one_gate(n, c, &w, place, j0, count, more[0]);
		else if (c->gates == 2)
			two_gates(n, c, &w, place, j0, count, more[0], more[1]);
		else
			gates_open(n, c, -1, place, count, o, grad);
		for (long j = 0; c->gates > 2 && j < count; j++)
			EACH_LANE
				grad[OPEN(j)] = conducted_back(n, c, &w, j0 + j, PLACE(place[j]), l, grad[OPEN(j)]);
		for (int k = 0; k < c->gates; k++) {
			const struct neuron_gate *t = n->gate + c->gate + k;
			const char *of = table + k * 8 * sizeof(float);
			const real *x = PLANE(s, t->plane), *x1 = PLANE(o, t->plane);
			real *to = more[c->gates > 2 ? 0 : k];
			if (c->gates > 2) {
				gates_open(n, c, c->gate + k, place, count, o, to);
				for (long j = 0; j < count; j++)
					EACH_LANE
						to[OPEN(j)] *= grad[OPEN(j)] * (elem)t->power * below(x1[PLACE(place[j])], t->power);
			}
			if (far)
				table_rows_back(1, n, t, of, &at, place, count, s, x, to, PLANE(g, t->plane), g);
			else
				table_rows_back(0, n, t, of, &at, place, count, s, x, to, PLANE(g, t->plane), g);
		}
	}
}

#endif

#endif
