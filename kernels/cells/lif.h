/* lif.h - leaky integrate-and-fire units with a synaptic current and a threshold that may adapt.
 *
 *   a' = rho a + (1 - rho) z
 *   I' = alpha I + W z + U x + b
 *   V' = beta R(V, z) + (1 - beta) I',  R = V - z (theta + kappa a) or V + z (V_re - V)
 *   z' = 1 where V' > theta + kappa a' and the refractory time is over, else 0
 *
 * alpha, beta, rho = exp(-dt/tau). What stands for the derivative of a spike is the slope at
 * v = V' - theta - kappa a': height times 1/(1 + k|v|)^2, max(0, 1 - k|v|) or 1/(1 + (k v)^2). With hard = 0
 * the spike is a function that has this slope (the last has none here), so that the gradient is its
 * derivative, and there is no refractory time.
 * States: z, V, I, a, left. Drive 0: all products. Raw planes: b, the parameters of tau_s, tau_m and tau_a.
 * Prepared planes: b, alpha, beta, rho.
 * Source: Bellec et al. (2018), arXiv:1803.09574; Neftci, Mostafa and Zenke (2019), arXiv:1901.09948.
 */
#include "shared/cell.h"
#include "shared/tau.h"

enum { LIF_B, LIF_S, LIF_M, LIF_A };
enum { LIF_Z, LIF_V, LIF_I, LIF_ADAPT, LIF_LEFT };
enum { LIF_SURROGATE, LIF_HARD, LIF_K, LIF_HEIGHT, LIF_THETA, LIF_KAPPA, LIF_VALUE, LIF_VRE, LIF_REFRACTORY, LIF_DT, LIF_FORM };

#define lif_PLANES(X) \
	X(z, "1", "spike, the output: h of a trace is z") \
	X(V, "1", "membrane potential, in units of the threshold, before the reset") \
	X(I, "1", "synaptic current") \
	X(a, "1", "adaptation of the threshold") \
	X(left, "steps", "steps left of the refractory time")

#define lif_RAWS(X) \
	X(b, "1", -1, 1, "offset of the current") \
	X(s, "1", 1.2, 4.2, "tau_s in its form") \
	X(m, "1", 1.2, 4.2, "tau_m in its form") \
	X(a, "1", 1.2, 4.2, "tau_a in its form")

#define lif_CONSTS(X) \
	X(surrogate, 0, 1, "slope that stands for the derivative: 0 fast-sigmoid, 1 triangle, 2 arctan") \
	X(hard, 0, 0, "1 where spikes are 0 or 1") \
	X(slope, 2, 4, "k: 1/k is the width of the slope") \
	X(height, 0.5, 1, "largest value of the slope") \
	X(theta, 0.2, 1, "threshold at rest") \
	X(kappa, 0, 0.7, "what a adds to the threshold") \
	X(value, 0, 1, "0 reset by subtraction, 1 to a value") \
	X(v_re, -0.3, 0.1, "that value") \
	X(refractory, 0, 2, "steps after a spike without one") \
	X(dt, 0.7, 0.7, "length of a step") \
	X(form_s, 0, 2, "0 tau, 1 softplus, 2 sigmoid") \
	X(form_m, 0, 2, "0 tau, 1 softplus, 2 sigmoid") \
	X(form_a, 0, 2, "0 tau, 1 softplus, 2 sigmoid")

#define lif_STATES CELL_ROWS(lif_PLANES)
#define lif_IN 1
#define lif_REC 1
#define lif_REC_PLANE(g) 0
#define lif_DRIVES 1
#define lif_AXIAL -1
#define lif_VECS CELL_ROWS(lif_RAWS)
#define lif_PREP 4
#define lif_ELAPSED -1
#define lif_FIRST 1
#define lif_USES_IN 1
#define lif_USES_REC 1
#define lif_LEAN /* one number format of products, which decides on spikes; see lean.go */

CELL_FN void lif_prepare(const double *c, const double *raw, double *prep)
{
	prep[LIF_B] = raw[LIF_B];
	for (int k = LIF_S; k <= LIF_A; k++)
		prep[k] = exp(-tau_alpha((int)c[LIF_FORM + k - LIF_S], c[LIF_DT], raw[k]));
}

CELL_FN void lif_prepare_adjoint(const double *c, const double *raw, const double *prep,
				 const double *gprep, double *graw)
{
	graw[LIF_B] = gprep[LIF_B];
	for (int k = LIF_S; k <= LIF_A; k++) {
		int form = (int)c[LIF_FORM + k - LIF_S];
		double alpha = tau_alpha(form, c[LIF_DT], raw[k]);
		graw[k] = -gprep[k] * prep[k] * tau_slope(form, c[LIF_DT], raw[k], alpha);
	}
}

CELL_FN real lif_size(real x) { return r_where(x < r_splat(0), -x, x); }

