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

/* gate_exp is r_exp without its care for numbers of 2^-126 and 2^128 and beyond, which it returns for
 * them: a gate adds them to others, and most of its time goes into exponentials. */
#if !defined(GALVANI_F64) && defined(__AVX__) && defined(VL) && VL >= 8
CELL_FN real gate_exp(real x)
{
	real least = r_splat(R(-87.336544)), most = r_splat(R(88.0)), t, n, r, q;
	__asm__("vmaxps %2, %1, %0" : "=v"(x) : "v"(least), "v"(x)); /* x where it is NaN */
	__asm__("vminps %2, %1, %0" : "=v"(x) : "v"(most), "v"(x));
	t = x * R(1.44269504088896341) + R(12582912.0);
	n = t - R(12582912.0);
	r = x - n * R(0.693145751953125) - n * R(1.42860682030941723e-6);
	q = r * R(0.0013926250394433737) + R(0.00836323294788599);
	q = q * r + R(0.04166655242443085);
	q = q * r + R(0.16666576266288757);
	q = q * r + R(0.5);
	return r_float(r_bits(q * r * r + r + R(1.0)) + (r_bits(t) << 23));
}
#else
CELL_FN real gate_exp(real x) { return r_exp(x); }
#endif

CELL_FN real gate_sigmoid(real x) { return R(1.0) / (R(1.0) + gate_exp(-x)); }

/* Up to FORM_NEAR the series of form_linear is right to the last digit, and beyond it the quotient. */
#if defined(GALVANI_F64)
#define FORM_NEAR 0.1
#else
#define FORM_NEAR 1.0f
#endif

/* form_linear sets f = u/(1 - exp(-u)) and its slope. Near 0 they are series, so that neither loses
 * digits there; far below 0 they go to 0 without infinite numbers on the way. */
CELL_FN void form_linear(real u, real *f, real *df)
{
	real a = r_where(u < r_splat(0), -u, u), e = gate_exp(-a), d = R(1.0) - e, z = u * u;
	real near = z * R(2.08767569878681e-8) - R(8.267195767195767e-7);
	near = near * z + R(3.306878306878307e-5);
	near = near * z - R(1.388888888888889e-3);
	near = near * z + R(0.08333333333333333);
	near = near * z + R(0.5) * u + R(1.0);
	real slope = z * R(2.08767569878681e-7) - R(6.613756613756614e-6);
	slope = slope * z + R(1.984126984126984e-4);
	slope = slope * z - R(5.555555555555556e-3);
	slope = slope * z + R(0.16666666666666667);
	slope = slope * u + R(0.5);
	real inner = r_where(a < FORM_NEAR, r_splat(1), d), w = R(1.0) / inner; /* d is not divided by where it is small */
	real up = a * w, down = up * e;
	*f = r_where(a < FORM_NEAR, near, r_where(u < r_splat(0), down, up));
	*df = r_where(a < FORM_NEAR, slope, r_where(u < r_splat(0), e * w * (up - R(1.0)), w * (R(1.0) - down)));
}

/* form_both sets f(u) and its slope. */
CELL_FN void form_both(int form, real u, real *f, real *df)
{
	if (form == FORM_LINEAR) {
		form_linear(u, f, df);
	} else if (form == FORM_SIGMOID) {
		*f = gate_sigmoid(u);
		*df = *f * (R(1.0) - *f);
	} else {
		*f = *df = gate_exp(u);
	}
}

/* form_value returns f(u). */
CELL_FN real form_value(int form, real u)
{
	real f, df;
	form_both(form, u, &f, &df);
	return f;
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

/* gate_step returns x after a step of length h. */
CELL_FN real gate_step(int kinetics, int fa, int fb, const real *q, real h, real v, real x)
{
	real inf, rate, s, e, o;
	if (kinetics == GATE_RATES) {
		real a = q[0] * form_value(fa, (v - q[1]) * q[2]), b = q[3] * form_value(fb, (v - q[4]) * q[5]);
		rate = a + b;
		inf = a / rate;
	} else {
		inf = kinetics == GATE_CALCIUM ? r_relu(v - q[0]) / (v + q[1]) : gate_sigmoid((v - q[0]) * q[1]);
		rate = R(1.0) / gate_tau(kinetics, q, v, inf, &s, &e, &o);
	}
	return inf + (x - inf) * gate_exp(-h * rate);
}

/* gate_adjoint takes the gradient gx of x after the step. It returns that of x before it, adds that of
 * v to gv, and those of the numbers to gq where it is not null. */
CELL_FN real gate_adjoint(int kinetics, int fa, int fb, const real *q, real h, real v, real x, real gx, real *gv, real *gq)
{
	if (kinetics == GATE_RATES) {
		real f, df, k, dk, ua = v - q[1], ub = v - q[4];
		form_both(fa, ua * q[2], &f, &df);
		form_both(fb, ub * q[5], &k, &dk);
		real a = q[0] * f, w = R(1.0) / (a + q[3] * k), inf = a * w, d = gate_exp(-h * (a + q[3] * k));
		real ginf = gx * (R(1.0) - d) * w, gs = -(h * gx * (x - inf) * d) - ginf * inf, ga = ginf + gs;
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
	real tau = gate_tau(kinetics, q, v, inf, &s, &e, &o), rate = R(1.0) / tau, d = gate_exp(-h * rate);
	real ginf = gx * (R(1.0) - d);
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
