/* circuit.inc.h - circuits in time, for one instruction set: the including file defines CIRCUIT_RUN and VL. A
 * worker owns some words of units of every population: it steps them, and adds what arrives at them in the
 * order of projection, source and entry. So sums do not depend on the number of workers. One barrier a step,
 * between spikes and their delivery. */

/* Products and sums are rounded each by itself, so that every compiler and instruction set gives the same
 * bits. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#include "../neurons/list.h"
#include "../random/random.h"
#include "circuit.h"

#include <string.h>

typedef unsigned long long word;

struct run {
	const struct circuit_dims *d;
	const struct wiring_population *population;
	const struct wiring_synapse *synapse;
	const struct wiring_projection *projection;
	const struct wiring_plastic *plastic;
	float *state;
	const float *weights;
	const int *ints;
	int worker;
};

static long bound(const struct run *r, const struct wiring_population *p, int worker)
{
	return wiring_bound(p, worker, r->d->workers);
}

static word mask_of(const struct wiring_population *p, long w)
{
	long left = p->units - 64 * w;
	return left >= 64 ? ~0ull : (1ull << left) - 1;
}

static void draw(const struct wiring_population *p, word step, long lo, long hi, word *row)
{
	for (long w = lo; w < hi; w++) {
		word out = 0;
		for (long u = 0; u < 64; u++)
			if (random_chance(random_key(p->key, 64 * w + u), step, p->threshold))
				out |= 1ull << u;
		row[w] = out & mask_of(p, w);
	}
}

/* vector is real in memory of any alignment, bitvector bits. */
typedef float vector __attribute__((vector_size(VL * 4), aligned(4)));
typedef int bitvector __attribute__((vector_size(VL * 4), aligned(4)));

/* gathered returns a word of those of 64 units that spike: -1 in set, others 0. some is not 0 in some lane
 * if there are any. */
static word gathered(bits some, const int *set)
{
	int any = 0;
	word out = 0;
	for (int k = 0; k < VL; k++)
		any |= some[k];
	for (int u = 0; any && u < 64; u++)
		out |= (word)(set[u] & 1) << u;
	return out;
}

