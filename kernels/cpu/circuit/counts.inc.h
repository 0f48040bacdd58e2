/* counts.inc.h - projections whose entries all have one weight and one delay, a part of circuit.inc.h. What
 * arrives at a target is the number of spikes times the weight, so that no order of spikes matters. Dense ones
 * are a row of bits per source: rows are added bit by bit, as the planes of binary numbers, and each target's
 * number is read off at the end. Others are lists of targets, as those of circuit.inc.h. */

/* Rows are added four words at a time. A row has three words more than its targets need. */
typedef word quad __attribute__((vector_size(32), aligned(8)));

enum { MOST_ROWS = 255, MOST_PLANES = 8 };

#if defined(__AVX2__)
#include <immintrin.h>

/* read_planes adds the numbers in the planes times weight to due, of so many times 32 units. Byte u of a register
 * takes bit u of a plane, the highest plane first. */
static inline __attribute__((always_inline)) void read_planes(const quad *plane, const int planes, long chunks, float weight, float *due)
{
	typedef int part __attribute__((may_alias));
	const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
	const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201ull);
	const __m256 w = _mm256_set1_ps(weight);
	for (long c = 0; c < chunks; c++, due += 32) {
		__m256i count = _mm256_setzero_si256();
		for (int k = planes - 1; k >= 0; k--) {
			__m256i x = _mm256_shuffle_epi8(_mm256_set1_epi32(((const part *)(plane + k))[c]), spread);
			x = _mm256_cmpeq_epi8(_mm256_and_si256(x, bit), bit);
			count = _mm256_sub_epi8(_mm256_add_epi8(count, count), x);
		}
		__m128i low = _mm256_castsi256_si128(count), high = _mm256_extracti128_si256(count, 1);
		__m128i eight[4] = {low, _mm_srli_si128(low, 8), high, _mm_srli_si128(high, 8)};
		for (int k = 0; k < 4; k++) {
			__m256 add = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight[k])), w);
			_mm256_storeu_ps(due + 8 * k, _mm256_add_ps(_mm256_loadu_ps(due + 8 * k), add));
		}
	}
}
#else
static inline __attribute__((always_inline)) void read_planes(const quad *plane, const int planes, long chunks, float weight, float *due)
{
	for (long u = 0; u < 32 * chunks; u++) {
		int count = 0;
		for (int k = 0; k < planes; k++)
			count |= (int)(plane[k][u / 64] >> u % 64 & 1) << k;
		due[u] += (float)count * weight;
	}
}
#endif

/* planes_of adds n rows, and the numbers of 64 words' units times weight to due; planes is how many bits the
 * numbers may have. */
static inline __attribute__((always_inline)) void planes_of(const word *const *row, int n, long lo, long hi, float weight, float *due, const int planes)
{
	for (long w = lo; w < hi; w += 4) {
		quad plane[MOST_PLANES];
		for (int k = 0; k < planes; k++)
			plane[k] = (quad){0};
		for (int j = 0; j < n; j++) {
			quad x = *(const quad *)(row[j] + w);
			for (int k = 0; k < planes; k++) {
				quad carry = plane[k] & x;
				plane[k] ^= x;
				x = carry;
			}
		}
		read_planes(plane, planes, 2 * (hi - w < 4 ? hi - w : 4), weight, due + 64 * w);
	}
}

static void add_rows(const word *const *row, int n, long lo, long hi, float weight, float *due)
{
	switch (n == 0 ? 0 : 32 - __builtin_clz(n)) {
#define PLANES_OF(k) case k: planes_of(row, n, lo, hi, weight, due, k); break;
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

/* deliver_dense adds the spikes of a step to due by rows of bits. */
static void deliver_dense(const struct run *r, const struct wiring_projection *p, const word *row, long lo, long hi, float weight, float *due)
{
	const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
	const word *rows[MOST_ROWS], *all = r->bits + p->bits;
	long begin = wiring_bound(to, r->rank, r->ranks), stride = wiring_bound(to, r->rank + 1, r->ranks) - begin + 3;
	float *counts = r->state + p->counts + 64 * begin;
	int n = 0, rounds = 0;
	lo -= begin, hi -= begin, due += 64 * begin; /* rows have bits of the targets of this rank alone */
	for (long w = 0; w < from->words; w++)
		for (word set = row[from->first + w]; set; set &= set - 1) {
			if (n == MOST_ROWS) {
				add_rows(rows, n, lo, hi, 1, counts);
				rounds++, n = 0;
			}
			rows[n++] = all + (64 * w + __builtin_ctzll(set)) * stride;
			for (long k = lo; k < hi; k += 8)
				__builtin_prefetch(rows[n - 1] + k);
		}
	if (rounds == 0) {
		add_rows(rows, n, lo, hi, weight, due);
	} else {
		add_rows(rows, n, lo, hi, 1, counts);
		settle(counts, lo, hi, weight, due);
	}
}

/* deliver_counts adds the spikes of a step to what is due, all with one weight and one delay. */
static void deliver_counts(const struct run *r, const struct wiring_projection *p, word step, const word *row, int worker)
{
	const struct wiring_population *from = r->population + p->from, *to = r->population + p->to;
	const struct wiring_synapse *s = r->synapse + p->synapse;
	long lo = bound(r, to, worker), hi = bound(r, to, worker + 1);
	long slot = (long)(step % s->slots) - 1 + r->ints[p->delay]; /* a delay is at most the slots */
	slot -= slot >= s->slots ? s->slots : 0;
	float weight = r->weights[p->weight], *due = r->state + s->ring + slot * 64 * to->words, *counts = r->state + p->counts;
	if (p->bits >= 0) {
		deliver_dense(r, p, row, lo, hi, weight, due);
		return;
	}
	const int *first = r->ints + p->cut + worker * p->sources, *last = first + p->sources, *target = r->ints + p->target;
	long entries = 0;
	for (long w = 0; w < from->words; w++)
		for (word set = row[from->first + w]; set; set &= set - 1) {
			long j = 64 * w + __builtin_ctzll(set);
			for (long k = first[j]; k < last[j]; k++)
				counts[target[k]] += 1;
			entries += last[j] - first[j];
		}
	if (entries > 8 * (hi - lo)) {
		settle(counts, lo, hi, weight, due);
		return;
	}
	for (long w = 0; entries && w < from->words; w++) /* few: go over them again */
		for (word set = row[from->first + w]; set; set &= set - 1) {
			long j = 64 * w + __builtin_ctzll(set);
			for (long k = first[j]; k < last[j]; k++) {
				due[target[k]] += counts[target[k]] * weight; /* 0 from the second time on */
				counts[target[k]] = 0;
			}
		}
}
