/* circuit.inc.h - circuits in time, for one instruction set: the including file defines CIRCUIT_RUN and VL. A
 * part, that of a worker, owns some words of units of every population: it steps them, and adds what arrives at them in
 * the order of step, projection, source and entry. So sums do not depend on the number of parts. It does as many
 * steps as the shortest delay has, and delivers their spikes when all parts have done them. Currents take what
 * is due in a step when the next one begins, as V is read then anyway, and at the end of a stretch. */

/* Products and sums are rounded each by itself, so that every compiler and instruction set gives the same
 * bits. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off,schedule-insns,sched-pressure")
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <string.h>

#include "../../cells/shared/real.h"

#if VL == 8
/* chosen is r_where of real.h in one instruction, for neurons: a comparison has all bits of a lane or none. */
CELL_FN real chosen(bits c, real a, real b) { return (real)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)c); }
#define r_where chosen
#elif VL == 16
/* Here the compiler makes it one, from a mask that it never makes a vector. */
CELL_FN real chosen(bits c, real a, real b)
{
	real x;
	for (int k = 0; k < VL; k++)
		x[k] = c[k] ? a[k] : b[k];
	return x;
}
#define r_where chosen
#endif

/* neuron_exp is r_exp of real.h with these choices. What is not finite stays so. neuron_exp_below is the same for numbers that it does
 * not make infinite. */
CELL_FN real neuron_exp_below(real x)
{
	real t, y = r_exp_parts(x, &t) + R(1.0);
	return r_where(x < R(-87.336544), r_splat(0), r_float(r_bits(y) + (r_bits(t) << 23)));
}
CELL_FN real neuron_exp(real x)
{
	real y = r_where(x > R(88.722835), r_splat(INFINITY), neuron_exp_below(x));
	return r_where(x == x, y, x);
}
#define r_exp neuron_exp
#define rise_exp neuron_exp_below

#include "../../neurons/list.h"
#include "../../wiring/loop.h"
#include "circuit.h"

typedef unsigned long long word;

/* of_rank returns the words of a population that its rank has. */
static inline struct range of_rank(const struct run *r, const struct wiring_population *p)
{
	if (r->ranks == 1)
		return (struct range){0, p->words};
	return (struct range){wiring_bound(p, r->rank, r->ranks), wiring_bound(p, r->rank + 1, r->ranks)};
}

/* range_of works out the words of a population that the worker has, a part of those of its rank. */
static struct range range_of(const struct run *r, const struct wiring_population *p)
{
	long lo = of_rank(r, p).lo, n = of_rank(r, p).hi - lo;
	return (struct range){lo + n * r->worker / r->workers, lo + n * (r->worker + 1) / r->workers};
}

/* room_of returns how many numbers an array of a population has. Those of the units of a part lie together, and apart from
 * those of other parts: what is fetched ahead would take them away from another core. numbers_of is where an array of the state
 * begins, and number u is that of unit u, of all units of the part. */
static long room_of(const struct run *r, const struct wiring_population *p) { return 64 * p->words + r->room; }
static float *numbers_of(const struct run *r, long long at) { return r->state + at + r->worker * r->apart; }

/* own returns the words of a population that the worker has. */
static struct range own(const struct run *r, const struct wiring_population *p) { return r->own[p - r->population]; }

/* slot_of returns the slot of a ring whose numbers arrive in a step. */
static long slot_of(const struct wiring_synapse *s, word step)
{
	return s->slots == 1 ? 0 : (long)(step % (word)s->slots);
}

/* how_of is where the worker says how what is due in a slot of a counted synapse is kept. */
static unsigned char *how_of(const struct run *r, const struct counted *c, long slot)
{
	return r->how + r->worker * r->hows + c->how + slot;
}

static word mask_of(const struct wiring_population *p, long w)
{
	long left = p->units - 64 * w;
	return left >= 64 ? ~0ull : (1ull << left) - 1;
}

/* vector is real in memory of any alignment. */
typedef float vector __attribute__((vector_size(VL * 4), aligned(4)));

