/* real.h - the number type that cell headers are written in.
 *
 * A cell header does arithmetic on `real` and on scalars of type `elem`. The same source is
 * compiled as
 *   - a vector of VL floats by the CPU back end (GCC vector extension),
 *   - a double, for gradient checks (GALVANI_F64),
 *   - a float per CUDA thread, also where the emulated driver plays the GPU (GALVANI_EMU).
 * Before including this file the CPU back end defines VL, the number of lanes.
 *
 * Accuracy of the float functions against float64, over all normal results
 * (kernels/cpu TestUlp): r_exp <= 2 ulp, r_sigmoid <= 3 ulp, r_tanh <= 3 ulp, r_softplus <= 2 ulp,
 * r_pow <= 2 ulp for powers up to 2. Results below 2^-126 are flushed to zero.
 *
 * Every function returns NaN for NaN, so that a number that is not finite reaches the state and
 * the loss. A comparison with NaN is false: the branch taken then is a - a, which is 0 where a is
 * finite and NaN elsewhere.
 */
#ifndef GALVANI_REAL_H
#define GALVANI_REAL_H

#if defined(__CUDACC__)
#define CELL_FN static __device__ __forceinline__
#else
#define CELL_FN static inline __attribute__((always_inline, unused))
#endif

#if !defined(__CUDACC_RTC__) /* the run-time compiler knows the functions and has no headers */
#include <math.h>
#endif

#if defined(GALVANI_F64)

