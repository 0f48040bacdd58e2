/* plastic.inc.h - weights that change, a part of circuit.inc.h. A worker keeps the traces of its units, in
 * slots by step, so that a worker that is a step ahead overwrites none that is still read; and it changes the
 * weights of its targets. Each weight changes at most once for its source and then once for its target in a
 * step, so that no order of spikes matters. */

/* traces takes one trace a step on, for some words of units. */
static void traces(const struct run *r, const struct wiring_population *p, long long at, float decay, float jump, int nearest, word step, struct range own, const word *row)
{
	long units = 64 * p->words;
	const float *old = r->state + at + (long)((step + WIRING_TRACE_SLOTS - 1) % WIRING_TRACE_SLOTS) * units;
	float *now = r->state + at + (long)(step % WIRING_TRACE_SLOTS) * units;
	for (long u = 64 * own.lo; u < 64 * own.hi; u += VL)
		*(vector *)(now + u) = wiring_quiet(*(vector *)(old + u) * decay);
	for (long w = own.lo; w < own.hi; w++)
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

/* changes are weights that change together, each for a trace. */
enum { CHANGES = 256 };
struct changes {
	float weight[CHANGES], trace[CHANGES];
};

static inline __attribute__((always_inline)) void change(const struct wiring_plastic *q, const float *c, struct changes *all, long n)
{
	for (; n % VL; n++)
		all->weight[n] = all->trace[n] = 0;
	for (long k = 0; k < n; k += VL)
		*(vector *)(all->weight + k) = wiring_changed(q, c, *(vector *)(all->weight + k), *(vector *)(all->trace + k));
}

static inline long changes_of(long left) { return left < CHANGES ? left : CHANGES; }

/* learn_targets changes the weights onto the targets that spike. Those of one lie wherever their sources are: they are
 * fetched while the target before is done, and their list while the one before that is. */
static void learn_targets(const struct run *r, const struct wiring_projection *p, const struct wiring_plastic *q, const float *x, float *weight, const word *row)
{
	const int *first = r->ints + q->row, *source = r->ints + q->source, *entry = r->ints + q->entry;
	struct range words = own(r, r->population + p->to);
	struct changes all;
	while (words.lo < words.hi) {
		int unit[MOST_ROWS];
		long n = next_units(row, &words.lo, words.hi, unit);
		for (long u = -2; u < n; u++) {
			if (u + 2 < n) {
				fetch(source, first[unit[u + 2]], first[unit[u + 2] + 1]);
				fetch(entry, first[unit[u + 2]], first[unit[u + 2] + 1]);
			}
			if (u >= -1 && u + 1 < n)
				for (long k = first[unit[u + 1]]; k < first[unit[u + 1] + 1]; k++)
					__builtin_prefetch(weight + entry[k], 1);
			if (u < 0)
				continue;
			long end = first[unit[u] + 1];
			for (long k = first[unit[u]], m; k < end; k += m) {
				m = changes_of(end - k);
				for (long e = 0; e < m; e++) {
					all.trace[e] = x[source[k + e]];
					all.weight[e] = weight[entry[k + e]];
				}
				change(q, q->post, &all, m);
				for (long e = 0; e < m; e++)
					weight[entry[k + e]] = all.weight[e];
			}
		}
	}
}

/* deliver_plastic delivers the spikes of a step with the weights before them, and changes the weights. */
static void deliver_plastic(const struct run *r, const struct wiring_projection *p, const struct wiring_plastic *q, word step, const word *row)
{
	const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
	const int *lo = r->ints + p->cut + r->worker * p->sources, *hi = lo + p->sources, *target = r->ints + p->target;
	const float *x = before(r, from, q->source_trace, step), *y = before(r, to, q->target_trace, step);
	float *weight = r->state + q->weight;
	struct changes all;
	deliver_each(r, p, weight, step, row);
	for (long w = 0; w < from->words; w++)
		for (word set = row[from->first + w]; set; set &= set - 1) {
			long j = 64 * w + __builtin_ctzll(set);
			for (long k = lo[j], n; k < hi[j]; k += n) {
				n = changes_of(hi[j] - k);
				for (long e = 0; e < n; e++)
					all.trace[e] = y[target[k + e]];
				memcpy(all.weight, weight + k, n * sizeof *weight);
				change(q, q->pre, &all, n);
				memcpy(weight + k, all.weight, n * sizeof *weight);
			}
		}
	learn_targets(r, p, q, x, weight, row + to->first);
}