/* spiking returns a bit of each lane of a comparison. */
static inline __attribute__((always_inline)) word spiking(bits set)
{
#if VL == 16
	return (word)_mm512_movepi32_mask((__m512i)set);
#elif VL == 8
	return (word)_mm256_movemask_ps((__m256)set);
#elif defined(__x86_64__)
	return (word)_mm_movemask_ps((__m128)set);
#else
	word out = 0;
	for (int k = 0; k < VL; k++)
		out |= (word)(set[k] & 1) << k;
	return out;
#endif
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
	int adds, how;
};

/* DUE_TAKEN is how what is due of a synapse is kept whose current has it already. */
enum { DUE_TAKEN = DUE_FLOATS + 1 };

/* What a synapse adds: a current, a conductance whose current at V before the step is constant, or one that the neuron takes
 * exactly, and then has the sum of, too. */
enum { CURRENT, CONSTANT, EXACT };

/* flow_as takes the current of a synapse of the units from first on a step on, with what is due, and adds it to in, and what
 * is EXACT to g; v is their V. how and adds are constants. */
static inline __attribute__((always_inline)) void flow_as(const struct place *at, long first, long units, const float *v, float *in, float *g, const int how, const int adds)
{
	float *current = at->current + first;
	real decay = r_splat(at->decay), weight = r_splat(at->weight), reversal = r_splat(at->reversal);
	for (long u = 0; u < units; u += VL) {
		real i = *(vector *)(current + u);
		if (how != DUE_TAKEN) {
			i *= decay;
			if (how == DUE_BYTES) {
				i += numbers(at->bytes + first + u) * weight;
			} else if (how == DUE_FLOATS) {
				i += *(vector *)(at->due + first + u);
				*(vector *)(at->due + first + u) = r_splat(0);
			}
			i = wiring_quiet(i);
			*(vector *)(current + u) = i;
		}
		if (adds == EXACT)
			*(vector *)(g + u) += i;
		if (adds != CURRENT)
			i *= reversal - *(const vector *)(v + u);
		*(vector *)(in + u) += i;
	}
}

/* flow does so with all synapses of a population. */
static void flow(const struct place *at, long synapses, long first, long units, const float *v, float *in, float *g)
{
	for (const struct place *end = at + synapses; at < end; at++)
		switch (3 * at->how + at->adds) {
#define FLOW_AS(how, adds) \
	case 3 * how + adds: \
		flow_as(at, first, units, v, in, g, how, adds); \
		break;
#define FLOW(how) FLOW_AS(how, CURRENT) FLOW_AS(how, CONSTANT) FLOW_AS(how, EXACT)
			FLOW(DUE_NONE) FLOW(DUE_BYTES) FLOW(DUE_FLOATS) FLOW(DUE_TAKEN)
		}
}

/* BLOCK is how many words of units have their currents made before they are stepped: these then lie in the nearest cache, and
 * no step of a neuron waits for the ways that synapses may go. */
enum { BLOCK = 4 };

/* JOINT is how many synapses have their currents taken on in one loop, which then stores their sum once. */
enum { JOINT = 3 };

static const unsigned char none[64 * BLOCK];

/* CALM_MOST is the longest time that currents are known to stay above kernels.Tiny, in steps. */
enum { CALM_MOST = 250 };

/* calm_for returns for how many steps no current of a synapse can fall below kernels.Tiny, where low is the least of those that
 * are not 0, negative if the sign of one is not that of the weight. A product is rounded by a part in 2^24 at most. */
static int calm_for(float low, float decay)
{
	double steps = (log((double)low / 1e-30) - 1e-6) / (1.2e-7 - log(decay)) - 1;
	return !(low > 0 && decay > 0 && steps > 0) ? 0 : steps < CALM_MOST ? (int)steps : CALM_MOST;
}

/* joint_as is flow_as for some synapses at once of which nothing but bytes is due. Their number and what they add are constants.
 * Where it is calm, no current can fall below kernels.Tiny in this step; else it returns for how many steps that will be so: what
 * arrives has the sign of its weight, so that a current of this sign does not fall by it. */