/* words steps the units of some words; what a neuron has besides is a constant of the call. */
#define PLANE(n, u, v, d) +1
#define STEP(c) \
static void c##_words(const struct run *r, const struct wiring_population *p, float current, long lo, long hi, word *row) \
{ \
	enum { PLANES = 0 c##_PLANES(PLANE) }; \
	const struct wiring_synapse *synapse = r->synapse + p->synapse; \
	elem consts[NEURON_CONSTS]; \
	memcpy(consts, p->consts, sizeof consts); \
	for (long w = lo; w < hi; w++) { \
		int set[64]; \
		bits some = {0}; \
		for (int u = 0; u < 64; u += VL) { \
			real s[PLANES], in = r_splat(current); \
			float *at = r->state + p->state + 64 * w + u; \
			for (int k = 0; k < PLANES; k++) \
				s[k] = *(vector *)(at + k * 64 * p->words); \
			for (int k = 0; k < p->synapses; k++) { \
				real i = *(vector *)(r->state + synapse[k].current + 64 * w + u); \
				if (synapse[k].conductance) \
					i *= r_splat(synapse[k].reversal) - s[0]; \
				in += i; \
			} \
			bits spike = c##_step(consts, in, s); \
			for (int k = 0; k < PLANES; k++) \
				*(vector *)(at + k * 64 * p->words) = s[k]; \
			*(bitvector *)(set + u) = spike; \
			some |= spike; \
		} \
		row[w] = gathered(some, set) & mask_of(p, w); \
	} \
}
NEURONS(STEP)

typedef void (*words_fn)(const struct run *, const struct wiring_population *, float, long, long, word *);
#define WORDS(c) c##_words,
static const words_fn step_words[] = {NEURONS(WORDS)};

/* deliver_as adds the spikes of a step to what is due. delays and weights are those of the projection; as
 * constants they leave a loop that looks at nothing but the targets where all entries are equal. */
static inline __attribute__((always_inline)) void deliver_as(const struct run *r, const struct wiring_projection *p, word step, const word *row, int delays, int weights)
{
	const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
	const struct wiring_synapse *s = r->synapse + p->synapse;
	const int *lo = r->ints + p->cut + r->worker * p->sources, *hi = lo + p->sources;
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

static void deliver(const struct run *r, const struct wiring_projection *p, word step, const word *row)
{
	if (p->delays)
		deliver_as(r, p, step, row, 1, (int)p->weights);
	else if (p->weights)
		deliver_as(r, p, step, row, 0, 1);
	else
		deliver_as(r, p, step, row, 0, 0);
}

static void decay(const struct run *r, const struct wiring_population *p, const struct wiring_synapse *s, word step, long lo, long hi)
{
	float *current = r->state + s->current, *due = r->state + s->ring + (long)(step % s->slots) * 64 * p->words;
	real tiny = r_splat(1e-30f), zero = r_splat(0); /* kernels.Tiny */
	for (long u = 64 * lo; u < 64 * hi; u += VL) {
		real i = *(vector *)(current + u) * s->decay + *(vector *)(due + u);
		*(vector *)(current + u) = r_where((i < tiny) & (i > -tiny), zero, i);
		*(vector *)(due + u) = zero;
	}
}

#include "plastic.inc.h"

/* keep_traces takes the traces of the worker's units a step on. */
static void keep_traces(const struct run *r, const struct wiring_plastic *q, word step, const word *row)
{
	const struct wiring_projection *p = r->projection + q->projection;
	const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
	traces(r, from, q->source_trace, q->source_decay, q->source_jump, (int)q->source_nearest, step,
	       bound(r, from, r->worker), bound(r, from, r->worker + 1), row + from->first);
	traces(r, to, q->target_trace, q->target_decay, q->target_jump, (int)q->target_nearest, step,
	       bound(r, to, r->worker), bound(r, to, r->worker + 1), row + to->first);
}

void CIRCUIT_RUN(const struct circuit_dims *d, const struct wiring_population *population,
		 const struct wiring_synapse *synapse, const struct wiring_projection *projection,
		 const struct wiring_plastic *plastic, const struct wiring_probe *probe, float *state, const float *weights, const int *ints, const float *in,
		 unsigned long long *spikes, float *v, int worker, struct team *team)
{
	struct run r = {d, population, synapse, projection, plastic, state, weights, ints, worker};
	for (long n = 0; n < d->steps; n++) {
		word step = d->first + n, *row = spikes + n * d->words;
		for (int i = 0; i < d->populations; i++) {
			const struct wiring_population *p = population + i;
			long lo = bound(&r, p, worker), hi = bound(&r, p, worker + 1);
			if (p->neuron < 0)
				draw(p, step, lo, hi, row + p->first);
			else
				step_words[p->neuron](&r, p, in[n * d->populations + i], lo, hi, row + p->first);
		}
		for (int i = 0; i < d->plastics; i++)
			keep_traces(&r, plastic + i, step, row);
		team_wait(team);
		const struct wiring_plastic *next = plastic;
		for (int i = 0; i < d->projections; i++)
			if (next < plastic + d->plastics && next->projection == i)
				deliver_plastic(&r, projection + i, next++, step, row);
			else
				deliver(&r, projection + i, step, row);
		for (int i = 0; i < d->populations; i++) {
			const struct wiring_population *p = population + i;
			for (int k = 0; k < p->synapses; k++)
				decay(&r, p, synapse + p->synapse + k, step, bound(&r, p, worker), bound(&r, p, worker + 1));
		}
		for (int i = 0; i < d->probes; i++) {
			const struct wiring_population *p = population + probe[i].population;
			long w = probe[i].unit / 64;
			if (bound(&r, p, worker) <= w && w < bound(&r, p, worker + 1))
				v[i * d->steps + n] = state[p->state + probe[i].unit];
		}
	}
}
