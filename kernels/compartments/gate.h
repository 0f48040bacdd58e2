/* gate.h - a gate of an ion channel over one step, and its adjoint.
 *
 * With V held, x goes to x_inf by its exact solution: x' = x_inf + (x - x_inf) D, D = exp(-h/tau), h the
 * length of the step times the speed of the gate. Where tau is 0, D is.
 *
 *   GATE_RATES     x_inf = a/(a+b), 1/tau = a+b; a = A f((V-v) r), b of the same kind
 *   GATE_CONSTANT  x_inf = 1/(1 + exp(-(V-v) r)), tau
 *   GATE_SIGMOID   the same, tau = t0 + A s, s = 1/(1 + exp(-(V-w) l))
 *   GATE_PRODUCT   the same, tau = t0 + A s x_inf
 *   GATE_BELL      the same, tau = t0 + A / (exp((V-w) l) + exp((V-y) m))
 *   GATE_CALCIUM   x_inf = max(0, V-c)/(V+k), tau, with calcium in the place of V
 *
 * f is exp(u), 1/(1 + exp(-u)) or u/(1 - exp(-u)), which is 1 at u = 0. Slopes are given as what they
 * divide by: r = 1/k, and l and m too. Numbers are in the order of package compartments.
 * Source: Hodgkin and Huxley (1952), doi:10.1113/jphysiol.1952.sp004764.
 */
#ifndef GALVANI_GATE_H
#define GALVANI_GATE_H

#include "../cells/shared/real.h"

enum { GATE_RATES, GATE_CONSTANT, GATE_SIGMOID, GATE_PRODUCT, GATE_BELL, GATE_CALCIUM };
enum { FORM_EXP, FORM_SIGMOID, FORM_LINEAR };
enum { GATE_NUMBERS = 8 };

/* gate_least returns the larger of x and a number, gate_most the smaller; NaN stays. */
#if !defined(GALVANI_F64) && defined(__AVX__) && defined(VL) && VL >= 8
CELL_FN real gate_least(real x, elem least)
{
	__asm__("vmaxps %2, %1, %0" : "=v"(x) : "v"(r_splat(least)), "v"(x)); /* x where it is NaN */
	return x;
}
CELL_FN real gate_most(real x, elem most)
{
	__asm__("vminps %2, %1, %0" : "=v"(x) : "v"(r_splat(most)), "v"(x));
	return x;
}
#else
CELL_FN real gate_least(real x, elem least) { return r_where(x < least, r_splat(least), x); }
CELL_FN real gate_most(real x, elem most) { return r_where(x > most, r_splat(most), x); }
#endif

/* gate_exp is exp(x) and gate_rest exp(x) - 1, both to their last digits and for x in a range alone: most
 * of the time of a gate goes into exponentials, of which none needs infinity. They are those of r_exp. */
#if defined(GALVANI_F64)
CELL_FN real gate_exp(real x) { return exp(x); }
CELL_FN real gate_rest(real x) { return expm1(x); }
#else
/* gate_reduce: exp(x) is 2^n (1 + rest), n in the lowest bits of the result. */
CELL_FN real gate_reduce(real x, real *rest)
{
	real t = x * R(1.44269504088896341) + R(12582912.0);
	real n = t - R(12582912.0);
	real r = x - n * R(0.693145751953125) - n * R(1.42860682030941723e-6);
	real q = r * R(0.0013926250394433737) + R(0.00836323294788599);
	q = q * r + R(0.04166655242443085);
	q = q * r + R(0.16666576266288757);
	q = q * r + R(0.5);
	*rest = q * r * r + r;
	return t;
}
CELL_FN real gate_exp(real x)
{
	real rest, t = gate_reduce(gate_most(gate_least(x, R(-87.336544)), R(88.0)), &rest);
	return r_float(r_bits(rest + R(1.0)) + (r_bits(t) << 23));
}
CELL_FN real gate_rest(real x)
{
	real rest, t = gate_reduce(x, &rest), two = r_float((r_bits(t) << 23) + 0x3f800000); /* 2^n */
	return two * rest + (two - R(1.0));
}
#endif

CELL_FN real gate_sigmoid(real x) { return R(1.0) / (R(1.0) + gate_exp(-x)); }

/* gate_all tells whether a mask is set in all lanes, as far as that is quick to see. */
#if defined(GALVANI_F64) || !defined(VL)
#define gate_all(mask) (mask)
#elif VL == 16 && defined(__AVX512F__)
#define gate_all(mask) (__builtin_ia32_ptestmd512((mask), (mask), 0xffff) == 0xffff)
#elif VL == 8 && defined(__AVX__)
#define gate_all(mask) (__builtin_ia32_movmskps256((real)(mask)) == 0xff)
#else
#define gate_all(mask) 0
#endif

/* gate_part returns 1 - exp(-z), the part that a gate goes of its way in a step. Steps are short beside the
 * time constants of gates, so that for 0 <= z <= 1 it is a polynomial (relative error 9e-8). */
