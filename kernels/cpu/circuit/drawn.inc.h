/* drawn.inc.h - projections whose entries nobody keeps (kernels.Drawn), a part of circuit.inc.h. A worker draws the
 * entries of each source that spikes anew, and adds those onto its units, in the order of source and entry. */

#include "../../random/normal.h"

enum { DRAWN_BLOCK = 2048, MOST_DELAY = 1 << 15 };

/* spread_at returns number n of a stream as one of a distribution. */
static inline __attribute__((always_inline)) double spread_at(const struct spread *s, word key, word n)
{
	if (s->form == SPREAD_UNIFORM)
		return s->a + (s->b - s->a) * random_uniform64(key, n);
	if (s->form == SPREAD_NORMAL)
		return s->a + s->b * random_normal(random_at(key, n), 0);
	return s->a;
}

/* add_drawn adds an entry, number n of a stream, onto unit i: to the counts of spikes, or its weight to what is due. */
static inline __attribute__((always_inline)) void add_drawn(const struct run *r, const struct wiring_projection *p, const struct drawn *d, const int counts, word key, word n, word step, long i)
{
	if (counts) {
		r->state[p->counts + i] += 1;
		return;
	}
	const struct wiring_synapse *s = r->synapse + p->synapse;
	double w = spread_at(&d->weight, random_key(key, 1), n), ms = spread_at(&d->delay, random_key(key, 2), n) / d->step;
	int delay = (int)((ms < MOST_DELAY ? ms : MOST_DELAY) + 0.5);
	delay = delay < 1 ? 1 : delay > d->most ? d->most : delay;
	if (d->weight.form != SPREAD_SAME && !(w * d->weight.a > 0))
		w = 0;
	long slot = slot_of(s, step) - 1 + delay;
	slot -= slot >= s->slots ? s->slots : 0;
	r->state[s->ring + slot * 64 * (r->population + p->to)->words + i] += (float)(w * d->jump);
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
		settle(r->state + p->counts, lo, hi, r->weights[p->weight], r->state + s->ring + slot * 64 * to->words);
	}
}