/* lif_slope returns what stands for dz/dv. */
CELL_FN real lif_slope(const elem *c, real v)
{
	real x = c[LIF_K] * lif_size(v);
	if (c[LIF_SURROGATE] == 0)
		return c[LIF_HEIGHT] / ((R(1.0) + x) * (R(1.0) + x));
	if (c[LIF_SURROGATE] == 1)
		return c[LIF_HEIGHT] * r_positive(R(1.0) - x, R(1.0) - x);
	return c[LIF_HEIGHT] / (R(1.0) + x * x);
}

/* lif_smooth returns the function that has this slope. */
CELL_FN real lif_smooth(const elem *c, real v)
{
	real most = r_splat(R(1.0) / c[LIF_K]), x = lif_size(v), y;
	if (c[LIF_SURROGATE] == 0) {
		y = v / (R(1.0) + c[LIF_K] * x);
	} else {
		real in = r_where(x > most, most, x); /* NaN where x is */
		y = in - R(0.5) * c[LIF_K] * in * in;
		y = r_where(v < r_splat(0), -y, y);
	}
	return R(0.5) + c[LIF_HEIGHT] * y;
}

/* lif_reset returns R(V, z) for the old state. */
CELL_FN real lif_reset(const elem *c, const real *s)
{
	if (c[LIF_VALUE] != 0)
		return s[LIF_V] + s[LIF_Z] * (c[LIF_VRE] - s[LIF_V]);
	return s[LIF_V] - s[LIF_Z] * (c[LIF_THETA] + c[LIF_KAPPA] * s[LIF_ADAPT]);
}

CELL_FN void lif_step(const elem *c, const real *p, const real *d, const real *s, real *o)
{
	real zero = r_splat(0), left = s[LIF_LEFT] - R(1.0);
	left = r_where(left > zero, left, zero);
	o[LIF_ADAPT] = p[LIF_A] * s[LIF_ADAPT] + (R(1.0) - p[LIF_A]) * s[LIF_Z];
	o[LIF_I] = p[LIF_S] * s[LIF_I] + (d[0] + p[LIF_B]);
	o[LIF_V] = p[LIF_M] * lif_reset(c, s) + (R(1.0) - p[LIF_M]) * o[LIF_I];
	real v = o[LIF_V] - (c[LIF_THETA] + c[LIF_KAPPA] * o[LIF_ADAPT]);
	if (c[LIF_HARD] == 0) {
		o[LIF_Z] = lif_smooth(c, v);
		o[LIF_LEFT] = left;
		return;
	}
	real z = r_where(v > zero, r_splat(R(1.0)), v - v); /* NaN where v is */
	o[LIF_Z] = r_where(s[LIF_LEFT] > zero, v - v, z);
	o[LIF_LEFT] = r_where(o[LIF_Z] > zero, r_splat(c[LIF_REFRACTORY]), left);
}

CELL_FN void lif_adjoint(const elem *c, const real *p, const real *d, const real *s, const real *o,
			 const real *go, real *gs, real *gd, real *gp, int learn)
{
	(void)d;
	real zero = r_splat(0), slope = lif_slope(c, o[LIF_V] - (c[LIF_THETA] + c[LIF_KAPPA] * o[LIF_ADAPT]));
	if (c[LIF_HARD] != 0)
		slope = r_where(s[LIF_LEFT] > zero, zero, slope);
	real gx = go[LIF_Z] * slope;
	real gv = go[LIF_V] + gx;
	real ga = go[LIF_ADAPT] - c[LIF_KAPPA] * gx;
	real gi = go[LIF_I] + (R(1.0) - p[LIF_M]) * gv;
	real g0 = p[LIF_M] * gv; /* of R(V, z) */
	gd[0] = gi;
	gs[LIF_LEFT] = zero;
	gs[LIF_I] = p[LIF_S] * gi;
	gs[LIF_ADAPT] = p[LIF_A] * ga;
	gs[LIF_Z] = (R(1.0) - p[LIF_A]) * ga;
	if (c[LIF_VALUE] != 0) {
		gs[LIF_V] = g0 * (R(1.0) - s[LIF_Z]);
		gs[LIF_Z] += g0 * (c[LIF_VRE] - s[LIF_V]);
	} else {
		gs[LIF_V] = g0;
		gs[LIF_Z] -= g0 * (c[LIF_THETA] + c[LIF_KAPPA] * s[LIF_ADAPT]);
		gs[LIF_ADAPT] -= g0 * c[LIF_KAPPA] * s[LIF_Z];
	}
	if (!learn)
		return;
	gp[LIF_B] += gi;
	if (learn == 1)
		return;
	gp[LIF_S] += gi * s[LIF_I];
	gp[LIF_M] += gv * (lif_reset(c, s) - o[LIF_I]);
	gp[LIF_A] += ga * (s[LIF_ADAPT] - s[LIF_Z]);
}