CELL_FN real gate_part(real z)
{
#if defined(GALVANI_F64)
	return -expm1(-z);
#else
	real p = R(0.007843533085172827) - z * R(0.0009142905448084743);
	p = p * z - R(0.04142666595407986);
	p = p * z + R(0.16661411514119553);
	p = p * z - R(0.4999961889985677);
	p = p * z * z + z;
	if (gate_all((z >= r_splat(0)) & (z <= R(1.0))))
		return p;
	return r_where((z >= r_splat(0)) & (z <= R(1.0)), p, R(1.0) - gate_exp(-z));
#endif
}

/* A rate is A n/d, with f(u) = n/d. -GATE_REACH is the least u where d grows with -u, and GATE_RATE the largest
 * rate beside such a d: both are so far out that a gate does not notice, and keep products of two d and a
 * rate finite. */
#if defined(GALVANI_F64)
#define GATE_REACH 200.0
#define GATE_RATE 1e80
#define FORM_LEAST 1e-30
#define FORM_NEAR 0.1
#else
#define GATE_REACH 29.0f
#define GATE_RATE 1e12f
#define FORM_LEAST 1e-10f
#define FORM_NEAR 1.0f
#endif

/* form_parts sets n and d of f(u). */
CELL_FN void form_parts(int form, real u, real *n, real *d)
{
	*d = r_splat(1);
	if (form == FORM_EXP) {
		*n = gate_exp(u);
		return;
	}
	u = gate_least(u, -GATE_REACH);
	if (form == FORM_SIGMOID) {
		*n = r_splat(1);
		*d = R(1.0) + gate_exp(-u);
		return;
	}
	/* Near 0 a number with a square that is not 0, of the value 1. */
	*n = r_where((u < FORM_LEAST) & (u > -FORM_LEAST), r_splat(FORM_LEAST), u);
	*d = -gate_rest(-gate_most(*n, R(80.0)));
}

/* form_slope returns the derivative of f = n/d, given 1/d. Where n is small that of FORM_LINEAR is a series,
 * which is right to the last digit up to FORM_NEAR. */
CELL_FN real form_slope(int form, real f, real n, real d, real inverse)
{
	if (form == FORM_EXP)
		return f;
	if (form == FORM_SIGMOID)
		return f * (R(1.0) - f);
	real z = n * n, slope = z * R(2.08767569878681e-7) - R(6.613756613756614e-6);
	slope = slope * z + R(1.984126984126984e-4);
	slope = slope * z - R(5.555555555555556e-3);
	slope = slope * z + R(0.16666666666666667);
	slope = slope * n + R(0.5);
	return r_where(z < FORM_NEAR * FORM_NEAR, slope, inverse * (R(1.0) - f * (R(1.0) - d)));
}

/* gate_tau returns the time constant of a gate that has one, and sets what its slope needs. */
CELL_FN real gate_tau(int kinetics, const real *q, real v, real inf, real *s, real *e, real *o)
{
	*s = *e = *o = inf;
	if (kinetics == GATE_BELL) {
		*e = gate_exp((v - q[4]) * q[5]);
		*o = gate_exp((v - q[6]) * q[7]);
		*s = R(1.0) / (*e + *o);
		return q[2] + q[3] * *s;
	}
	if (kinetics != GATE_SIGMOID && kinetics != GATE_PRODUCT)
		return q[2];
	*s = gate_sigmoid((v - q[4]) * q[5]);
	return kinetics == GATE_PRODUCT ? q[2] + q[3] * *s * inf : q[2] + q[3] * *s;
}

/* What a gate is made of at v. Of GATE_RATES these are n and d of both rates; otherwise x_inf and 1/tau. A
 * device may make those of many gates first, and then what follows from them: exponentials and divisions
 * take long, and wait for each other within a gate alone. */
struct gate_parts {
	real na, nb, da, db;
};

CELL_FN struct gate_parts gate_begin(int kinetics, int fa, int fb, const real *q, real v)
{
	struct gate_parts p;
	if (kinetics == GATE_RATES) {
		form_parts(fa, (v - q[1]) * q[2], &p.na, &p.da);
		form_parts(fb, (v - q[4]) * q[5], &p.nb, &p.db);
		return p;
	}
	real s, e, o;
	p.na = kinetics == GATE_CALCIUM ? r_relu(v - q[0]) / (v + q[1]) : gate_sigmoid((v - q[0]) * q[1]);
	p.nb = R(1.0) / gate_tau(kinetics, q, v, p.na, &s, &e, &o);
	p.da = p.db = r_splat(1);
	return p;
}

/* Rates a and b: a, 1/da, 1/db, a + b and 1/(a + b). */
struct gate_rates {
	real a, ia, ib, rate, time;
};

