/* gates.inc.h - r_sigmoid and r_tanh of real.h for the vectors of x86, with fewer instructions and the
 * same results, bit for bit, while denormal numbers are flushed.
 *
 * The argument of the exponential is clamped to where it neither overflows nor leaves the normal numbers,
 * in place of comparisons and selects behind it: 1/(1 + e) and 1 - 2/(e + 1) are the same there and beyond. The
 * power of two is a factor, which leaves NaN what it is.
 */
#if VL == 8 || VL == 16

#if VL == 8
CELL_FN real least(real a, real b) { return (real)_mm256_min_ps((__m256)a, (__m256)b); }
CELL_FN real most(real a, real b) { return (real)_mm256_max_ps((__m256)a, (__m256)b); }
#else
CELL_FN real least(real a, real b) { return (real)_mm512_min_ps((__m512)a, (__m512)b); }
CELL_FN real most(real a, real b) { return (real)_mm512_max_ps((__m512)a, (__m512)b); }
#endif

/* gate_exp returns exp(x) for -87.336544 <= x, and that of 88.37, next to the largest whose power of two is
 * finite, beyond. */
CELL_FN real gate_exp(real x)
{
	x = least(r_splat(R(88.37)), x); /* of two operands the second is the result where one is NaN */
	real t, near = r_exp_parts(x, &t);
	real power = r_float((r_bits(t) << 23) + 0x3f800000);
	return power * near + power;
}

CELL_FN real gate_sigmoid(real x)
{
	return R(1.0) / (R(1.0) + gate_exp(most(r_splat(R(-87.336544)), -x)));
}

CELL_FN real gate_tanh(real x) { return r_tanh_by(x, gate_exp(r_twice(x))); }

#define r_sigmoid gate_sigmoid
#define r_tanh gate_tanh

#endif