static inline __attribute__((always_inline)) int joint_as(const struct place *at, const int synapses, long first, long units, float current, const float *v, float *in, float *g, const int adds, const int calm)
{
	const unsigned char *bytes[JOINT];
	real low[JOINT];
	for (int k = 0; k < synapses; k++) {
		bytes[k] = at[k].how == DUE_BYTES ? at[k].bytes + first : none;
		low[k] = r_splat(fabsf(at[k].weight));
	}
	for (long u = 0; u < units; u += VL) {
		real sum = r_splat(current), conducts = r_splat(0);
		for (int k = 0; k < synapses; k++) {
			vector *x = (vector *)(at[k].current + first + u);
			real i = *x * at[k].decay + numbers(bytes[k] + u) * at[k].weight;
			if (!calm) {
				i = wiring_quiet(i);
				real size = at[k].weight < 0 ? -i : i;
				low[k] = r_where(size < low[k], r_where(i == r_splat(0), low[k], size), low[k]);
			}
			*x = i;
			conducts += i;
			sum += adds == CURRENT ? i : i * (r_splat(at[k].reversal) - *(const vector *)(v + u));
		}
		*(vector *)(in + u) = sum;
		if (adds == EXACT)
			*(vector *)(g + u) = conducts;
	}
	int steps = CALM_MOST;
	for (int k = 0; !calm && k < synapses; k++) {
		float least = low[k][0];
		for (int l = 1; l < VL; l++)
			least = low[k][l] < least ? low[k][l] : least;
		int all = calm_for(least, at[k].decay);
		steps = all < steps ? all : steps;
	}
	return steps;
}

/* kind_of returns which loop takes on the currents of all synapses of a population, or -1 where flow does. */
static int kind_of(const struct place *at, long synapses)
{
	if (synapses < 1 || synapses > JOINT)
		return -1;
	for (int k = 0; k < synapses; k++)
		if (at[k].how > DUE_BYTES || at[k].adds != at->adds)
			return -1;
	return 3 * (int)synapses + at->adds;
}

/* drive makes the currents of some units, with a constant one, and the sum of their conductances. calm is for how many steps from
 * this one on no current of them can fall below kernels.Tiny. */
static void drive(const struct place *at, long synapses, int kind, long first, long units, float current, const float *v, float *in, float *g, const int conducts, unsigned char *calm)
{
	switch (kind) {
#define JOINT_AS(n, adds) \
	case 3 * n + adds: \
		if (*calm) \
			--*calm, joint_as(at, n, first, units, current, v, in, g, adds, 1); \
		else \
			*calm = (unsigned char)joint_as(at, n, first, units, current, v, in, g, adds, 0); \
		return;
#define JOINT_OF(n) JOINT_AS(n, CURRENT) JOINT_AS(n, CONSTANT) JOINT_AS(n, EXACT)
		JOINT_OF(1) JOINT_OF(2) JOINT_OF(3)
	}
	*calm = 0;
	for (long u = 0; u < units; u += VL)
		*(vector *)(in + u) = r_splat(current);
	for (long u = 0; conducts && u < units; u += VL)
		*(vector *)(g + u) = r_splat(0);
	flow(at, synapses, first, units, v, in, g);
}

/* part of a population in a step. calm has a byte that says whether units may be within their refractory time, and one of each
 * block of units, as drive has it; first says that this is the first step of a stretch, before which neither is known. */
struct part {
	const struct wiring_population *p;
	struct place *at;
	float current;
	int first;
	struct range own;
	unsigned char *calm;
	word *row;
};

/* calm_of is where the bytes of a population begin: its blocks are no more than its words by BLOCK and one. */
static long calm_of(const struct run *r, const struct wiring_population *p) { return r->worker * r->calms + p->first / BLOCK + 2 * (p - r->population); }

/* waits says whether units of a population are within their refractory time or can come there; left is the plane of it. */
static int waits(const struct part *q, const float *left)
{
	bits any = r_bits(r_splat(q->p->consts[FIRE_WAIT])) != 0;
	for (long u = 64 * q->own.lo; u < 64 * q->own.hi; u += VL)
		any |= r_bits(*(const vector *)(left + u)) != 0;
	for (int k = 0; k < VL; k++)
		if (any[k])
			return 1;
	return 0;
}

