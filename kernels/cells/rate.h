/* rate.h - rate units with a synaptic and a membrane time constant.
 *
 *   I' = (1 - alpha_s) I + alpha_s (W r + U x + b)
 *   r' = (1 - alpha_r) r + alpha_r f(I')
 *
 * f is tanh, max(0, .), sigmoid, softplus, gain max(0, . - threshold)^exponent or the identity.
 * alpha = dt/tau, of which the parameter is that of shared/tau.h.
 * States: r, I. Drive 0: all products. Raw planes: b, the parameters of alpha_s and alpha_r.
 * Prepared planes: b, alpha_s, alpha_r.
 * Consts: f (shared/transfer.h; 4 power, 5 linear), dt, form of alpha_s and
 * of alpha_r (0 tau, 1 softplus, 2 sigmoid), gain, threshold, exponent.
 * Source: Quax, D'Asaro and van Gerven (2020), Scientific Reports 10:11360.
 */
#include "shared/cell.h"
#include "shared/tau.h"
#include "shared/transfer.h"

enum { RATE_B, RATE_S, RATE_R };
enum { RATE_F, RATE_DT, RATE_FORM, RATE_GAIN = 4, RATE_THRESHOLD, RATE_EXPONENT };
enum { RATE_POWER = 4 }; /* the function that transfer.h has not */

#define rate_PLANES(X) \
	X(r, "1 or Hz", "rate, the output: h of a trace is r") \
	X(I, "1 or mV", "synaptic current")

#define rate_RAWS(X) \
	X(b, "1", -1, 1, "offset of the current") \
	X(s, "1", 1.2, 4.2, "alpha_s in its form") \
	X(r, "1", 1.2, 4.2, "alpha_r in its form")

#define rate_CONSTS(X) \
	X(f, 0, 5, "0 tanh, 1 relu, 2 sigmoid, 3 softplus, 4 power, 5 linear") \
	X(dt, 0.7, 0.7, "length of a step") \
	X(form_s, 0, 2, "0 tau, 1 softplus, 2 sigmoid") \
	X(form_r, 0, 2, "0 tau, 1 softplus, 2 sigmoid") \
	X(gain, 0.2, 0.3, "of the power") \
	X(threshold, -0.5, 0, "of the power") \
	X(exponent, 2.2, 3, "of the power")

#define rate_STATES CELL_ROWS(rate_PLANES)
#define rate_IN 1
#define rate_REC 1
#define rate_REC_PLANE(g) 0
#define rate_DRIVES 1
#define rate_AXIAL -1
#define rate_VECS CELL_ROWS(rate_RAWS)
#define rate_PREP 3
#define rate_ELAPSED -1
#define rate_FIRST 1
#define rate_USES_IN 1
#define rate_USES_REC 1

CELL_FN void rate_prepare(const double *c, const double *raw, double *prep)
{
	prep[RATE_B] = raw[RATE_B];
	for (int k = RATE_S; k <= RATE_R; k++)
		prep[k] = tau_alpha((int)c[RATE_FORM + k - RATE_S], c[RATE_DT], raw[k]);
}

CELL_FN void rate_prepare_adjoint(const double *c, const double *raw, const double *prep,
				  const double *gprep, double *graw)
{
	graw[RATE_B] = gprep[RATE_B];
	for (int k = RATE_S; k <= RATE_R; k++)
		graw[k] = gprep[k] * tau_slope((int)c[RATE_FORM + k - RATE_S], c[RATE_DT], raw[k], prep[k]);
}

CELL_FN real rate_f(const elem *c, real i)
{
	return c[RATE_F] == RATE_POWER ? c[RATE_GAIN] * r_pow(i - c[RATE_THRESHOLD], c[RATE_EXPONENT])
				       : transfer((int)c[RATE_F], i);
}

/* rate_gain returns f'(i) given y = f(i). */
CELL_FN real rate_gain(const elem *c, real i, real y)
{
	return c[RATE_F] == RATE_POWER ? r_positive(y, c[RATE_EXPONENT] * y / (i - c[RATE_THRESHOLD]))
				       : transfer_slope((int)c[RATE_F], i, y);
}

CELL_FN void rate_step(const elem *c, const real *p, const real *d, const real *s, real *o)
{
	o[1] = (R(1.0) - p[RATE_S]) * s[1] + p[RATE_S] * (d[0] + p[RATE_B]);
	o[0] = (R(1.0) - p[RATE_R]) * s[0] + p[RATE_R] * rate_f(c, o[1]);
}

/* With alpha_r = 1 the rate is f(I') as the forward pass had it; the I' of a replay is summed in
 * another order. So the gradients too are those of rnn.h where both alpha are 1. */
CELL_FN void rate_adjoint(const elem *c, const real *p, const real *d, const real *s, const real *o,
			  const real *go, real *gs, real *gd, real *gp, int learn)
{
	real y = r_where(p[RATE_R] < R(1.0), rate_f(c, o[1]), o[0]);
	real gi = go[1] + p[RATE_R] * go[0] * rate_gain(c, o[1], y);
	gd[0] = p[RATE_S] * gi;
	gs[0] = (R(1.0) - p[RATE_R]) * go[0];
	gs[1] = (R(1.0) - p[RATE_S]) * gi;
	if (!learn)
		return;
	gp[RATE_B] += gd[0];
	if (learn == 1)
		return;
	gp[RATE_S] += gi * (d[0] + p[RATE_B] - s[1]);
	gp[RATE_R] += go[0] * (y - s[0]);
}
