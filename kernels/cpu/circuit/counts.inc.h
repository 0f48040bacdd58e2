/* counts.inc.h - projections whose entries all have one weight and one delay, a part of circuit.inc.h. What
 * arrives at a target is the number of spikes times the weight, so that no order of spikes matters. Dense ones
 * are a row of bits per source: rows are added bit by bit, as the planes of binary numbers, and each target's
 * number is read off at the end. Others are lists of targets, as those of circuit.inc.h. The numbers stay bytes where the
 * synapse is counted and they fit; otherwise they are added to what is due, by way of numbers in the state. */

/* Rows are added four words at a time. A row has three words more than its targets need. */
typedef word quad __attribute__((vector_size(32), aligned(8)));

enum { MOST_ROWS = 255, MOST_PLANES = 8 };

/* AHEAD is how many lists of targets are on their way into the cache while those before are gone over. */
enum { AHEAD = 4 };

/* STRIP is how many words have their planes made before these are read: rows come from afar, and a processor looks ahead no further
 * than some hundred operations. */
enum { STRIP = 64 };
typedef quad strip[STRIP / 4];

/* read_planes stores the numbers in the planes, of the units of so many words. */
#if VL == 16
/* A word of a plane is a mask of bytes. */
static inline __attribute__((always_inline)) void read_planes(const strip *plane, const int planes, long words, unsigned char *to)
{
	typedef word part __attribute__((may_alias));
	for (long w = 0; w < words; w++) {
		__m512i count = _mm512_setzero_si512();
		for (int k = 0; k < planes; k++)
			count = _mm512_mask_add_epi8(count, ((const part *)plane[k])[w], count, _mm512_set1_epi8((char)(1 << k)));
		_mm512_storeu_si512(to + 64 * w, count);
	}
}
#elif VL == 8
/* Byte u of a register takes bit u of a plane, the highest plane first. */
static inline __attribute__((always_inline)) void read_planes(const strip *plane, const int planes, long words, unsigned char *to)
{
	typedef int part __attribute__((may_alias));
	const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
	const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201ull);
	for (long c = 0; c < 2 * words; c++) {
		__m256i count = _mm256_setzero_si256();
		for (int k = planes - 1; k >= 0; k--) {
			__m256i x = _mm256_shuffle_epi8(_mm256_set1_epi32(((const part *)plane[k])[c]), spread);
			x = _mm256_cmpeq_epi8(_mm256_and_si256(x, bit), bit);
			count = _mm256_sub_epi8(_mm256_add_epi8(count, count), x);
		}
		_mm256_storeu_si256((__m256i *)(to + 32 * c), count);
	}
}
#else
static inline __attribute__((always_inline)) void read_planes(const strip *plane, const int planes, long words, unsigned char *to)
{
	for (long u = 0; u < 64 * words; u++) {
		int count = 0;
		for (int k = 0; k < planes; k++)
			count |= (int)(plane[k][u / 256][u / 64 % 4] >> u % 64 & 1) << k;
		to[u] = (unsigned char)count;
	}
}
#endif

/* planes_of adds n rows, and the numbers of the units of some words become bytes, or are added times weight to due where
 * bytes is null; planes is how many bits the numbers may have. */
static inline __attribute__((always_inline)) void planes_of(const word *const *row, int n, long lo, long hi, unsigned char *bytes, float weight, float *due, const int planes)
{
	for (long w = lo; w < hi; w += STRIP) {
		strip plane[MOST_PLANES];
		unsigned char own[64 * STRIP], *to = bytes ? bytes + 64 * w : own;
		long words = hi - w < STRIP ? hi - w : STRIP;
		for (long q = 0; 4 * q < words; q++) {
			quad sum[MOST_PLANES];
			for (int k = 0; k < planes; k++)
				sum[k] = (quad){0};
			for (int j = 0; j < n; j++) {
				quad x = *(const quad *)(row[j] + w + 4 * q);
				for (int k = 0; k < planes; k++) {
					quad carry = sum[k] & x;
					sum[k] ^= x;
					x = carry;
				}
			}
			for (int k = 0; k < planes; k++)
				plane[k][q] = sum[k];
		}
		read_planes(plane, planes, words, to);
		for (long u = 0; !bytes && u < 64 * words; u += VL)
			*(vector *)(due + 64 * w + u) += numbers(own + u) * weight;
	}
}

static void add_rows(const word *const *row, int n, long lo, long hi, unsigned char *bytes, float weight, float *due)
{
	switch (n == 0 ? 0 : 32 - __builtin_clz(n)) {
#define PLANES_OF(k) case k: planes_of(row, n, lo, hi, bytes, weight, due, k); break;
	PLANES_OF(1) PLANES_OF(2) PLANES_OF(3) PLANES_OF(4) PLANES_OF(5) PLANES_OF(6) PLANES_OF(7) PLANES_OF(8)
	}
}