/* words steps the units of some words. What a neuron has besides is a constant. BESIDE is how many vectors of units are stepped
 * side by side: a step is one chain of operations, each of which waits for the one before, and the compiler lays those of several
 * vectors between each other, where they have the registers. Those of two words are, where 16 lanes leave a neuron of one number
 * fewer chains than a processor has operations on their way. */
enum { MOST_BESIDE = 8 };
#define PLANE(n, u, v, d) +1
#define LEFT(n, u, v, d) +(__builtin_strcmp(#n, "left") == 0)
#define STEP(c) \
static inline __attribute__((always_inline)) void c##_beside(const elem *consts, float *plane, long stride, const float *in, const float *g, word *row, const int planes, const int words, const int beside) \
{ \
	enum { PLANES = 0 c##_PLANES(PLANE) }; \
	word set[2] = {0}; \
	for (long u = 0; u < 64 * words; u += beside * VL) { \
		float *x = plane + u; \
		real s[MOST_BESIDE][PLANES]; \
		bits spikes[MOST_BESIDE]; \
		_Pragma("GCC unroll 8") for (int b = 0; b < beside; b++) \
			for (int i = 0; i < PLANES; i++) \
				s[b][i] = i < planes ? (real) * (vector *)(x + i * stride + b * VL) : r_splat(0); \
		_Pragma("GCC unroll 8") for (int b = 0; b < beside; b++) \
			spikes[b] = c##_step(consts, *(vector *)(in + u + b * VL), c##_CONDUCTS ? *(vector *)(g + u + b * VL) : r_splat(0), s[b]); \
		_Pragma("GCC unroll 8") for (int b = 0; b < beside; b++) { \
			set[(u + b * VL) / 64] |= spiking(spikes[b]) << (u + b * VL) % 64; \
			for (int i = 0; i < planes; i++) \
				*(vector *)(x + i * stride + b * VL) = s[b][i]; \
		} \
	} \
	for (int k = 0; k < words; k++) \
		row[k] = set[k]; \
} \
static inline __attribute__((always_inline)) void c##_some(const struct run *r, const struct part *q, const int planes) \
{ \
	enum { PLANES = 0 c##_PLANES(PLANE), BESIDE = PLANES > 2 ? 1 : 4 }; \
	const struct wiring_population *p = q->p; \
	elem consts[NEURON_CONSTS]; \
	memcpy(consts, p->consts, sizeof consts); \
	float *plane = numbers_of(r, p->state), in[64 * BLOCK] __attribute__((aligned(64))), g[c##_CONDUCTS ? 64 * BLOCK : VL] __attribute__((aligned(64))); \
	long stride = room_of(r, p); \
	unsigned char *calm = q->calm + 1; \
	int kind = kind_of(q->at, p->synapses); \
	for (long w = q->own.lo; w < q->own.hi; w += BLOCK) { \
		long end = q->own.hi - w < BLOCK ? q->own.hi : w + BLOCK, k = w; \
		drive(q->at, p->synapses, kind, 64 * w, 64 * (end - w), q->current, plane + 64 * w, in, g, c##_CONDUCTS, calm++); \
		for (; BESIDE * VL == 64 && planes == 1 && k + 2 <= end; k += 2) \
			c##_beside(consts, plane + 64 * k, stride, in + 64 * (k - w), g + (c##_CONDUCTS ? 64 * (k - w) : 0), q->row + k, planes, 2, 2 * BESIDE); \
		for (; k < end; k++) \
			c##_beside(consts, plane + 64 * k, stride, in + 64 * (k - w), g + (c##_CONDUCTS ? 64 * (k - w) : 0), q->row + k, planes, 1, BESIDE); \
	} \
	if (q->own.lo < q->own.hi) \
		q->row[q->own.hi - 1] &= mask_of(p, q->own.hi - 1); \
} \
static void c##_words(const struct run *r, const struct part *q) \
{ \
	enum { PLANES = 0 c##_PLANES(PLANE) }; \
	const int left = 0 c##_PLANES(LEFT); /* the last plane, where there is one */ \
	for (long k = 0; c##_CONDUCTS && k < q->p->synapses; k++) \
		q->at[k].adds = q->at[k].adds ? EXACT : CURRENT; \
	if (q->first) \
		*q->calm = !left || waits(q, numbers_of(r, q->p->state) + (PLANES - 1) * room_of(r, q->p)); \
	if (left && !*q->calm) \
		c##_some(r, q, PLANES - left); \
	else \
		c##_some(r, q, PLANES); \
}
NEURONS(STEP)

typedef void (*words_fn)(const struct run *, const struct part *);
#define WORDS(c) c##_words,
static const words_fn step_words[] = {NEURONS(WORDS)};

#include "counts.inc.h"

/* deliver_as adds the spikes of a step to what is due, by the weights there are. delays and weights are those of the
 * projection; as constants they leave a loop that looks at nothing but the targets where all entries are equal. */
static inline __attribute__((always_inline)) void deliver_as(const struct run *r, const struct wiring_projection *p, const float *weight, word step, const word *row, int delays, int weights)
{
	const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
	const struct wiring_synapse *s = r->synapse + p->synapse;
	const int *lo = r->ints + p->cut + r->worker * p->sources, *hi = lo + p->sources;
	const int *target = r->ints + p->target, *delay = r->ints + p->delay;
	float *ring = numbers_of(r, s->ring);
	long units = room_of(r, to), slots = s->slots, before = slot_of(s, step) - 1;
	for (long w = 0; w < from->words; w++)
		for (word set = row[from->first + w]; set; set &= set - 1) {
			long j = 64 * w + __builtin_ctzll(set);
			for (long k = lo[j]; k < hi[j]; k++) {
				long slot = before + delay[k * delays]; /* a delay is at most the slots */
				slot -= slot >= slots ? slots : 0;
				ring[slot * units + target[k]] += weight[k * weights];
			}
		}
}

/* deliver_each does so for a projection whose entries have weights of their own, or delays. */
static void deliver_each(const struct run *r, const struct wiring_projection *p, const float *weight, word step, const word *row)
{
	if (p->delays)
		deliver_as(r, p, weight, step, row, 1, (int)p->weights);
	else
		deliver_as(r, p, weight, step, row, 0, 1);
}

#include "drawn.inc.h"
#include "plastic.inc.h"

/* tell adds the spikes of the part in a population to a message, bits of their row, or that they are more than it holds, and
 * fetches what they are delivered by. */
static void tell(const struct run *r, const struct wiring_population *p, const word *row, struct message *to)
{
	for (long w = own(r, p).lo; w < own(r, p).hi; w++)
		for (word set = row[p->first + w]; set; set &= set - 1) {
			long unit = 64 * w + __builtin_ctzll(set);
			fetch_rows(r, p, unit);
			if (to->n < MESSAGE)
				to->spike[to->n] = (unsigned short)(64 * p->first + unit);
			to->n += to->n <= MESSAGE;
		}
}

/* fetch_sources fetches what the spikes of sources in a step are delivered by. */
static void fetch_sources(const struct run *r, const word *row)
{
	for (const struct wiring_population *p = r->population; p < r->population + r->populations; p++)
		for (long w = 0; p->neuron < 0 && w < p->words; w++)
			for (word set = row[p->first + w]; set; set &= set - 1)
				fetch_rows(r, p, 64 * w + __builtin_ctzll(set));
}

/* deliver adds the spikes of a step to what is due, by weights that stay. */
static void deliver(const struct run *r, const struct wiring_projection *p, word step, const word *row, struct fired *fired)
{
	const struct drawn *d = r->drawn + (p - r->projection);
	if (d->on)
		deliver_drawn(r, p, d, step, row);
	else if (p->counts >= 0)
		deliver_counts(r, p, step, row, fired + p->from);
	else
		deliver_each(r, p, r->weights + p->weight, step, row);
}

/* keep_traces takes the traces a step on: of sources, which targets of all ranks read, and of the targets of this
 * one. */
static void keep_traces(const struct run *r, word step, const word *row)
{
	for (const struct wiring_plastic *q = r->plastic; q < r->plastic + r->plastics; q++) {
		const struct wiring_projection *p = r->projection + q->projection;
		const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
		traces(r, from, q->source_trace, q->source_decay, q->source_jump, (int)q->source_nearest, step,
		       (struct range){wiring_bound(from, r->worker, r->workers), wiring_bound(from, r->worker + 1, r->workers)}, row + from->first);
		traces(r, to, q->target_trace, q->target_decay, q->target_jump, (int)q->target_nearest, step,
		       own(r, to), row + to->first);
	}
}

/* places fills in those of the synapses of a population, with what is due in a step; late says
 * that no current has it. */
static void places(const struct run *r, const struct wiring_population *p, word step, int late, struct place *at)
{
	for (int k = 0; k < p->synapses; k++) {
		const struct wiring_synapse *s = r->synapse + p->synapse + k;
		const struct counted *c = r->counted + p->synapse + k;
		long slot = slot_of(s, step), first = slot * room_of(r, p);
		at[k] = (struct place){.current = numbers_of(r, s->current), .due = numbers_of(r, s->ring + first), .decay = s->decay,
				       .reversal = s->reversal, .adds = s->conductance ? CONSTANT : CURRENT, .how = late ? DUE_FLOATS : DUE_TAKEN};
		if (late && c->at >= 0) {
			at[k].bytes = r->bytes + c->at + first + r->worker * r->apart;
			at[k].weight = c->weight;
			at[k].how = *how_of(r, c, slot);
		}
	}
}

/* taken notes that nothing is due any more in a step. */
static void taken(const struct run *r, const struct wiring_population *p, word step)
{
	for (int k = 0; k < p->synapses; k++)
		if (r->counted[p->synapse + k].at >= 0)
			*how_of(r, r->counted + p->synapse + k, slot_of(r->synapse + p->synapse + k, step)) = DUE_NONE;
}

/* spike steps the worker's units of a population. */
static void spike(const struct run *r, const struct wiring_population *p, word step, int late, float current, word *row)
{
	struct place at[p->synapses + 1];
	struct part q = {.p = p, .at = at, .current = current, .first = !late, .own = own(r, p), .calm = r->calm + calm_of(r, p), .row = row};
	places(r, p, step - 1, late, at);
	step_words[p->neuron](r, &q);
	if (late)
		taken(r, p, step - 1);
}

/* settle_currents gives the currents of a population what was due in a step. */
static void settle_currents(const struct run *r, const struct wiring_population *p, word step)
{
	struct place at[p->synapses + 1];
	float in[64] = {0}; /* nobody asks for it */
	places(r, p, step, 1, at);
	for (long w = own(r, p).lo; w < own(r, p).hi; w++)
		flow(at, p->synapses, 64 * w, 64, numbers_of(r, p->state) + 64 * w, in, in);
	taken(r, p, step);
}

/* check says where some V of a population is not finite. */
static void check(const struct run *r, const struct wiring_population *p)
{
	bits all = r_bits(r_splat(0)) == 0;
	for (long u = 64 * own(r, p).lo; u < 64 * own(r, p).hi; u += VL) {
		real v = *(vector *)(numbers_of(r, p->state) + u);
		all &= v - v == r_splat(0);
	}
	for (int k = 0; k < VL; k++)
		if (!all[k])
			__atomic_store_n(r->bad, 1, __ATOMIC_RELAXED);
}

/* step_units does the worker's units in some steps of a stretch. */
static void step_units(const struct run *r, long from, long to)
{
	for (long n = from; n < to; n++) {
		word *row = r->spikes + n * r->words;
		struct message message = {0};
		if (r->told)
			fetch_sources(r, row);
		for (int i = 0; i < r->populations; i++) {
			if (r->population[i].neuron < 0)
				continue;
			spike(r, r->population + i, r->first + n, n > 0, r->in[n * r->populations + i], row + r->population[i].first);
			if (r->told)
				tell(r, r->population + i, row, &message);
		}
		if (r->told) /* at once: others may look at its line */
			r->told[r->worker].message[r->phase % 2] = message;
		for (int i = 0; i < r->probes; i++) {
			const struct wiring_population *p = r->population + r->probe[i].population;
			long w = r->probe[i].unit / 64;
			if (own(r, p).lo <= w && w < own(r, p).hi)
				r->v[i * r->steps + n] = numbers_of(r, p->state)[r->probe[i].unit];
		}
	}
}

/* early says that the rows of a projection from sources are fetched before a step. Nothing else acts on its synapse. */
static int early(const struct run *r, const struct wiring_projection *p)
{
	return r->told && p->bits >= 0 && r->population[p->from].neuron < 0 && r->counted[p->synapse].at >= 0;
}

/* deliver_all delivers the spikes of some steps, after all parts have done them, and with plastic weights their traces. */
static void deliver_all(const struct run *r, long from, long to)
{
	struct fired fired[r->populations];
	for (long n = from; n < to; n++) {
		const word *row = r->spikes + n * r->words;
		const struct wiring_plastic *next = r->plastic;
		for (int i = 0; i < r->populations; i++)
			fired[i].n = -1;
		for (int i = 0; i < r->projections; i++) {
			const struct wiring_projection *p = r->projection + i;
			if (p->bits >= 0 && fired[p->from].n < 0)
				find(r, r->population + p->from, row, fired + p->from);
		}
		for (int i = 0; i < r->projections; i++) /* their rows are there by now */
			if (early(r, r->projection + i))
				deliver(r, r->projection + i, r->first + n, row, fired);
		for (int i = 0; i < r->projections; i++)
			if (next < r->plastic + r->plastics && next->projection == i)
				deliver_plastic(r, r->projection + i, next++, r->first + n, row);
			else if (!early(r, r->projection + i))
				deliver(r, r->projection + i, r->first + n, row, fired);
	}
}

/* finish ends a stretch. */
static void finish(const struct run *r)
{
	for (int i = 0; i < r->populations; i++) {
		settle_currents(r, r->population + i, r->first + r->steps - 1);
		if (r->population[i].neuron >= 0)
			check(r, r->population + i);
	}
}

/* phase_of does a part of what can be done without the spikes of other parts behind step n: it delivers those of so many
 * steps before, `every`, does the steps of a batch that begins here, and takes traces on. The first phase is that of step
 * `begin`, and the last one that of `from` where there are several ranks. */
static void phase_of(const struct run *r, long begin, long n, long every)
{
	long end = r->ranks > 1 ? r->from : r->steps, batch = r->batch;
	if (n > begin)
		deliver_all(r, n - every, n < end ? n : end);
	if (n < end) {
		if (r->ranks == 1 && n % batch == 0)
			step_units(r, n, n + batch < r->steps ? n + batch : r->steps);
		keep_traces(r, r->first + n, r->spikes + n * r->words);
	} else if (end < r->steps) {
		step_units(r, end, end + batch < r->steps ? end + batch : r->steps);
	} else {
		finish(r);
	}
}

void CIRCUIT_RUN(struct run *r, struct turns *turns, struct turn *turn)
{
	long every = r->plastics ? 1 : r->batch, begin = r->from > 0 ? (r->from - 1) / r->batch * r->batch : 0;
	long first = r->from > 0 && !r->plastics ? begin + every : begin, last = r->ranks > 1 ? r->from : r->steps;
	int phases = (int)((last - first + every - 1) / every) + 1, worker = r->worker;
	struct range own[r->workers][r->populations];
	int tells = r->ranks == 1 && r->batch == 1 && r->words <= 1024;
	r->told = tells ? turn : 0;
	for (r->worker = 0; r->worker < r->workers; r->worker++)
		for (int i = 0; i < r->populations; i++)
			own[r->worker][i] = range_of(r, r->population + i);
	for (int phase = 0, late = 0; phase < phases; phase++) {
		int others = 0;
		while ((r->worker = turns_next(turns, turn, worker, phase, late)) >= 0) {
			others |= r->worker != worker;
			r->own = own[r->worker], r->phase = phase;
			phase_of(r, begin, first + phase * every, every);
			turns_done(turns, turn + r->worker, phase);
		}
		late = others;
	}
}
