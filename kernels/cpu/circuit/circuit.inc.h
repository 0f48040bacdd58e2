/* circuit.inc.h - circuits in time, for one instruction set: the including file defines CIRCUIT_RUN and VL. A
 * worker owns some words of units of every population: it steps them, and adds what arrives at them in the
 * order of step, projection, source and entry. So sums do not depend on the number of workers. It does as many
 * steps as the shortest delay has, and then delivers their spikes, with one barrier in between. Currents take what
 * is due in a step when the next one begins, as V is read then anyway, and at the end of a stretch. */

/* Products and sums are rounded each by itself, so that every compiler and instruction set gives the same
 * bits. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#include "../../neurons/list.h"
#include "../../wiring/loop.h"
#include "circuit.h"

#if VL > 4
#include <immintrin.h>
#endif
#include <string.h>

typedef unsigned long long word;

/* bound is the first word of a population in the range of a worker, which ends where that of the next begins. */
static long bound(const struct run *r, const struct wiring_population *p, int worker)
{
	long lo = wiring_bound(p, r->rank, r->ranks), hi = wiring_bound(p, r->rank + 1, r->ranks);
	return lo + (hi - lo) * worker / r->workers;
}

/* how_of is where a worker says how what is due in a slot of a counted synapse is kept. */
static unsigned char *how_of(const struct run *r, const struct counted *c, long slot, int worker)
{
	return r->how + worker * r->hows + c->how + slot;
}

static word mask_of(const struct wiring_population *p, long w)
{
	long left = p->units - 64 * w;
	return left >= 64 ? ~0ull : (1ull << left) - 1;
}

/* vector is real in memory of any alignment, bitvector bits. */
typedef float vector __attribute__((vector_size(VL * 4), aligned(4)));
typedef int bitvector __attribute__((vector_size(VL * 4), aligned(4)));

/* gathered returns a word of those of 64 units that spike: -1 in set, others 0. */
static word gathered(const int *set)
{
	word out = 0;
#if defined(__AVX2__)
	typedef float eight __attribute__((vector_size(32), may_alias));
	for (int u = 0; u < 64; u += 8)
		out |= (word)__builtin_ia32_movmskps256(*(const eight *)(set + u)) << u;
#else
	for (int u = 0; u < 64; u++)
		out |= (word)(set[u] & 1) << u;
#endif
	return out;
}

/* numbers returns so many bytes as numbers. */
static inline __attribute__((always_inline)) real numbers(const unsigned char *at)
{
#if VL == 16
	return (real)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)at)));
#elif VL == 8
	return (real)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)at)));
#else
	return (real){at[0], at[1], at[2], at[3]};
#endif
}

/* place of a synapse in a step: its numbers, and what is due in the step before. */
struct place {
	float *current, *due;
	const unsigned char *bytes;
	float decay, reversal, weight;
	int conductance, how;
};

/* arrive returns the current of a synapse of the units from x on after a step: what is left of it and what is due. */
static inline __attribute__((always_inline)) real arrive(const struct place *at, long x)
{
	real i = *(vector *)(at->current + x) * at->decay;
	if (at->how == DUE_BYTES) {
		i += numbers(at->bytes + x) * at->weight;
	} else if (at->how == DUE_FLOATS) {
		i += *(vector *)(at->due + x);
		*(vector *)(at->due + x) = r_splat(0);
	}
	i = wiring_quiet(i);
	*(vector *)(at->current + x) = i;
	return i;
}

/* words steps the units of some words. With late, the currents first take what was due in the step before. What
 * a neuron has besides, and how many synapses if they are few, are constants. */
