/* plastic.inc.h - weights that change, a part of circuit.inc.h. A worker keeps the traces of its units, in
 * slots by step, so that a worker that is a step ahead overwrites none that is still read; and it changes the
 * weights of its targets. Each weight changes at most once for its source and then once for its target in a
 * step, so that no order of spikes matters. */

/* traces takes one trace a step on, for some words of units. */
static void traces(const struct run *r, const struct wiring_population *p, long long at, float decay, float jump, int nearest, word step, long lo, long hi, const word *row)
{
	long units = 64 * p->words;
	const float *old = r->state + at + (long)((step + WIRING_TRACE_SLOTS - 1) % WIRING_TRACE_SLOTS) * units;
	float *now = r->state + at + (long)(step % WIRING_TRACE_SLOTS) * units;
	for (long u = 64 * lo; u < 64 * hi; u += VL)
		*(vector *)(now + u) = wiring_quiet(*(vector *)(old + u) * decay);
	for (long w = lo; w < hi; w++)
		for (word set = row[w]; set; set &= set - 1) {
			long u = 64 * w + __builtin_ctzll(set);
			now[u] = ((nearest ? 0 : old[u]) + jump) * decay;
		}
}

/* before returns the traces before the spikes of a step. */
static const float *before(const struct run *r, const struct wiring_population *p, long long at, word step)
{
	return r->state + at + (long)((step + WIRING_TRACE_SLOTS - 1) % WIRING_TRACE_SLOTS) * 64 * p->words;
}

/* deliver_plastic delivers the spikes of a step with the weights before them, and changes the weights. */
static void deliver_plastic(const struct run *r, const struct wiring_projection *p, const struct wiring_plastic *q, word step, const word *row, int worker)
{
	const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
	const struct wiring_synapse *s = r->synapse + p->synapse;
	const int *lo = r->ints + p->cut + worker * p->sources, *hi = lo + p->sources;
	const int *target = r->ints + p->target, *delay = r->ints + p->delay;
	const float *x = before(r, from, q->source_trace, step), *y = before(r, to, q->target_trace, step);
	float *weight = r->state + q->weight;
	long units = 64 * to->words, now = (long)(step % s->slots) - 1;
	for (long w = 0; w < from->words; w++)
		for (word set = row[from->first + w]; set; set &= set - 1) {
			long j = 64 * w + __builtin_ctzll(set);
			for (long k = lo[j]; k < hi[j]; k++) {
				long slot = now + delay[k * p->delays];
				slot -= slot >= s->slots ? s->slots : 0;
				r->state[s->ring + slot * units + target[k]] += weight[k];
				weight[k] = wiring_changed(q, q->pre, weight[k], y[target[k]]);
			}
		}
	const int *first = r->ints + q->row, *source = r->ints + q->source, *entry = r->ints + q->entry;
	for (long w = bound(r, to, worker); w < bound(r, to, worker + 1); w++)
		for (word set = row[to->first + w]; set; set &= set - 1) {
			long i = 64 * w + __builtin_ctzll(set);
			for (long k = first[i]; k < first[i + 1]; k++)
				weight[entry[k]] = wiring_changed(q, q->post, weight[entry[k]], x[source[k]]);
		}
}
