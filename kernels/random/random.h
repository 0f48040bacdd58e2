/* random.h - counter-based random numbers, the C half of package random.
 *
 * Number i of a stream depends on the key of the stream and on i alone: at(key, i) is output i of
 * SplitMix64 seeded with the key. Nothing is kept between two numbers, so that any thread may draw
 * any of them, in any order and again. Every function gives the bits of its Go counterpart
 * (TestHeader), as it consists of integer arithmetic and of exact conversions.
 *
 * Source: Steele, Lea and Flood (2014), doi:10.1145/2660193.2660195.
 */
#ifndef GALVANI_RANDOM_H
#define GALVANI_RANDOM_H

#if defined(__CUDACC__)
#define RANDOM_FN static __device__ __forceinline__
#else
#define RANDOM_FN static inline __attribute__((always_inline, unused))
#endif

typedef unsigned long long random_word; /* 64 bits on every platform that is built for */

#define RANDOM_GAMMA 0x9e3779b97f4a7c15ull

/* random_mix permutes the 64-bit numbers. */
RANDOM_FN random_word random_mix(random_word z) {
	z += RANDOM_GAMMA;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* random_key returns the key of a stream of a key, such as that of a seed; the key of a seed is
 * random_mix(seed). */
RANDOM_FN random_word random_key(random_word key, random_word stream) { return random_mix(key ^ stream); }

/* random_at returns number i of a stream. */
RANDOM_FN random_word random_at(random_word key, random_word i) { return random_mix(key + i * RANDOM_GAMMA); }

/* random_uniform returns number i in [0,1), a multiple of 2^-24. */
RANDOM_FN float random_uniform(random_word key, random_word i) { return (float)(random_at(key, i) >> 40) * 0x1p-24f; }

/* random_uniform64 returns number i in [0,1), a multiple of 2^-53. */
RANDOM_FN double random_uniform64(random_word key, random_word i) { return (double)(random_at(key, i) >> 11) * 0x1p-53; }

/* random_below returns number i in [0,n), 0 < n < 2^32, by a multiplication: the 32 upper bits of
 * the number times n. An integer is at most n/2^32 too likely. */
RANDOM_FN unsigned random_below(random_word key, random_word i, unsigned n) {
	return (unsigned)((random_at(key, i) >> 32) * n >> 32);
}

/* random_chance reports whether number i falls below a threshold of Chance: an event of that
 * probability. */
RANDOM_FN int random_chance(random_word key, random_word i, random_word threshold) { return random_at(key, i) >> 1 < threshold; }

/* random_count returns how many of n rising thresholds, as Poisson returns them, number i
 * reaches: an integer of that distribution. */
RANDOM_FN int random_count(random_word key, random_word i, const random_word *threshold, int n) {
	random_word x = random_at(key, i) >> 1;
	int k = 0;
	while (k < n && x >= threshold[k])
		k++;
	return k;
}

#endif
