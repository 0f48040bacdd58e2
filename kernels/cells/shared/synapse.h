/* synapse.h - the synaptic filter that the charged cells share.
 *
 * Two traces p, q per conductance, driven by u = U x_t, one linear recurrence for all kernels:
 *
 *   p' = pp p + pq q + pu u,   q' = qq q + qu u,   x = max(0, xp p' + xq q') or without max
 *
 *   ema            p' = p + a_s (u - p)                    x = p'
 *   ema_diff       both traces, a_s and a_l                x = p' - q'
 *   ema_diff_relu  the same                                x = max(0, p' - q')
 *   alpha          q' = d q + u, p' = d (p + q)            x = p'      kernel t exp(-t/tau)
 *   dualexp        p' = d_s p + u, q' = d_l q + u          x = k (q' - p')
 *
 * a = 1 - exp(-1/tau), d = exp(-1/tau), k = tau_l tau_s / (tau_l - tau_s), tau in time steps.
 *
 * A step of length t, at whose end its input arrives as events, has pp^t, qq^t and, for alpha,
 * pq = t pp^t in place of pp, qq, pq; lp and lq are ln pp and ln qq (syn_over).
 * Source: notes on the charged RNN, eqs 3-5.
 */
#ifndef GALVANI_SYNAPSE_H
#define GALVANI_SYNAPSE_H

#include "real.h"

/* the kernels, and the coefficients of one */
enum { SYN_EMA, SYN_EMA_DIFF, SYN_EMA_DIFF_RELU, SYN_ALPHA, SYN_DUALEXP };
enum { SYN_PP, SYN_PQ, SYN_PU, SYN_QQ, SYN_QU, SYN_XP, SYN_XQ, SYN_COEFS, SYN_LP = SYN_COEFS, SYN_LQ, SYN_ALL };

/* syn_step advances the traces and returns the synaptic conductance x. */
CELL_FN real syn_step(const real *k, int rect, real u, real p, real q, real *p1, real *q1)
{
	*p1 = k[SYN_PP] * p + k[SYN_PQ] * q + k[SYN_PU] * u;
	*q1 = k[SYN_QQ] * q + k[SYN_QU] * u;
	real x = k[SYN_XP] * *p1 + k[SYN_XQ] * *q1;
	return rect ? r_relu(x) : x;
}

/* is_regular tells whether a step of length t is of length 1: t is 0 where all are. */
CELL_FN int is_regular(elem t)
{
	return t == 0 || t == 1;
}

/* syn_over makes the coefficients e of a step of length t. alpha is 1 for the kernel of that name. */
CELL_FN void syn_over(const real *k, int alpha, elem t, real *e)
{
	for (int i = 0; i < SYN_COEFS; i++)
		e[i] = k[i];
	if (is_regular(t))
		return;
	e[SYN_PP] = r_exp(t * k[SYN_LP]);
	e[SYN_QQ] = r_exp(t * k[SYN_LQ]);
	if (alpha)
		e[SYN_PQ] = t * e[SYN_PP];
}

/* syn_over_adjoint adds to gk what the gradients ge of the coefficients of a step that is not regular
 * make of it. */
CELL_FN void syn_over_adjoint(int alpha, elem t, const real *e, const real *ge, real *gk)
{
	gk[SYN_PU] += ge[SYN_PU];
	gk[SYN_QU] += ge[SYN_QU];
	gk[SYN_XP] += ge[SYN_XP];
	gk[SYN_XQ] += ge[SYN_XQ];
	real gpp = ge[SYN_PP];
	if (alpha)
		gpp += t * ge[SYN_PQ];
	gk[SYN_LP] += t * gpp * e[SYN_PP];
	gk[SYN_LQ] += t * ge[SYN_QQ] * e[SYN_QQ];
}

/* syn_value returns x for traces that are already advanced. */
CELL_FN real syn_value(const real *k, int rect, real p1, real q1)
{
	real x = k[SYN_XP] * p1 + k[SYN_XQ] * q1;
	return rect ? r_relu(x) : x;
}

/* syn_adjoint takes the gradient gx of x and gp1, gq1 of the new traces; it returns those of
 * u, p, q, and of the coefficients where gk is not null (added). */
CELL_FN void syn_adjoint(const real *k, int rect, real u, real p, real q, real p1, real q1,
			 real gx, real gp1, real gq1, real *gu, real *gp, real *gq, real *gk)
{
	if (rect)
		gx = r_positive(k[SYN_XP] * p1 + k[SYN_XQ] * q1, gx);
	gp1 += gx * k[SYN_XP];
	gq1 += gx * k[SYN_XQ];
	*gu = gp1 * k[SYN_PU] + gq1 * k[SYN_QU];
	*gp = gp1 * k[SYN_PP];
	*gq = gp1 * k[SYN_PQ] + gq1 * k[SYN_QQ];
	if (gk) {
		gk[SYN_PP] += gp1 * p;
		gk[SYN_PQ] += gp1 * q;
		gk[SYN_PU] += gp1 * u;
		gk[SYN_QQ] += gq1 * q;
		gk[SYN_QU] += gq1 * u;
		gk[SYN_XP] += gx * p1;
		gk[SYN_XQ] += gx * q1;
	}
}

#endif