typedef double elem;
typedef double real;
#define R(x) ((double)(x))
CELL_FN real r_splat(elem x) { return x; }
CELL_FN real r_where(int c, real a, real b) { return c ? a : b; }
CELL_FN real r_positive(real a, real b) { return a > 0 ? b : a - a; }
CELL_FN real r_exp(real x) { return exp(x); }
CELL_FN real r_tanh(real x) { return tanh(x); }
CELL_FN real r_softplus(real x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
CELL_FN real r_pow(real x, elem p) { return x > 0 ? pow(x, p) : x - x; }

#else /* float, one or many lanes */

typedef float elem;
#if defined(__CUDACC__) || defined(GALVANI_EMU)
typedef float real;
typedef int bits;
#define R(x) (x##f)
CELL_FN real r_splat(elem x) { return x; }
CELL_FN bits r_bits(real x) { return __float_as_int(x); }
CELL_FN real r_float(bits b) { return __int_as_float(b); }
CELL_FN real r_where(int c, real a, real b) { return c ? a : b; }
#else
typedef float real __attribute__((vector_size(VL * 4)));
typedef int bits __attribute__((vector_size(VL * 4)));
#define R(x) (x##f)
/* x - 0 is x for every x, so this is a broadcast and nothing else. */
CELL_FN real r_splat(elem x) { return x - (real){0}; }
CELL_FN bits r_bits(real x) { return (bits)x; }
CELL_FN real r_float(bits b) { return (real)b; }
CELL_FN real r_where(bits c, real a, real b) { return (real)((c & (bits)a) | (~c & (bits)b)); }
#endif

/* r_positive returns b where a > 0, NaN where a is NaN or -Inf, and 0 elsewhere: the derivative of
 * max(0, a) times b. */
CELL_FN real r_positive(real a, real b) { return r_where(a > r_splat(0), b, a - a); }

/* r_exp_parts: x = n ln2 + r with |r| <= ln2/2; exp(r) = 1 + r + r^2 q(r), q of degree 4 fitted in the
 * Chebyshev sense (relative error 8e-9). It returns exp(r) - 1, and n in the low bits of *t. */
CELL_FN real r_exp_parts(real x, real *t)
{
	*t = x * R(1.44269504088896341) + R(12582912.0);
	real n = *t - R(12582912.0);
	real r = x - n * R(0.693145751953125) - n * R(1.42860682030941723e-6);
	real q = r * R(0.0013926250394433737) + R(0.00836323294788599);
	q = q * r + R(0.04166655242443085);
	q = q * r + R(0.16666576266288757);
	q = q * r + R(0.5);
	return q * r * r + r;
}

/* r_exp adds the power 2^n to the exponent bits. */
CELL_FN real r_exp(real x)
{
	real t, y = r_exp_parts(x, &t) + R(1.0);
	y = r_float(r_bits(y) + (r_bits(t) << 23));
	bits zero = r_bits(x) & 0;
	y = r_where(x > R(88.722835), r_float(zero + 0x7f800000), y);
	y = r_where(x < R(-87.336544), r_float(zero), y);
	return r_where(x == x, y, x);
}

/* r_tanh: odd polynomial below 0.625, 1 - 2/(exp(2|x|)+1) above. r_tanh_by takes the exponential. */
CELL_FN real r_tanh_by(real x, real e)
{
	real a = r_float(r_bits(x) & 0x7fffffff);
	real z = x * x;
	real p = z * R(0.002292744815349579) - R(0.008343945257365704);
	p = p * z + R(0.02176891826093197);
	p = p * z - R(0.053959257900714874);
	p = p * z + R(0.13333304226398468);
	p = p * z - R(0.3333333432674408);
	real small = x + x * z * p;
	real big = R(1.0) - R(2.0) / (e + R(1.0));
	big = r_float(r_bits(big) | (r_bits(x) & ~0x7fffffff));
	return r_where(a < R(0.625), small, big);
}
CELL_FN real r_twice(real x) /* 2|x| */
{
	real a = r_float(r_bits(x) & 0x7fffffff);
	return a + a;
}
CELL_FN real r_tanh(real x) { return r_tanh_by(x, r_exp(r_twice(x))); }

/* r_log1p returns log(1 + x) for sqrt(1/2) <= 1 + x <= sqrt(2): x - x^2/2 + x^3 q(x), q of
 * degree 7 fitted in the Chebyshev sense (relative error 6e-9). */
CELL_FN real r_log1p(real x)
{
	real z = x * x;
	real q = R(0.12761570513248444) - x * R(0.0763448178768158);
	q = q * x - R(0.13160185515880585);
	q = q * x + R(0.14201758801937103);
	q = q * x - R(0.16623356938362122);
	q = q * x + R(0.20001226663589478);
	q = q * x - R(0.2500081956386566);
	q = q * x + R(0.3333333134651184);
	return x + (x * z * q - R(0.5) * z);
}

/* r_softplus returns log(1 + exp(x)) = max(0, x) + log(1 + u), u = exp(-|x|); where u is large,
 * log(1 + u) = ln2 + log(1 + (u - 1)/2). */
CELL_FN real r_softplus(real x)
{
	real u = r_exp(-r_float(r_bits(x) & 0x7fffffff)), zero = r_splat(0); /* NaN where x is */
	real large = u - R(0.41421354);
	real w = r_where(large > zero, R(0.5) * (u - R(1.0)), u);
	return r_where(x > zero, x, zero) + (r_positive(large, r_splat(R(0.6931471805599453))) + r_log1p(w));
}

/* r_pow returns x^p, |p| <= 8, for normal x > 0, x for Inf, NaN for NaN and -Inf and 0 for all other
 * numbers. With x = 2^k m and
 * m in [sqrt(1/2), sqrt(2)) it is 2^n exp(ln2 (p k - n) + p log(m)), n the integer next to p k.
 * The first 12 bits of p times k are exact, so that p k - n keeps its digits. */
CELL_FN real r_pow(real x, elem p)
{
	real all = r_splat(p), high = r_float(r_bits(all) & ~0xfff);
	bits e = (r_bits(x) - 0x3f3504f3) >> 23;
	real m = r_float(r_bits(x) - (e << 23));
	real k = r_float(e + 0x4b400000) - R(12582912.0);
	real n = high * k + R(12582912.0) - R(12582912.0);
	real rest = high * k - n + (all - high) * k;
	real y = r_exp(rest * R(0.6931471805599453) + all * r_log1p(m - R(1.0)));
	n = r_where(n > R(252.0), r_splat(R(252.0)), n); /* twice 2^126: y is infinite or 0 beyond */
	n = r_where(n < R(-252.0), r_splat(R(-252.0)), n);
	bits w = r_bits(n + R(12582912.0)) - 0x4b400000, half = w >> 1;
	y = y * r_float((half + 127) << 23) * r_float((w - half + 127) << 23);
	y = r_where(x >= R(1.17549435e-38), y, x - x);
	return r_where(x <= R(3.40282347e38), y, x);
}

#endif

/* r_sigmoid returns 1/(1+exp(-x)). */
CELL_FN real r_sigmoid(real x) { return R(1.0) / (R(1.0) + r_exp(-x)); }

/* r_relu returns max(0, x), and NaN for -Inf as for NaN. */
CELL_FN real r_relu(real x) { return r_positive(x, x); }

#endif
