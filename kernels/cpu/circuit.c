/* circuit.c - circuits in time. A worker owns some words of units of every population: it steps them,
 * and adds what arrives at them in the order of projection, source and entry. So sums do not depend on
 * the number of workers. One barrier a step, between spikes and their delivery. */

/* Products and sums are rounded each by itself, so that every compiler gives the same bits. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#define VL 4
#include "../neurons/list.h"
#include "../random/random.h"
#include "circuit.h"

#include <string.h>

typedef unsigned long long word;

struct run {
	const struct circuit_dims *d;
	const struct circuit_population *population;
	const struct circuit_synapse *synapse;
	const struct circuit_projection *projection;
	float *f;
	const int *ix;
	int worker;
};

static long bound(const struct run *r, const struct circuit_population *p, int worker)
{
	return p->words * worker / r->d->workers;
}

static word mask_of(const struct circuit_population *p, long w)
{
	long left = p->units - 64 * w;
	return left >= 64 ? ~0ull : (1ull << left) - 1;
}

static void draw(const struct circuit_population *p, word step, long lo, long hi, word *row)
{
	for (long w = lo; w < hi; w++) {
		word out = 0;
		for (long u = 0; u < 64; u++)
			if (random_chance(random_key(p->key, 64 * w + u), step, p->threshold))
				out |= 1ull << u;
		row[w] = out & mask_of(p, w);
	}
}

/* vector is real in memory of any alignment. */
typedef float vector __attribute__((vector_size(VL * 4), aligned(4)));

#define PLANE(n, u, v, d) +1
#define STEP(c) \
static void c##_words(const struct run *r, const struct circuit_population *p, float current, long lo, long hi, word *row) \
{ \
	enum { PLANES = 0 c##_PLANES(PLANE) }; \
	for (long w = lo; w < hi; w++) { \
		word out = 0; \
		for (int u = 0; u < 64; u += VL) { \
			real s[PLANES], in = r_splat(current); \
			float *at = r->f + p->state + 64 * w + u; \
			for (int k = 0; k < p->synapses; k++) \
				in += *(vector *)(r->f + r->synapse[p->synapse + k].current + 64 * w + u); \
			for (int k = 0; k < PLANES; k++) \
				s[k] = *(vector *)(at + k * 64 * p->words); \
			bits spike = c##_step(p->consts, in, s); \
			for (int k = 0; k < PLANES; k++) \
				*(vector *)(at + k * 64 * p->words) = s[k]; \
			for (int k = 0; k < VL; k++) \
				out |= (word)(spike[k] & 1) << (u + k); \
		} \
		row[w] = out & mask_of(p, w); \
	} \
}
NEURONS(STEP)

typedef void (*words_fn)(const struct run *, const struct circuit_population *, float, long, long, word *);
#define WORDS(c) c##_words,
static const words_fn step_words[] = {NEURONS(WORDS)};

static void deliver(const struct run *r, const struct circuit_projection *p, word step, const word *row)
{
	const struct circuit_population *from = r->population + p->from, *to = r->population + p->to;
	const struct circuit_synapse *s = r->synapse + p->synapse;
	const int *lo = r->ix + p->cut + r->worker * p->sources, *hi = lo + p->sources;
	for (long w = 0; w < from->words; w++)
		for (word set = row[from->first + w]; set; set &= set - 1) {
			long j = 64 * w + __builtin_ctzll(set);
			for (long k = lo[j]; k < hi[j]; k++) {
				long slot = (long)((step + r->ix[p->delay + k * p->delays] - 1) % s->slots);
				r->f[s->ring + slot * 64 * to->words + r->ix[p->target + k]] += r->f[p->weight + k * p->weights];
			}
		}
}

static void decay(const struct run *r, const struct circuit_population *p, const struct circuit_synapse *s, word step, long lo, long hi)
{
	float *current = r->f + s->current, *due = r->f + s->ring + (long)(step % s->slots) * 64 * p->words;
	for (long u = 64 * lo; u < 64 * hi; u++) {
		float i = current[u] * s->decay + due[u];
		current[u] = i < 1e-30f && i > -1e-30f ? 0 : i; /* kernels.Tiny */
		due[u] = 0;
	}
}

void circuit_run(const struct circuit_dims *d, const struct circuit_population *population,
		 const struct circuit_synapse *synapse, const struct circuit_projection *projection,
		 const struct circuit_probe *probe, float *f, const int *ix, const float *in,
		 unsigned long long *spikes, float *v, int worker, struct team *team)
{
	struct run r = {d, population, synapse, projection, f, ix, worker};
	for (long n = 0; n < d->steps; n++) {
		word step = d->first + n, *row = spikes + n * d->words;
		for (int i = 0; i < d->populations; i++) {
			const struct circuit_population *p = population + i;
			long lo = bound(&r, p, worker), hi = bound(&r, p, worker + 1);
			if (p->neuron < 0)
				draw(p, step, lo, hi, row + p->first);
			else
				step_words[p->neuron](&r, p, in[n * d->populations + i], lo, hi, row + p->first);
		}
		team_wait(team);
		for (int i = 0; i < d->projections; i++)
			deliver(&r, projection + i, step, row);
		for (int i = 0; i < d->populations; i++) {
			const struct circuit_population *p = population + i;
			for (int k = 0; k < p->synapses; k++)
				decay(&r, p, synapse + p->synapse + k, step, bound(&r, p, worker), bound(&r, p, worker + 1));
		}
		for (int i = 0; i < d->probes; i++) {
			const struct circuit_population *p = population + probe[i].population;
			long w = probe[i].unit / 64;
			if (bound(&r, p, worker) <= w && w < bound(&r, p, worker + 1))
				v[i * d->steps + n] = f[p->state + probe[i].unit];
		}
	}
}