/* gate_both makes the rates, by one division unless both have a denominator. */
CELL_FN struct gate_rates gate_both(int fa, int fb, const real *q, struct gate_parts p)
{
	struct gate_rates r;
	real one = r_splat(1), a = q[0] * p.na, b = q[3] * p.nb;
	r.ia = r.ib = one;
	if (fa == FORM_EXP && fb == FORM_EXP) {
		r.rate = a + b;
		r.time = one / r.rate;
	} else if (fa == FORM_EXP || fb == FORM_EXP) {
		real d = fa == FORM_EXP ? p.db : p.da, sum, w;
		sum = fa == FORM_EXP ? gate_most(a, GATE_RATE) * d + b : gate_most(b, GATE_RATE) * d + a;
		w = one / (sum * d);
		*(fa == FORM_EXP ? &r.ib : &r.ia) = sum * w;
		r.rate = sum * (sum * w);
		r.time = d * (d * w);
	} else {
		real w = one / (p.da * p.db);
		r.ia = p.db * w;
		r.ib = p.da * w;
		r.rate = a * r.ia + b * r.ib;
		r.time = one / r.rate;
	}
	r.a = a * r.ia;
	return r;
}

/* gate_way returns x_inf, and the part of the way there that a step of length h goes. */
CELL_FN real gate_way(int kinetics, int fa, int fb, const real *q, struct gate_parts p, real h, real *part)
{
	real inf = p.na, rate = p.nb;
	if (kinetics == GATE_RATES) {
		struct gate_rates r = gate_both(fa, fb, q, p);
		inf = r.a * r.time;
		rate = r.rate;
	}
	*part = gate_part(h * rate);
	return inf;
}

/* gate_end returns x after a step of length h. */
CELL_FN real gate_end(int kinetics, int fa, int fb, const real *q, struct gate_parts p, real h, real x)
{
	real part, inf = gate_way(kinetics, fa, fb, q, p, h, &part);
	return x + (inf - x) * part;
}

/* gate_adjoint takes the gradient gx of x after the step, and of GATE_RATES what gate_begin made. It returns that of x before it, adds that of
 * v to gv, and those of the numbers to gq where it is not null. */
CELL_FN real gate_adjoint(int kinetics, int fa, int fb, const real *q, struct gate_parts p, real h, real v, real x, real gx, real *gv, real *gq)
{
	if (kinetics == GATE_RATES) {
		struct gate_rates r = gate_both(fa, fb, q, p);
		real ua = v - q[1], ub = v - q[4], f = p.na * r.ia, k = p.nb * r.ib, inf = r.a * r.time, part = gate_part(h * r.rate), d = R(1.0) - part;
		real df = form_slope(fa, f, p.na, p.da, r.ia), dk = form_slope(fb, k, p.nb, p.db, r.ib);
		real ginf = gx * part * r.time, gs = -(h * gx * (x - inf) * d) - ginf * inf, ga = ginf + gs;
		real la = ga * q[0] * df, lb = gs * q[3] * dk;
		*gv += la * q[2] + lb * q[5];
		if (gq) {
			gq[0] += ga * f;
			gq[1] -= la * q[2];
			gq[2] += la * ua;
			gq[3] += gs * k;
			gq[4] -= lb * q[5];
			gq[5] += lb * ub;
		}
		return gx * d;
	}
	real inf, w = v, s, e, o;
	if (kinetics == GATE_CALCIUM) {
		w = R(1.0) / (v + q[1]);
		inf = r_relu(v - q[0]) * w;
	} else {
		inf = gate_sigmoid((v - q[0]) * q[1]);
	}
	real tau = gate_tau(kinetics, q, v, inf, &s, &e, &o), rate = R(1.0) / tau, part = gate_part(h * rate), d = R(1.0) - part;
	real ginf = gx * part;
	real gtau = r_positive(tau, gx * (x - inf) * d * h * rate * rate);
	real gs = gtau * q[kinetics == GATE_CONSTANT || kinetics == GATE_CALCIUM ? 2 : 3];
	if (kinetics == GATE_PRODUCT) {
		ginf += gs * s;
		gs *= inf;
	}
	if (kinetics == GATE_SIGMOID || kinetics == GATE_PRODUCT) {
		real g = gs * s * (R(1.0) - s);
		*gv += g * q[5];
		if (gq) {
			gq[3] += kinetics == GATE_PRODUCT ? gtau * s * inf : gtau * s;
			gq[4] -= g * q[5];
			gq[5] += g * (v - q[4]);
		}
	}
	if (kinetics == GATE_BELL) {
		real g = -gs * s * s, ge = g * e, go = g * o;
		*gv += ge * q[5] + go * q[7];
		if (gq) {
			gq[3] += gtau * s;
			gq[4] -= ge * q[5];
			gq[5] += ge * (v - q[4]);
			gq[6] -= go * q[7];
			gq[7] += go * (v - q[6]);
		}
	}
	if (gq)
		gq[2] += gtau;
	if (kinetics == GATE_CALCIUM) {
		ginf = r_positive(v - q[0], ginf);
		*gv += ginf * (R(1.0) - inf) * w;
		if (gq) {
			gq[0] -= ginf * w;
			gq[1] -= ginf * inf * w;
		}
	} else {
		real g = ginf * inf * (R(1.0) - inf);
		*gv += g * q[1];
		if (gq) {
			gq[0] -= g * q[1];
			gq[1] += g * (v - q[0]);
		}
	}
	return gx * d;
}

#endif
