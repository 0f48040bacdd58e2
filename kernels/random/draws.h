/* draws.h - numbers of events with a mean of their own each, the C half of Stream.Poisson and
 * Stream.Binomial in package random.
 *
 * Double precision, by additions, multiplications and divisions alone, so that every device has the same
 * bits (TestHeader). The including file has the compiler round each of them by itself: no product and sum
 * may become one operation.
 */
#ifndef GALVANI_RANDOM_DRAWS_H
#define GALVANI_RANDOM_DRAWS_H

#include "random.h"

enum { RANDOM_CHUNK = 32 }; /* the largest mean that is drawn by one inversion: exp(-32) is far from the smallest number */

/* random_decay returns exp(-x) for x >= 0 to 1e-15 of its size, and 0 beyond 700. */
RANDOM_FN double random_decay(double x) {
	static const double factor[] = {
		1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
		1.0 / 720,	  1.0 / 120,	   1.0 / 24,	   1.0 / 6,	  0.5,		1.0,	     1.0,
	};
	if (x > 700)
		return 0;
	random_word n = (random_word)(x * 1.4426950408889634 + 0.5);
	/* The first part of log 2 has 21 zero bits at its end. */
	double r = (double)n * 6.93147180369123816490e-01 - x + (double)n * 1.90821492927058770002e-10, y = 0;
	for (int k = 0; k < 14; k++)
		y = y * r + factor[k];
	union {
		random_word bits;
		double value;
	} scale;
	scale.bits = (1023 - n) << 52;
	return y * scale.value;
}

/* random_power returns q^n. */
RANDOM_FN double random_power(double q, long long n) {
	double y = 1;
	for (; n > 0; n >>= 1) {
		if (n & 1)
			y *= q;
		q *= q;
	}
	return y;
}

/* random_inverted returns the number at which a distribution function reaches u, given the probability p of 0 and
 * c and d, with which that of n + 1 is (c - d n) / (n + 1) times that of n. */
RANDOM_FN long long random_inverted(double u, double p, double c, double d) {
	long long n = 0;
	for (double sum = p; u >= sum; sum += p) {
		p *= (c - (double)n * d) / (double)(n + 1);
		n++;
		if (p <= 0 || p < 1e-18 * sum)
			break; /* what is left of the tail is below the last bit of u */
	}
	return n;
}

/* random_poisson returns number i of a stream as a Poisson number of a mean, as a sum of such of smaller means. */
RANDOM_FN long long random_poisson(random_word key, random_word i, double mean) {
	long long parts = (long long)(mean / RANDOM_CHUNK), sum = 0;
	if ((double)parts * RANDOM_CHUNK < mean)
		parts++;
	double m = mean / (double)parts, none = random_decay(m);
	for (long long k = 0; k < parts; k++)
		sum += random_inverted(random_uniform64(random_key(key, (random_word)k), i), none, m, 0);
	return sum;
}

/* random_binomial returns number i of a stream as how many of n events of probability p come. */
RANDOM_FN long long random_binomial(random_word key, random_word i, long long n, double p) {
	int misses = p > 0.5; /* those that do not come are drawn */
	double q = misses ? 1 - p : p, odds = q / (1 - q), most = RANDOM_CHUNK / q;
	long long left = n, sum = 0;
	for (long long k = 0; left > 0 && q > 0; k++) {
		long long of = most < (double)left ? (long long)most : left;
		left -= of;
		sum += random_inverted(random_uniform64(random_key(key, (random_word)k), i), random_power(1 - q, of), (double)of * odds, odds);
	}
	return misses ? n - sum : sum;
}

#endif