#define PLANE(n, u, v, d) +1
#define STEP(c) \
static inline __attribute__((always_inline)) void c##_some(const struct run *r, const struct wiring_population *p, const struct place *at, const int synapses, int late, float current, long lo, long hi, word *row) \
{ \
	enum { PLANES = 0 c##_PLANES(PLANE) }; \
	elem consts[NEURON_CONSTS]; \
	memcpy(consts, p->consts, sizeof consts); \
	float *plane = r->state + p->state; \
	long stride = 64 * p->words; \
	for (long w = lo; w < hi; w++) { \
		int set[64] __attribute__((aligned(64))); \
		for (long u = 0; u < 64; u += VL) { \
			real s[PLANES], in = r_splat(current); \
			long x = 64 * w + u; \
			for (int k = 0; k < PLANES; k++) \
				s[k] = *(vector *)(plane + k * stride + x); \
			for (int k = 0; k < synapses; k++) { \
				real i = late ? arrive(at + k, x) : *(vector *)(at[k].current + x); \
				if (at[k].conductance) \
					i *= r_splat(at[k].reversal) - s[0]; \
				in += i; \
			} \
			*(bitvector *)(set + u) = c##_step(consts, in, s); \
			for (int k = 0; k < PLANES; k++) \
				*(vector *)(plane + k * stride + x) = s[k]; \
		} \
		row[w] = gathered(set) & mask_of(p, w); \
	} \
} \
static void c##_words(const struct run *r, const struct wiring_population *p, const struct place *at, int late, float current, long lo, long hi, word *row) \
{ \
	int n = (int)p->synapses; \
	switch (late ? n : -1) { \
	case 1: \
		c##_some(r, p, at, 1, 1, current, lo, hi, row); \
		break; \
	case 2: \
		c##_some(r, p, at, 2, 1, current, lo, hi, row); \
		break; \
	case 3: \
		c##_some(r, p, at, 3, 1, current, lo, hi, row); \
		break; \
	default: \
		c##_some(r, p, at, n, late, current, lo, hi, row); \
	} \
}
NEURONS(STEP)

typedef void (*words_fn)(const struct run *, const struct wiring_population *, const struct place *, int, float, long, long, word *);
#define WORDS(c) c##_words,
static const words_fn step_words[] = {NEURONS(WORDS)};

#include "counts.inc.h"

/* deliver_as adds the spikes of a step to what is due. delays and weights are those of the projection; as
 * constants they leave a loop that looks at nothing but the targets where all entries are equal. */
static inline __attribute__((always_inline)) void deliver_as(const struct run *r, const struct wiring_projection *p, word step, const word *row, int worker, int delays, int weights)
{
	const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
	const struct wiring_synapse *s = r->synapse + p->synapse;
	const int *lo = r->ints + p->cut + worker * p->sources, *hi = lo + p->sources;
	const int *target = r->ints + p->target, *delay = r->ints + p->delay;
	const float *weight = r->weights + p->weight;
	long units = 64 * to->words, before = (long)(step % s->slots) - 1;
	for (long w = 0; w < from->words; w++)
		for (word set = row[from->first + w]; set; set &= set - 1) {
			long j = 64 * w + __builtin_ctzll(set);
			for (long k = lo[j]; k < hi[j]; k++) {
				long slot = before + delay[k * delays]; /* a delay is at most the slots */
				slot -= slot >= s->slots ? s->slots : 0;
				r->state[s->ring + slot * units + target[k]] += weight[k * weights];
			}
		}
}

#include "drawn.inc.h"

static void deliver(const struct run *r, const struct wiring_projection *p, word step, const word *row, int worker)
{
	if (r->drawn[p - r->projection].on)
		deliver_drawn(r, p, r->drawn + (p - r->projection), step, row, worker);
	else if (p->counts >= 0)
		deliver_counts(r, p, step, row, worker);
	else if (p->delays)
		deliver_as(r, p, step, row, worker, 1, (int)p->weights);
	else
		deliver_as(r, p, step, row, worker, 0, 1);
}

#include "plastic.inc.h"

/* keep_traces takes the traces a step on: of sources, which targets of all ranks read, and of the targets of this
 * one. */
static void keep_traces(const struct run *r, word step, const word *row, int worker)
{
	for (const struct wiring_plastic *q = r->plastic; q < r->plastic + r->plastics; q++) {
		const struct wiring_projection *p = r->projection + q->projection;
		const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
		traces(r, from, q->source_trace, q->source_decay, q->source_jump, (int)q->source_nearest, step,
		       wiring_bound(from, worker, r->workers), wiring_bound(from, worker + 1, r->workers), row + from->first);
		traces(r, to, q->target_trace, q->target_decay, q->target_jump, (int)q->target_nearest, step,
		       bound(r, to, worker), bound(r, to, worker + 1), row + to->first);
	}
}

/* places fills in those of the synapses of a population, with what is due in a step. */
static void places(const struct run *r, const struct wiring_population *p, word step, int worker, struct place *at)
{
	for (int k = 0; k < p->synapses; k++) {
		const struct wiring_synapse *s = r->synapse + p->synapse + k;
		const struct counted *c = r->counted + p->synapse + k;
		long slot = (long)(step % s->slots), first = slot * 64 * p->words;
		at[k] = (struct place){.current = r->state + s->current, .due = r->state + s->ring + first, .decay = s->decay,
				       .reversal = s->reversal, .conductance = (int)s->conductance, .how = DUE_FLOATS};
		if (c->at >= 0) {
			at[k].bytes = r->bytes + c->at + first;
			at[k].weight = c->weight;
			at[k].how = *how_of(r, c, slot, worker);
		}
	}
}

/* taken notes that nothing is due any more in a step. */
static void taken(const struct run *r, const struct wiring_population *p, word step, int worker)
{
	for (int k = 0; k < p->synapses; k++)
		if (r->counted[p->synapse + k].at >= 0)
			*how_of(r, r->counted + p->synapse + k, (long)(step % r->synapse[p->synapse + k].slots), worker) = DUE_NONE;
}

/* spike steps the worker's units of a population. */
static void spike(const struct run *r, const struct wiring_population *p, word step, int late, float current, int worker, word *row)
{
	struct place at[p->synapses + 1];
	places(r, p, step - 1, worker, at);
	step_words[p->neuron](r, p, at, late, current, bound(r, p, worker), bound(r, p, worker + 1), row);
	if (late)
		taken(r, p, step - 1, worker);
}

/* settle_currents gives the currents of a population what was due in a step. */
static void settle_currents(const struct run *r, const struct wiring_population *p, word step, int worker)
{
	struct place at[p->synapses + 1];
	places(r, p, step, worker, at);
	for (int k = 0; k < p->synapses; k++)
		for (long u = 64 * bound(r, p, worker); u < 64 * bound(r, p, worker + 1); u += VL)
			arrive(at + k, u);
	taken(r, p, step, worker);
}

/* check says where some V of a population is not finite. */
static void check(const struct run *r, const struct wiring_population *p, int worker)
{
	bits all = r_bits(r_splat(0)) == 0;
	for (long u = 64 * bound(r, p, worker); u < 64 * bound(r, p, worker + 1); u += VL) {
		real v = *(vector *)(r->state + p->state + u);
		all &= v - v == r_splat(0);
	}
	for (int k = 0; k < VL; k++)
		if (!all[k])
			__atomic_store_n(r->bad, 1, __ATOMIC_RELAXED);
}

/* step_units does the worker's units in some steps of a stretch. */
static void step_units(const struct run *r, long from, long to, int worker)
{
	for (long n = from; n < to; n++) {
		word *row = r->spikes + n * r->words;
		for (int i = 0; i < r->populations; i++)
			if (r->population[i].neuron >= 0)
				spike(r, r->population + i, r->first + n, n > 0, r->in[n * r->populations + i], worker, row + r->population[i].first);
		for (int i = 0; i < r->probes; i++) {
			const struct wiring_population *p = r->population + r->probe[i].population;
			long w = r->probe[i].unit / 64;
			if (bound(r, p, worker) <= w && w < bound(r, p, worker + 1))
				r->v[i * r->steps + n] = r->state[p->state + r->probe[i].unit];
		}
	}
}

/* deliver_all delivers the spikes of some steps, after all workers have done them. With traced, the traces of the
 * first one are there. */
static void deliver_all(const struct run *r, long from, long to, int traced, int worker, struct team *team)
{
	for (long n = from; n < to; n++) {
		word step = r->first + n;
		const word *row = r->spikes + n * r->words;
		const struct wiring_plastic *next = r->plastic;
		if (r->plastics > 0 && !(traced && n == from)) {
			keep_traces(r, step, row, worker);
			team_wait(team);
		}
		for (int i = 0; i < r->projections; i++)
			if (next < r->plastic + r->plastics && next->projection == i)
				deliver_plastic(r, r->projection + i, next++, step, row, worker);
			else
				deliver(r, r->projection + i, step, row, worker);
	}
}

void CIRCUIT_RUN(const struct run *r, int worker, struct team *team)
{
	long from = r->from, to = 0;
	if (r->ranks > 1)
		deliver_all(r, from > 0 ? (from - 1) / r->batch * r->batch : 0, from, 0, worker, team);
	for (; from < r->steps; from = to) {
		to = from + r->batch < r->steps ? from + r->batch : r->steps;
		step_units(r, from, to, worker);
		if (r->ranks > 1)
			return;
		keep_traces(r, r->first + from, r->spikes + from * r->words, worker);
		team_wait(team);
		deliver_all(r, from, to, 1, worker, team);
	}
	for (int i = 0; r->steps > 0 && i < r->populations; i++) {
		settle_currents(r, r->population + i, r->first + r->steps - 1, worker);
		if (r->population[i].neuron >= 0)
			check(r, r->population + i, worker);
	}
}