/* settle adds the counts of units times weight to due, and makes them 0. */
static void settle(float *counts, long lo, long hi, float weight, float *due)
{
	for (long u = 64 * lo; u < 64 * hi; u += VL) {
		*(vector *)(due + u) += *(vector *)(counts + u) * weight;
		*(vector *)(counts + u) = r_splat(0);
	}
}

/* row_of returns the bits of the targets of a source that this rank has. */
static inline const word *row_of(const struct run *r, const struct wiring_projection *p, long unit)
{
	struct range all = of_rank(r, r->population + p->to);
	return r->bits + p->bits + unit * (all.hi - all.lo + 3);
}

/* deliver_dense adds the spikes of a step to due by rows of bits. */
static void deliver_dense(const struct run *r, const struct wiring_projection *p, const word *row, long lo, long hi, float weight, float *due)
{
	const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
	const word *rows[MOST_ROWS];
	long begin = of_rank(r, to).lo;
	float *counts = numbers_of(r, p->counts) + 64 * begin;
	int n = 0, rounds = 0;
	lo -= begin, hi -= begin, due += 64 * begin; /* rows have bits of the targets of this rank alone */
	for (long w = 0; w < from->words; w++)
		for (word set = row[from->first + w]; set; set &= set - 1) {
			if (n == MOST_ROWS) {
				add_rows(rows, n, lo, hi, 0, 1, counts);
				rounds++, n = 0;
			}
			rows[n++] = row_of(r, p, 64 * w + __builtin_ctzll(set));
			for (long k = lo; k < hi; k += 8)
				__builtin_prefetch(rows[n - 1] + k);
		}
	if (rounds == 0) {
		add_rows(rows, n, lo, hi, 0, weight, due);
	} else {
		add_rows(rows, n, lo, hi, 0, 1, counts);
		settle(counts, lo, hi, weight, due);
	}
}

/* gather lists the units of a population that spike, and returns how many: most + 1 where they are more than most. */
static long gather(const word *row, long words, long most, int *unit)
{
	long n = 0;
	for (long w = 0; w < words; w++)
		for (word set = row[w]; set; set &= set - 1) {
			if (n == most)
				return most + 1;
			unit[n++] = (int)(64 * w) + __builtin_ctzll(set);
		}
	return n;
}

/* fired lists the units of a population that spike in a step: n, MOST_ROWS + 1 if they are more, or -1 where nobody has looked. */
struct fired {
	long n;
	int unit[MOST_ROWS];
};

/* fetch_rows fetches what is read of rows of bits when the spike of a unit is delivered: they lie beyond the second cache. */
static void fetch_rows(const struct run *r, const struct wiring_population *from, long unit)
{
	for (const struct wiring_projection *p = r->projection; p < r->projection + r->projections; p++) {
		if (r->population + p->from != from || p->bits < 0)
			continue;
		const struct wiring_population *to = r->population + p->to;
		const word *row = row_of(r, p, unit) - of_rank(r, to).lo;
		for (long k = own(r, to).lo; k < own(r, to).hi; k += 8)
			__builtin_prefetch(row + k);
		__builtin_prefetch(row + own(r, to).hi + 2);
	}
}

/* find makes this list, from what all parts tell of this step or from its row, which comes from the caches of other cores. */
static void find(const struct run *r, const struct wiring_population *p, const word *row, struct fired *to)
{
	int told = r->told && p->neuron >= 0 && r->workers * MESSAGE <= MOST_ROWS;
	for (int k = 0; told && k < r->workers; k++)
		told = r->told[k].message[(r->phase - 1) % 2].n <= MESSAGE;
	if (!told) {
		to->n = gather(row + p->first, p->words, MOST_ROWS, to->unit);
		for (long j = 0; p->neuron >= 0 && j < to->n && j < MOST_ROWS; j++)
			fetch_rows(r, p, to->unit[j]);
		return;
	}
	to->n = 0;
	for (int k = 0; k < r->workers; k++) {
		const struct message *m = &r->told[k].message[(r->phase - 1) % 2];
		for (int i = 0; i < m->n; i++) {
			long unit = m->spike[i] - 64 * p->first;
			if (unit < 0 || unit >= 64 * p->words)
				continue;
			to->unit[to->n++] = (int)unit;
			if (k != r->worker)
				fetch_rows(r, p, unit);
		}
	}
}

/* next_units lists the units that spike in some words of a population, from *w to hi - 1 or fewer, takes *w on, and returns how
 * many they are: as many as MOST_ROWS at most. */
static long next_units(const word *row, long *w, long hi, int *unit)
{
	long n = 0;
	for (; *w < hi && n + 64 <= MOST_ROWS; ++*w)
		for (word set = row[*w]; set; set &= set - 1)
			unit[n++] = (int)(64 * *w) + __builtin_ctzll(set);
	return n;
}

