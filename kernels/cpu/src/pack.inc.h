/* pack.inc.h - how operands of products are laid out for tiles, in factors (factors.inc.h): what lies in the place of
 * row k is factor k, of as many rows as a factor has numbers.
 */

enum { AHEAD = 16 }; /* rows that packing calls into the cache before it reads them */

/* part copies n of up to full elements and fills up with zeros; full is a constant of the caller. */
ALWAYS void part(elem *out, const elem *in, long n, const long full)
{
	if (n >= full) {
		memcpy(out, in, sizeof(elem) * full);
		return;
	}
	for (long j = 0; j < full; j++)
		out[j] = j < n ? in[j] : 0;
}

#ifndef BF16

#include "transpose.inc.h"

/* pack_t packs W [N,K] (rows are output columns) into panels: out[p][k][j] = W[p NR + j][k]. */
static __attribute__((unused)) void pack_t(const elem *W, long ld, long N, long K, elem *out)
{
	for (long p = 0; p < N; p += NR, out += K * NR) {
		long k = 0;
		if (p + NR <= N)
			for (; k + LANES <= K; k += LANES)
				for (long j = 0; j < NR; j += LANES)
					transpose(W + (p + j) * ld + k, ld, out + k * NR + j, NR);
		for (; k < K; k++)
			for (long j = 0; j < NR; j++)
				out[k * NR + j] = p + j < N ? W[(p + j) * ld + k] : 0;
	}
}

/* pack_n packs B [K,N] into panels: out[p][k][j] = B[k][p NR + j]. */
static __attribute__((unused)) void pack_n(const elem *B, long ld, long N, long K, elem *out)
{
	for (long p = 0; p < N; p += NR)
		for (long k = 0; k < K; k++, out += NR) {
			__builtin_prefetch(B + (k + AHEAD) * ld + p);
			part(out, B + k * ld + p, N - p, NR);
		}
}

/* pack_cols packs A [K,M] into column groups: out[g][k][i] = A[k][g MR + i]. Four groups at a time
 * read whole cache lines: rows lie a power of two apart, and would push each other out before the
 * next group comes. */
static __attribute__((unused)) void pack_cols(const elem *A, long ld, long M, long K, elem *out)
{
	long g = 0;
	for (; g + 4 * MR <= M; g += 4 * MR)
		for (long k = 0; k < K; k++) {
			const elem *ahead = A + (k + AHEAD) * ld + g;
			__builtin_prefetch(ahead);
			__builtin_prefetch(ahead + 64 / sizeof(elem));
#pragma GCC unroll 4
			for (long q = 0; q < 4; q++)
				part(out + (g + q * MR) * K + k * MR, A + k * ld + g + q * MR, MR, MR);
		}
	for (; g < M; g += MR)
		for (long k = 0; k < K; k++)
			part(out + g * K + k * MR, A + k * ld + g, M - g, MR);
}

/* pack_major packs A [M,K] into row groups: out[g][k][i] = A[g MR + i][k]. */
static __attribute__((unused)) void pack_major(const elem *A, long ld, long M, long K, elem *out)
{
	for (long g = 0; g < M; g += MR, out += K * MR) {
		long k = 0;
		if (LANES > 1 && g + LANES <= M) /* lanes past MR are overwritten by what follows */
			for (; k + LANES <= K - 1; k += LANES)
				transpose(A + g * ld + k, ld, out + k * MR, MR);
		for (; k < K; k++)
			for (long i = 0; i < MR; i++)
				out[k * MR + i] = g + i < M ? A[(g + i) * ld + k] : 0;
	}
}

/* pack_some packs R rows of B [K,N], from row k on, into their places of one panel of N <= NR columns. */
ALWAYS void pack_some(const elem *B, long ld, long N, long R, long k, long K, elem *panel)
{
	(void)K;
	pack_n(B, ld, N, R, panel + k * NR);
}

#else

static __attribute__((unused)) void pack_t(const elem *W, long ld, long N, long K, elem *out)
{
	for (long p = 0; p < N; p += NR, out += FACTORS(K) * NR)
		for (long j = 0; j < NR; j++)
			for (long k = 0; k < K; k += ALONG * VL) {
				long n = min_l(ALONG * VL, K - k);
				elem t[VL] = {0};
				if (p + j < N)
					factors_along(W + (p + j) * ld + k, n, t);
				for (long f = 0; f < FACTORS(n); f++)
					out[(k / ALONG + f) * NR + j] = t[f];
			}
}

/* across makes a row of `full` factors of n columns of rows k and k+1 of K, and of zeros. */
ALWAYS void across(const elem *row, long ld, long k, long K, long n, const long full, elem *out)
{
	if (n < full)
		memset(out, 0, sizeof(elem) * full);
	factors_across(row, k + 1 < K ? row + ld : 0, min_l(n, full), out);
}

static __attribute__((unused)) void pack_n(const elem *B, long ld, long N, long K, elem *out)
{
	for (long p = 0; p < N; p += NR)
		for (long k = 0; k < K; k += ALONG, out += NR) {
			__builtin_prefetch(B + (k + AHEAD) * ld + p);
			__builtin_prefetch(B + (k + AHEAD + 1) * ld + p);
			across(B + k * ld + p, ld, k, K, N - p, NR, out);
		}
}

static __attribute__((unused)) void pack_cols(const elem *A, long ld, long M, long K, elem *out)
{
	for (long g = 0; g < M; g += VL) /* two groups */
		for (long k = 0; k < K; k += ALONG) {
			elem t[VL];
			__builtin_prefetch(A + (k + AHEAD) * ld + g);
			__builtin_prefetch(A + (k + AHEAD + 1) * ld + g);
			across(A + k * ld + g, ld, k, K, M - g, VL, t);
			for (long q = 0; q < VL && g + q < M; q += MR)
				memcpy(out + (g + q) * FACTORS(K) + k / ALONG * MR, t + q, sizeof(elem) * MR);
		}
}

typedef unsigned short half_bits __attribute__((may_alias));

/* pack_some: a row whose neighbour in its factors is not among the R is that of another worker. */
ALWAYS void pack_some(const elem *B, long ld, long N, long R, long k, long K, elem *panel)
{
	for (long end = k + R; k < end; B += ld, k++) {
		elem *to = panel + k / ALONG * NR;
		if (k % 2 == 0 && (k + 1 < end || k + 1 == K)) {
			across(B, ld, k, K, N, NR, to);
			B += ld, k++;
			continue;
		}
		half_bits *half = (half_bits *)to + k % 2;
		for (long j = 0; j < NR; j += VL) {
			int low[VL];
			__m512i h = halves(B + j, N - j);
			memcpy(low, &h, sizeof low);
			for (long i = 0; i < VL; i++)
				half[ALONG * (j + i)] = (half_bits)low[i];
		}
	}
}

#endif
