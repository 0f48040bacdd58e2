/* drawn.inc.h - projections whose entries nobody keeps (kernels.Drawn), a part of circuit.inc.h. A worker draws the
 * entries of each source that spikes anew, and adds those onto its units, in the order of source and entry. */

#include "../../random/normal.h"

enum { DRAWN_BLOCK = 2048, MOST_DELAY = 1 << 15 };

/* spread_at returns number n of a stream as one of a distribution. */
static inline __attribute__((always_inline)) double spread_at(const struct run *r, const struct spread *s, word key, word n)
{
	if (s->form == SPREAD_UNIFORM)
		return s->a + (s->b - s->a) * random_uniform64(key, n);
	if (s->form == SPREAD_NORMAL)
		return s->a + s->b * random_normal(random_at(key, n), 0);
	if (s->form == SPREAD_LOGNORMAL) {
		int k = (int)(random_normal(random_at(key, n), 0) * 0x1p13f) + 256 * POWERS_BELOW;
		return r->power[s->table + (k >> 8)] * r->power[s->table + POWERS_HIGH + (k & 255)];
	}
	return s->a;
}

/* add_drawn adds an entry, number n of a stream, onto unit i: to the counts of spikes, or its weight to what is due. */
static inline __attribute__((always_inline)) void add_drawn(const struct run *r, const struct wiring_projection *p, const struct drawn *d, const int counts, word key, word n, word step, long i)
{
	if (counts) {
		numbers_of(r, p->counts)[i] += 1;
		return;
	}
	const struct wiring_synapse *s = r->synapse + p->synapse;
	double w = spread_at(r, &d->weight, random_key(key, 1), n), ms = spread_at(r, &d->delay, random_key(key, 2), n) / d->step;
	int delay = (int)((ms < MOST_DELAY ? ms : MOST_DELAY) + 0.5);
	delay = delay < 1 ? 1 : delay > d->most ? d->most : delay;
	if (d->weight.form != SPREAD_SAME && !(w * d->weight.a > 0))
		w = 0;
	long slot = slot_of(s, step) - 1 + delay;
	slot -= slot >= s->slots ? s->slots : 0;
	numbers_of(r, s->ring + slot * room_of(r, r->population + p->to))[i] += (float)(w * d->jump);
}

/* shuffled is kernels.Shuffled, for 0 < n < 2^31. */
static unsigned shuffled(word key, unsigned i, unsigned n)
{
	int digits = n > 1 ? 32 - __builtin_clz(n - 1) : 0, half = digits > 2 ? (digits + 1) / 2 : 1;
	unsigned mask = (1u << digits) - 1;
	do {
		for (int k = 0; k < 4; k++) {
			word x = random_at(key, (word)k);
			i = (i * ((unsigned)x | 1) + (unsigned)(x >> 32)) & mask;
			i ^= i >> half;
		}
	} while (i >= n);
	return i;
}

/* draw_groups adds the entries of source j onto those of the units lo to hi - 1, all of one block, whose shuffled sources have
 * j at place `at` of n. */
static inline __attribute__((always_inline)) void draw_groups(const struct run *r, const struct wiring_projection *p, const struct drawn *d, const int counts, long j, word block, unsigned at, unsigned n, long lo, long hi, word step)
{
	if (lo >= hi)
		return;
	unsigned place = shuffled(block, at, n);
	word in = (word)d->in, group = (word)place * in / n, first = (group * n + in - 1) / in, end = ((group + 1) * n + in - 1) / in;
	word key = random_key(block, group), row = random_key(d->key, (word)j);
	for (long i = lo; i < hi; i++)
		if (random_below(key, (word)i, (unsigned)(end - first)) == place - (unsigned)first)
			add_drawn(r, p, d, counts, row, (word)i, step, i);
}

/* draw_row adds the entries of source j onto the units lo to hi. */
static inline __attribute__((always_inline)) void draw_row(const struct run *r, const struct wiring_projection *p, const struct drawn *d, const int counts, long j, long lo, long hi, word step)
{
	long units = r->population[p->to].units;
	word row = random_key(d->key, (word)j);
	if (d->out >= 0) {
		word key = random_key(row, 0);
		for (long n = 0; n < r->list[d->out + j]; n++) {
			long i = random_below(key, (word)n, (unsigned)(units - !d->autapses));
			i += !d->autapses && i >= j;
			if (lo <= i && i < hi)
				add_drawn(r, p, d, counts, key, (word)n, step, i);
		}
		return;
	}
	if (d->in > 0) {
		unsigned n = (unsigned)(r->population[p->from].units - !d->autapses);
		for (long b = lo / DRAWN_BLOCK; b * DRAWN_BLOCK < hi; b++) {
			long first = b * DRAWN_BLOCK > lo ? b * DRAWN_BLOCK : lo, end = (b + 1) * DRAWN_BLOCK;
			end = end < hi ? end : hi, end = end < units ? end : units;
			word block = random_key(d->key, ~(word)b);
			if (d->autapses) {
				draw_groups(r, p, d, counts, j, block, (unsigned)j, n, first, end, step);
				continue;
			}
			/* of all other units: those from i + 1 on are one place further in front for unit i */
			draw_groups(r, p, d, counts, j, block, (unsigned)(j - 1), n, first, end < j ? end : j, step);
			draw_groups(r, p, d, counts, j, block, (unsigned)j, n, first > j + 1 ? first : j + 1, end, step);
		}
		return;
	}
	const word *threshold = r->threshold + d->threshold;
	for (long b = lo / DRAWN_BLOCK; b * DRAWN_BLOCK < hi; b++) {
		word key = random_key(row, (word)b);
		long i = b * DRAWN_BLOCK, end = i + DRAWN_BLOCK < units ? i + DRAWN_BLOCK : units;
		for (word n = 0;; n++) {
			word x = random_at(key, n) >> 11;
			int k = r->list[d->guide + (int)(x >> 43)];
			while (k < d->thresholds && x >= threshold[k])
				k++;
			i += k;
			if (i >= end)
				break;
			if (k == d->thresholds)
				continue; /* no unit is joined yet */
			if (lo <= i && i < hi && (d->autapses || i != j))
				add_drawn(r, p, d, counts, key, n, step, i);
			i++;
		}
	}
}

/* deliver_drawn adds the spikes of a step. */
static void deliver_drawn(const struct run *r, const struct wiring_projection *p, const struct drawn *d, word step, const word *row)
{
	const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
	const struct wiring_synapse *s = r->synapse + p->synapse;
	long lo = own(r, to).lo, hi = own(r, to).hi, any = 0;
	for (long w = 0; w < from->words; w++)
		for (word set = row[from->first + w]; set; set &= set - 1, any = 1) {
			long j = 64 * w + __builtin_ctzll(set);
			if (d->counts)
				draw_row(r, p, d, 1, j, 64 * lo, 64 * hi, step);
			else
				draw_row(r, p, d, 0, j, 64 * lo, 64 * hi, step);
		}
	if (any && d->counts) {
		long slot = slot_of(s, step) - 1 + r->ints[p->delay]; /* a delay is at most the slots */
		slot -= slot >= s->slots ? s->slots : 0;
		settle(numbers_of(r, p->counts), lo, hi, r->weights[p->weight], numbers_of(r, s->ring + slot * room_of(r, to)));
	}
}
