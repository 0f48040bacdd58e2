/* noise.inc.h - coarse Gaussian numbers of streams (kernels/random/normal.h), added to rows.
 *
 * With AVX2 sixteen at a time: the upper half of the quantiles, which the lower one mirrors, is eight pieces of sixteen, and
 * each byte finds its quantile in one of them by a shuffle. The numbers have the same bits.
 */
#include "../../random/normal.h"

#if (VL == 8 || VL == 16) && !defined(GALVANI_F64)
#define NOISE_LANES 16
#include <immintrin.h>
#else
#define NOISE_LANES 0
#endif

/* noise_table holds the low and the high bytes of the upper quantiles, each piece twice. */
struct noise_table {
	unsigned char low[8][32], high[8][32];
};

static inline void V(noise_table)(struct noise_table *t)
{
	for (int m = 0; m < 128; m++)
		for (int half = 0; half < 32; half += 16) {
			t->low[m / 16][half + m % 16] = random_quantiles[128 + m] & 255;
			t->high[m / 16][half + m % 16] = random_quantiles[128 + m] >> 8;
		}
}

#if NOISE_LANES > 0

/* piece returns the bytes of a table [8][16] at places of 0 to 127. */
ALWAYS __m256i V(piece)(const unsigned char table[8][32], __m256i place)
{
	__m256i within = _mm256_and_si256(place, _mm256_set1_epi8(15)), found[8];
#pragma GCC unroll 8
	for (int k = 0; k < 8; k++)
		found[k] = _mm256_shuffle_epi8(_mm256_loadu_si256((const __m256i *)table[k]), within);
	/* A choice goes by bit 7 of each byte, to which bits 4, 5 and 6 are moved. */
#pragma GCC unroll 4
	for (int k = 0; k < 8; k += 2)
		found[k] = _mm256_blendv_epi8(found[k], found[k + 1], _mm256_slli_epi16(place, 3));
#pragma GCC unroll 2
	for (int k = 0; k < 8; k += 4)
		found[k] = _mm256_blendv_epi8(found[k], found[k + 2], _mm256_slli_epi16(place, 2));
	return _mm256_blendv_epi8(found[0], found[4], _mm256_slli_epi16(place, 1));
}

/* times multiplies 64-bit integers by a constant. */
ALWAYS __m256i V(times)(__m256i a, random_word c)
{
	__m256i low = _mm256_set1_epi64x((long long)c), high = _mm256_set1_epi64x((long long)(c >> 32));
	__m256i cross = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), low), _mm256_mul_epu32(a, high));
	return _mm256_add_epi64(_mm256_mul_epu32(a, low), _mm256_slli_epi64(cross, 32));
}

/* mix is random_mix of four words. */
ALWAYS __m256i V(mix)(__m256i z)
{
	z = _mm256_add_epi64(z, _mm256_set1_epi64x((long long)RANDOM_GAMMA));
	z = V(times)(_mm256_xor_si256(z, _mm256_srli_epi64(z, 30)), 0xbf58476d1ce4e5b9ull);
	z = V(times)(_mm256_xor_si256(z, _mm256_srli_epi64(z, 27)), 0x94d049bb133111ebull);
	return _mm256_xor_si256(z, _mm256_srli_epi64(z, 31));
}

/* normals returns the sixteen numbers that four words make, which come in the order 0, 2, 1, 3: what follows goes by halves of
 * 16 bytes, and with it the numbers come in theirs. */
ALWAYS void V(normals)(const struct noise_table *t, __m256i bytes, __m256 out[2])
{
	__m256i upper = _mm256_cmpgt_epi8(_mm256_setzero_si256(), bytes);
	__m256i place = _mm256_xor_si256(_mm256_xor_si256(bytes, upper), _mm256_set1_epi8(0x7f)); /* in the upper half, 0 to 127 */
	__m256i low = V(piece)(t->low, place), high = V(piece)(t->high, place);
	__m256i sign = _mm256_xor_si256(upper, _mm256_set1_epi8((char)0x80)), ones = _mm256_set1_epi16(1);
	__m256i first = _mm256_sign_epi16(_mm256_unpacklo_epi8(low, high), _mm256_unpacklo_epi8(sign, sign));
	__m256i second = _mm256_sign_epi16(_mm256_unpackhi_epi8(low, high), _mm256_unpackhi_epi8(sign, sign));
	out[0] = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_madd_epi16(first, ones)), _mm256_set1_ps(0x1p-13f));
	out[1] = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_madd_epi16(second, ones)), _mm256_set1_ps(0x1p-13f));
}

#endif

/* add_noise sets out to in plus n coarse Gaussian numbers from a word of a stream on, times sd. Fused says that product and
 * sum are rounded as one, where the processor can. */
ALWAYS void V(add_noise)(const struct noise_table *t, elem *out, const elem *in, long n, elem sd, random_word key,
			 random_word word, const int fused)
{
	long i = 0;
#if NOISE_LANES > 0
	random_word at = key + word * RANDOM_GAMMA; /* random_at(key, word) is random_mix of it */
	__m256i state = _mm256_add_epi64(_mm256_set1_epi64x((long long)at),
		_mm256_set_epi64x((long long)(3 * RANDOM_GAMMA), (long long)RANDOM_GAMMA, (long long)(2 * RANDOM_GAMMA), 0));
	__m256i bytes = V(mix)(state);
	for (; i + NOISE_LANES <= n; i += NOISE_LANES) {
		/* The next words are made beside these, as each step of that waits for the one before. */
		state = _mm256_add_epi64(state, _mm256_set1_epi64x((long long)(4 * RANDOM_GAMMA)));
		__m256i next = V(mix)(state);
		__m256 z[2];
		V(normals)(t, bytes, z);
		bytes = next;
		for (int k = 0; k < 2; k++) {
			__m256 x = _mm256_loadu_ps(in + i + 8 * k), s = _mm256_set1_ps(sd);
			if (fused) {
				x = _mm256_fmadd_ps(s, z[k], x);
			} else {
				__m256 p = _mm256_mul_ps(s, z[k]);
				__asm__("" : "+x"(p)); /* the compiler would fuse it */
				x = _mm256_add_ps(x, p);
			}
			_mm256_storeu_ps(out + i + 8 * k, x);
		}
	}
#endif
	for (long left = n - i; left > 0; left--, i++) {
		elem z = random_normal(random_at(key, word + i / 4), i % 4);
#if NOISE_LANES > 0
		if (fused) {
			out[i] = __builtin_fmaf(sd, z, in[i]);
			continue;
		}
		z *= sd;
		__asm__("" : "+x"(z));
		out[i] = in[i] + z;
#else
		out[i] = in[i] + sd * z;
#endif
	}
}

/* add_drive_noise is add_noise to rows of drives. */
static __attribute__((noinline, unused)) void V(add_drive_noise)(const struct noise_table *t, elem *out, long n, elem sd, random_word key,
								 random_word word)
{
	V(add_noise)(t, out, out, n, sd, key, word, 1);
}

/* input_noise sets rows b0..b1-1 of `to` [T,B,I] to x plus the noise of the input. x is read from its beginning to its end. */
static void V(input_noise)(const struct scan_dims *d, const void *x, void *to, long b0, long b1)
{
	struct noise_table table;
	V(noise_table)(&table);
	for (long t = 0; t < d->T; t++)
		for (long b = b0; b < b1; b++) {
			long at = (t * d->B + b) * d->I;
			random_word key = random_key(random_key(d->input_key, d->noise_first + b), t);
			V(add_noise)(&table, (elem *)to + at, (const elem *)x + at, d->I, (elem)d->input_noise, key, 0, 0);
		}
}
