/* circuit.cu - circuits in time: kernels/cpu/circuit with warps for workers. A warp owns some words of
 * units of every population: it steps them, and adds what arrives at them in the order of step, projection,
 * source and entry. It does as many steps as the shortest delay has, and then delivers their spikes, with one barrier
 * of all blocks in between; weights that change need the traces of a step before it is delivered, and so a barrier
 * a step.
 *
 * GPU_IEEE has the compilers round each product and sum by itself and keep denormals, so that the spikes
 * and every V have the bits of the CPU. */
#define GPU_IEEE 1
#include "grid.h"
#include "circuit.h"
#include "../neurons/list.h"
#include "../wiring/loop.h"

typedef unsigned long long word;

/* Numbers of neurons in list.h. */
#define NUMBER(c) NUMBER_##c,
enum { NEURONS(NUMBER) };

#define PLANE(n, u, v, d) +1
#define UNIT(c) \
	GPU_FN int c##_unit(const struct circuit_params &p, const struct wiring_population &q, float current, long long u) \
	{ \
		enum { PLANES = 0 c##_PLANES(PLANE) }; \
		float s[PLANES], in = current, g = 0; \
		for (int k = 0; k < PLANES; k++) \
			s[k] = p.state[q.state + k * 64 * q.words + u]; \
		for (int k = 0; k < q.synapses; k++) { \
			const struct wiring_synapse &y = p.synapse[q.synapse + k]; \
			float i = p.state[y.current + u]; \
			in += y.conductance ? i * (y.reversal - s[0]) : i; \
			if (y.conductance) \
				g += i; \
		} \
		int spike = c##_step(q.consts, in, g, s) != 0; \
		for (int k = 0; k < PLANES; k++) \
			p.state[q.state + k * 64 * q.words + u] = s[k]; \
		return spike; \
	}
NEURONS(UNIT)

/* unit steps a unit, and returns whether it spikes. */
GPU_FN int unit(const struct circuit_params &p, const struct wiring_population &q, float current, long long u)
{
	switch (q.neuron) {
#define CASE(c) \
	case NUMBER_##c: \
		return c##_unit(p, q, current, u);
		NEURONS(CASE)
	}
	return 0;
}

/* gathered returns a bit of every lane. */
GPU_FN unsigned gathered(int set)
{
	int all = (int)((unsigned)set << threadIdx.x);
	for (int k = 16; k > 0; k >>= 1)
		all |= shuffle_xor(all, k);
	return (unsigned)all;
}

/* lowest returns the number of the lowest bit of x, which is not 0. */
GPU_FN int lowest(unsigned x) { return (int)(float_bits((float)(x & (0u - x))) >> 23) - 127; }

/* spike steps the units of the worker, and fills its words of the row. */
GPU_FN void spike(const struct circuit_params &p, const struct wiring_population &q, float current, word *row)
{
	int lane = threadIdx.x, worker = blockIdx.x;
	for (long long w = wiring_bound(&q, worker, p.workers); w < wiring_bound(&q, worker + 1, p.workers); w++) {
		word out = 0;
		for (int half = 0; half < 64; half += 32) {
			long long u = 64 * w + half + lane;
			int set = unit(p, q, current, u);
			out |= (word)gathered(set && u < q.units) << half;
		}
		if (lane == 0)
			row[q.first + w] = out;
	}
}

/* before returns the traces of a population before the spikes of a step. */
GPU_FN const float *before(const struct circuit_params &p, const struct wiring_population &q, long long at, word step)
{
	return p.state + at + (long long)((step + WIRING_TRACE_SLOTS - 1) % WIRING_TRACE_SLOTS) * 64 * q.words;
}

/* entries adds a spike of source j, or counts it, and changes the weights of a rule r, null without. The lanes go over
 * the entries; all of one target are one lane's, in their order, so that no two lanes add to the same number. */
GPU_FN void entries(const struct circuit_params &p, const struct wiring_projection &q, const struct wiring_plastic *r, word step, long long j)
{
	const struct wiring_synapse &s = p.synapse[q.synapse];
	const int *cut = p.ints + q.cut + blockIdx.x * q.sources + j, *target = p.ints + q.target;
	long long units = 64 * p.population[q.to].words, now = (long long)(step % (word)s.slots) - 1;
	const float *y = r ? before(p, p.population[q.to], r->target_trace, step) : 0;
	int lo = cut[0], hi = cut[q.sources];
	for (int k = lo + (int)threadIdx.x; k < hi; k += 32) {
		int to = target[k];
		if (k > lo && target[k - 1] == to)
			continue;
		for (int e = k; e < hi && target[e] == to; e++) {
			long long slot = now + p.ints[q.delay + e * q.delays]; /* a delay is at most the slots */
			slot -= slot >= s.slots ? s.slots : 0;
			if (q.counts >= 0) {
				p.state[q.counts + to] += 1;
				continue;
			}
			float weight = r ? p.state[r->weight + e] : p.weights[q.weight + e * q.weights];
			p.state[s.ring + slot * units + to] += weight;
			if (r)
				p.state[r->weight + e] = wiring_changed(r, r->pre, weight, y[to]);
		}
	}
	sync_warp();
}

/* settle adds what was counted of the worker's units times the weight to what is due. */
GPU_FN void settle(const struct circuit_params &p, const struct wiring_projection &q, word step)
{
	const struct wiring_population &to = p.population[q.to];
	const struct wiring_synapse &s = p.synapse[q.synapse];
	long long slot = (long long)(step % (word)s.slots) - 1 + p.ints[q.delay];
	slot -= slot >= s.slots ? s.slots : 0;
	float *due = p.state + s.ring + slot * 64 * to.words, *counts = p.state + q.counts, weight = p.weights[q.weight];
	long long hi = 64 * wiring_bound(&to, blockIdx.x + 1, p.workers);
	for (long long u = 64 * wiring_bound(&to, blockIdx.x, p.workers) + threadIdx.x; u < hi; u += 32) {
		due[u] += counts[u] * weight;
		counts[u] = 0;
	}
	sync_warp();
}

/* learn changes the weights of a rule for the spikes of the worker's targets. */
GPU_FN void learn(const struct circuit_params &p, const struct wiring_plastic &r, word step, const word *row)
{
	const struct wiring_projection &q = p.projection[r.projection];
	const struct wiring_population &to = p.population[q.to];
	const float *x = before(p, p.population[q.from], r.source_trace, step);
	const int *first = p.ints + r.row, *source = p.ints + r.source, *entry = p.ints + r.entry;
	for (long long w = wiring_bound(&to, blockIdx.x, p.workers); w < wiring_bound(&to, blockIdx.x + 1, p.workers); w++)
		for (int half = 0; half < 64; half += 32)
			for (unsigned set = (unsigned)(row[to.first + w] >> half); set; set &= set - 1) {
				long long i = 64 * w + half + lowest(set);
				for (int k = first[i] + (int)threadIdx.x; k < first[i + 1]; k += 32) {
					float *weight = p.state + r.weight + entry[k];
					*weight = wiring_changed(&r, r.post, *weight, x[source[k]]);
				}
			}
	sync_warp();
}

/* trace takes one trace a step on, for the worker's units of a population. */
GPU_FN void trace(const struct circuit_params &p, const struct wiring_population &q, long long at, float decay, float jump, bool nearest, word step, const word *row)
{
	const float *old = before(p, q, at, step);
	float *now = p.state + at + (long long)(step % WIRING_TRACE_SLOTS) * 64 * q.words;
	long long lo = 64 * wiring_bound(&q, blockIdx.x, p.workers), hi = 64 * wiring_bound(&q, blockIdx.x + 1, p.workers);
	for (long long u = lo + threadIdx.x; u < hi; u += 32)
		if (row[q.first + u / 64] >> u % 64 & 1)
			now[u] = ((nearest ? 0 : old[u]) + jump) * decay;
		else
			now[u] = wiring_quiet(old[u] * decay);
}

/* keep_traces takes the traces of the worker's units a step on. */
GPU_FN void keep_traces(const struct circuit_params &p, word step, const word *row)
{
	for (int i = 0; i < p.plastics; i++) {
		const struct wiring_plastic &r = p.plastic[i];
		const struct wiring_projection &q = p.projection[r.projection];
		trace(p, p.population[q.from], r.source_trace, r.source_decay, r.source_jump, r.source_nearest != 0, step, row);
		trace(p, p.population[q.to], r.target_trace, r.target_decay, r.target_jump, r.target_nearest != 0, step, row);
	}
}

/* deliver adds the spikes of a step to what is due, and changes the weights of a rule, null without. chunk is [32] in
 * shared memory. */
GPU_FN void deliver(const struct circuit_params &p, const struct wiring_projection &q, const struct wiring_plastic *r, word step, const word *row, word *chunk)
{
	const struct wiring_population &from = p.population[q.from];
	int lane = threadIdx.x;
	for (long long w = 0; w < from.words; w += 32) {
		word mine = w + lane < from.words ? row[from.first + w + lane] : 0;
		chunk[lane] = mine;
		sync_warp();
		for (unsigned some = gathered(mine != 0); some; some &= some - 1) {
			int at = lowest(some);
			word set = chunk[at];
			for (unsigned low = (unsigned)set; low; low &= low - 1)
				entries(p, q, r, step, 64 * (w + at) + lowest(low));
			for (unsigned high = (unsigned)(set >> 32); high; high &= high - 1)
				entries(p, q, r, step, 64 * (w + at) + 32 + lowest(high));
		}
		sync_warp(); /* all lanes have read the chunk */
	}
	if (q.counts >= 0)
		settle(p, q, step);
	if (r)
		learn(p, *r, step, row);
}

/* deliver_all delivers the spikes of a step. */
GPU_FN void deliver_all(const struct circuit_params &p, word step, const word *row, word *chunk)
{
	int next = 0;
	for (int i = 0; i < p.projections; i++) {
		const struct wiring_plastic *r = next < p.plastics && p.plastic[next].projection == i ? &p.plastic[next++] : 0;
		deliver(p, p.projection[i], r, step, row, chunk);
	}
}

/* decay gives the currents of a synapse what is due in a step. */
GPU_FN void decay(const struct circuit_params &p, const struct wiring_population &q, const struct wiring_synapse &s, word step)
{
	long long lo = 64 * wiring_bound(&q, blockIdx.x, p.workers), hi = 64 * wiring_bound(&q, blockIdx.x + 1, p.workers);
	float *current = p.state + s.current, *due = p.state + s.ring + (long long)(step % (word)s.slots) * 64 * q.words;
	for (long long u = lo + threadIdx.x; u < hi; u += 32) {
		current[u] = wiring_quiet(current[u] * s.decay + due[u]);
		due[u] = 0;
	}
}

/* settle_currents gives all currents what is due in a step. */
GPU_FN void settle_currents(const struct circuit_params &p, word step)
{
	for (int i = 0; i < p.populations; i++)
		for (int k = 0; k < p.population[i].synapses; k++)
			decay(p, p.population[i], p.synapse[p.population[i].synapse + k], step);
}

/* probe writes V of the probes in the worker's range. */
GPU_FN void probe(const struct circuit_params &p, int n)
{
	for (int i = threadIdx.x; i < p.probes; i += 32) {
		const struct wiring_population &q = p.population[p.probe[i].population];
		long long u = p.probe[i].unit;
		if (wiring_bound(&q, blockIdx.x, p.workers) <= u / 64 && u / 64 < wiring_bound(&q, blockIdx.x + 1, p.workers))
			p.v[(long long)i * p.steps + n] = p.state[q.state + u];
	}
}

/* step_units does the worker's units in a step of the launch. */
GPU_FN void step_units(const struct circuit_params &p, int n)
{
	if (n > 0)
		settle_currents(p, p.first + n - 1);
	for (int i = 0; i < p.populations; i++)
		if (p.population[i].neuron >= 0) /* the spikes of sources are given */
			spike(p, p.population[i], p.in[(long long)n * p.populations + i], p.spikes + n * p.words);
	sync_warp();
	probe(p, n);
	sync_warp();
}

/* check counts in bad where a V of the worker's is not finite. */
GPU_FN void check(const struct circuit_params &p, const struct wiring_population &q)
{
	long long lo = 64 * wiring_bound(&q, blockIdx.x, p.workers), hi = 64 * wiring_bound(&q, blockIdx.x + 1, p.workers);
	for (long long u = lo + threadIdx.x; u < hi && u < q.units; u += 32) {
		float v = p.state[q.state + u];
		if (!(v - v == 0))
			count(p.bad);
	}
}

KERNEL_BOUNDED(circuit, struct circuit_params, CIRCUIT_THREADS)
{
	SHARED(word, chunk[32]);
	unsigned all = 0; /* that have come to barriers */
	for (int from = 0, to = 0; from < p.steps; from = to) {
		to = from + p.batch < p.steps ? from + p.batch : p.steps;
		for (int n = from; n < to; n++)
			step_units(p, n);
		for (int n = from; n < to; n++) {
			const word *row = p.spikes + n * p.words;
			keep_traces(p, p.first + n, row);
			if (n == from || p.plastics > 0)
				sync_grid(p.arrived, all += gridDim.x);
			deliver_all(p, p.first + n, row, chunk);
		}
	}
	settle_currents(p, p.first + p.steps - 1);
	for (int i = 0; i < p.populations; i++)
		if (p.population[i].neuron >= 0)
			check(p, p.population[i]);
}
