/* factors.inc.h - what products of the scan multiply.
 *
 * A factor lies in the place of a number. It is the number, or, in a variant with BF16, two numbers of bfloat16
 * that follow each other along the sum, the first in the low half; the second of the last is 0 where their count is odd. So a
 * product of n numbers is one of FACTORS(n) factors, and tiles, panels and strides are the same in both.
 * In a bfloat16 is what a float has above its lower 16 bits, rounded to the nearest, to even; denormal
 * numbers are 0. Sums are floats.
 */

#ifdef BF16
#define ALONG 2 /* numbers in a factor */
#define MULTIPLY_ADD(c, a, b) ((real)_mm512_dpbf16_ps((__m512)(c), (__m512bh)(a), (__m512bh)(b)))
#else
#define ALONG 1
#define MULTIPLY_ADD(c, a, b) ((c) + (a) * (b))
#endif
#define FACTORS(n) (((n) + ALONG - 1) / ALONG)

#define ALWAYS static inline __attribute__((always_inline, unused))

typedef real real_u __attribute__((aligned(sizeof(elem)), may_alias));

ALWAYS real load(const elem *p) { return *(const real_u *)p; }
ALWAYS void store(elem *p, real v) { *(real_u *)p = v; }
ALWAYS real load_n(const elem *p, long n)
{
	if (n >= VL)
		return load(p);
	elem t[VL] = {0};
	for (long i = 0; i < n; i++)
		t[i] = p[i];
	return load(t);
}
ALWAYS void store_n(elem *p, real v, long n)
{
	if (n >= VL) {
		store(p, v);
		return;
	}
	elem t[VL];
	store(t, v);
	for (long i = 0; i < n; i++)
		p[i] = t[i];
}

#ifdef BF16

typedef int factor_bits __attribute__((may_alias));

/* factor_splat is a vector of one factor. */
ALWAYS real factor_splat(const elem *p) { return (real)_mm512_set1_epi32(*(const factor_bits *)p); }

/* halves returns the bfloat16 of n <= 16 numbers, and 0 beyond, each in the low half of 32 bits. */
ALWAYS __m512i halves(const elem *p, long n)
{
	__m256bh h = _mm512_cvtneps_pbh((__m512)load_n(p, n));
	return _mm512_cvtepu16_epi32((__m256i)h);
}

/* factors_along makes the FACTORS(n) factors of a row of n numbers along the sum. */
ALWAYS void factors_along(const elem *row, long n, elem *out)
{
	for (; n >= 2 * VL; n -= 2 * VL, row += 2 * VL, out += VL)
		store(out, (real)_mm512_cvtne2ps_pbh((__m512)load(row + VL), (__m512)load(row)));
	if (n > 0) {
		elem t[2 * VL] = {0};
		memcpy(t, row, sizeof(elem) * n);
		store_n(out, (real)_mm512_cvtne2ps_pbh((__m512)load(t + VL), (__m512)load(t)), FACTORS(n));
	}
}

/* factors_across makes n factors of two rows that follow each other along the sum; b is null behind the last. */
ALWAYS void factors_across(const elem *a, const elem *b, long n, elem *out)
{
	for (long j = 0; j < n; j += VL) {
		__m512i low = halves(a + j, n - j), high = b ? halves(b + j, n - j) : _mm512_setzero_si512();
		store_n(out + j, (real)_mm512_or_si512(low, _mm512_slli_epi32(high, 16)), n - j);
	}
}

#else

ALWAYS real factor_splat(const elem *p) { return r_splat(*p); }

#endif