/* fetch fetches the entries lo to hi - 1 of a list into the cache, a line at a time. */
static inline void fetch(const int *list, long lo, long hi)
{
	for (long k = lo; k < hi; k += 16)
		__builtin_prefetch(list + k);
}

/* fetch_targets does so with targets. */
static inline void fetch_targets(const struct run *r, const struct wiring_projection *p, long lo, long hi)
{
	if (p->brief < 0)
		fetch(r->ints + p->target, lo, hi);
	else
		for (long k = lo; k < hi; k += 32)
			__builtin_prefetch(r->brief + p->brief + k);
}

/* EACH_TARGET does something to each of the targets lo to hi - 1. What it does may store bytes, which may be any object's:
 * so nothing is read again in the loop. */
#define TARGETS_OF(type, list, lo, hi, i, something) \
	for (const type *next = (list) + (lo), *end = (list) + (hi); next < end; next++) { \
		long i = *next; \
		something; \
	}
#define EACH_TARGET(lo, hi, i, something) \
	do { \
		if (p->brief >= 0) { \
			TARGETS_OF(unsigned short, r->brief + p->brief, lo, hi, i, something) \
		} else { \
			TARGETS_OF(int, r->ints + p->target, lo, hi, i, something) \
		} \
	} while (0)

/* count_bytes makes the numbers of n units that spike the bytes of the worker's units. */
static void count_bytes(const struct run *r, const struct wiring_projection *p, const int *unit, long n, unsigned char *bytes)
{
	const struct wiring_population *to = r->population + p->to;
	long lo = own(r, to).lo, hi = own(r, to).hi;
	if (p->bits >= 0) {
		const word *rows[MOST_ROWS];
		long begin = of_rank(r, to).lo;
		for (long j = 0; j < n; j++)
			rows[j] = row_of(r, p, unit[j]);
		add_rows(rows, (int)n, lo - begin, hi - begin, bytes + 64 * begin, 0, 0);
		return;
	}
	const int *first = r->ints + p->cut + r->worker * p->sources, *last = first + p->sources;
	memset(bytes + 64 * lo, 0, 64 * (hi - lo));
	for (long j = -AHEAD; j < n; j++) {
		if (j + AHEAD < n)
			fetch_targets(r, p, first[unit[j + AHEAD]], last[unit[j + AHEAD]]);
		if (j >= 0)
			EACH_TARGET(first[unit[j]], last[unit[j]], i, bytes[i]++);
	}
}

/* deliver_counts adds the spikes of a step to what is due, all with one weight and one delay. */
static void deliver_counts(const struct run *r, const struct wiring_projection *p, word step, const word *row, struct fired *fired)
{
	const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
	const struct wiring_synapse *s = r->synapse + p->synapse;
	long lo = own(r, to).lo, hi = own(r, to).hi;
	long slot = slot_of(s, step) - 1 + r->ints[p->delay]; /* a delay is at most the slots */
	slot -= slot >= s->slots ? s->slots : 0;
	const struct counted *c = r->counted + p->synapse;
	if (c->at >= 0) {
		unsigned char *how = how_of(r, c, slot);
		if (*how != DUE_FLOATS && fired->n < 0)
			find(r, from, row, fired);
		long n = *how == DUE_FLOATS ? c->most + 1 : fired->n;
		if (n <= c->most) {
			if (n > 0)
				count_bytes(r, p, fired->unit, n, r->bytes + c->at + slot * room_of(r, to) + r->worker * r->apart);
			*how = n > 0 ? DUE_BYTES : DUE_NONE;
			return;
		}
		*how = DUE_FLOATS;
	}
	float weight = r->weights[p->weight], *due = numbers_of(r, s->ring + slot * room_of(r, to)), *counts = numbers_of(r, p->counts);
	if (p->bits >= 0) {
		deliver_dense(r, p, row, lo, hi, weight, due);
		return;
	}
	const int *first = r->ints + p->cut + r->worker * p->sources, *last = first + p->sources;
	long entries = 0;
	for (long w = 0; w < from->words;) {
		int unit[MOST_ROWS];
		long n = next_units(row + from->first, &w, from->words, unit);
		for (long j = -AHEAD; j < n; j++) {
			if (j + AHEAD < n)
				fetch_targets(r, p, first[unit[j + AHEAD]], last[unit[j + AHEAD]]);
			if (j < 0)
				continue;
			EACH_TARGET(first[unit[j]], last[unit[j]], i, counts[i] += 1);
			entries += last[unit[j]] - first[unit[j]];
		}
	}
	if (entries > 8 * (hi - lo)) {
		settle(counts, lo, hi, weight, due);
		return;
	}
	for (long w = 0; entries && w < from->words; w++) /* few: go over them again */
		for (word set = row[from->first + w]; set; set &= set - 1) {
			long j = 64 * w + __builtin_ctzll(set);
			EACH_TARGET(first[j], last[j], i, due[i] += counts[i] * weight; counts[i] = 0); /* 0 from the second time on */
		}
}
