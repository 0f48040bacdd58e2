/* softmax.inc.h - softmaxes of many rows for one instruction set: the including file defines SOFTMAX. All instruction sets give the
 * same bits, as products and sums are rounded each by itself. */

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#include <math.h>
#include "softmax.h"

typedef float floats __attribute__((vector_size(SOFTMAX_ROWS * 4)));
typedef double doubles __attribute__((vector_size(SOFTMAX_ROWS * 8)));
typedef int ints __attribute__((vector_size(SOFTMAX_ROWS * 4)));
typedef long long longs __attribute__((vector_size(SOFTMAX_ROWS * 8)));
typedef doubles doubles_u __attribute__((aligned(8), may_alias));

/* exp_below returns exp(x) for x <= 0, and 0 below -700 (2 ulp). x = n ln2 + r with |r| <= ln2 / 2, and the series of exp(r)
 * ends where its next term is below 4e-18. */
static inline __attribute__((always_inline)) doubles exp_below(doubles x)
{
	static const double series[] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
					1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1};
	const double round = 6755399441055744.0; /* 1.5 * 2^52: added, it leaves a whole number in the low bits */
	doubles t = x * 1.4426950408889634 + round, n = t - round;
	doubles r = x - n * 0x1.62e42feep-1 - n * 0x1.a39ef35793c76p-33;
	doubles y = r * (1.0 / 6227020800) + series[0];
	for (unsigned k = 1; k < sizeof(series) / sizeof(*series); k++)
		y = y * r + series[k];
	longs e = (longs)y + ((longs)t << 52);
	return (doubles)(e & (x >= -700.0));
}

void SOFTMAX(long n, long o, const float *x, float *p, double *ends, double *room)
{
	for (long i = 0; i < n; i += SOFTMAX_ROWS) {
		long row[SOFTMAX_ROWS]; /* the last block has its last row in the places of those that are not there */
		for (int l = 0; l < SOFTMAX_ROWS; l++)
			row[l] = (i + l < n ? i + l : n - 1) * o;
		floats top = {0}, finite = {0}, v = {0};
		top -= INFINITY;
		for (long k = 0; k < o; k++) {
			for (int l = 0; l < SOFTMAX_ROWS; l++)
				v[l] = x[row[l] + k];
			finite += v - v;
			ints more = v > top;
			top = (floats)((more & (ints)v) | (~more & (ints)top));
		}
		doubles high = __builtin_convertvector(top, doubles), sum = {0};
		for (long k = 0; k < o; k++) {
			for (int l = 0; l < SOFTMAX_ROWS; l++)
				v[l] = x[row[l] + k];
			doubles e = exp_below(__builtin_convertvector(v, doubles) - high);
			*(doubles_u *)(room + k * SOFTMAX_ROWS) = e;
			sum += e;
		}
		sum += __builtin_convertvector(finite, doubles);
		for (long k = 0; k < o; k++) {
			floats e = __builtin_convertvector(*(doubles_u *)(room + k * SOFTMAX_ROWS) / sum, floats);
			for (int l = 0; l < SOFTMAX_ROWS; l++)
				p[row[l] + k] = e[l];
		}
		for (int l = 0; l < SOFTMAX_ROWS; l++) {
			long at = row[l] / o * 2;
			ends[at] = high[l];
			ends[at + 1] = sum[l];
		}
	}
}
