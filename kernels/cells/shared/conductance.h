/* conductance.h - one step of a unit whose leak is a conductance: with current u and leak z, both
 * times the step dt where they are rates,
 *
 *   implicit  v' = (v + dt y) / (1 + z)
 *   explicit  v' = v + dt y - z v
 *   convex    v' = v + z (f(u) - v)
 *
 * y is u and the output r' = f(v') with dynamics of the voltage, y is f(u) and r' = v' with
 * dynamics of the rate.
 * States: r, v. Consts: form (0 implicit, 1 explicit, 2 convex), f (transfer.h), dynamics
 * (0 voltage, 1 rate), dt. The ranges that cells give dt, and the scale of a leak that follows the network, are
 * those in which the leak wins over recurrent weights of spectral radius 0.8, also where f has no upper bound.
 */
#ifndef GALVANI_CONDUCTANCE_H
#define GALVANI_CONDUCTANCE_H

#include "transfer.h"

/* constants, of which a cell whose leak is its own has the first four, and their choices */
enum { COND_FORM, COND_F, COND_DYNAMICS, COND_DT, COND_S, COND_PHI };
enum { COND_IMPLICIT, COND_EXPLICIT, COND_CONVEX };
enum { COND_VOLTAGE, COND_RATE };
enum { COND_SIGMOID, COND_SOFTPLUS };

/* cond_input returns y. */
CELL_FN real cond_input(const elem *c, real u)
{
	return c[COND_FORM] == COND_CONVEX || c[COND_DYNAMICS] == COND_RATE ? transfer((int)c[COND_F], u) : u;
}

CELL_FN void cond_point(const elem *c, real u, real z, real v, real *o)
{
	real y = cond_input(c, u);
	if (c[COND_FORM] == COND_IMPLICIT)
		o[1] = (v + c[COND_DT] * y) / (R(1.0) + z);
	else if (c[COND_FORM] == COND_EXPLICIT)
		o[1] = v + (c[COND_DT] * y - z * v);
	else
		o[1] = v + z * (y - v);
	o[0] = c[COND_DYNAMICS] == COND_RATE ? o[1] : transfer((int)c[COND_F], o[1]);
}

/* cond_point_adjoint turns the gradients go of the new state into those of v, u and z. */
CELL_FN void cond_point_adjoint(const elem *c, real u, real z, real v, const real *o, const real *go, real *gv,
				real *gu, real *gz)
{
	real y = cond_input(c, u), g = go[1] + go[0];
	if (c[COND_DYNAMICS] == COND_VOLTAGE)
		g = go[1] + go[0] * transfer_slope((int)c[COND_F], o[1], o[0]);
	if (c[COND_FORM] == COND_IMPLICIT) {
		real inv = R(1.0) / (R(1.0) + z);
		*gv = g * inv;
		*gu = c[COND_DT] * *gv;
		*gz = -(*gv * o[1]);
	} else if (c[COND_FORM] == COND_EXPLICIT) {
		*gv = g - g * z;
		*gu = c[COND_DT] * g;
		*gz = -(g * v);
	} else {
		*gv = g - g * z;
		*gu = g * z;
		*gz = g * (y - v);
	}
	if (c[COND_FORM] == COND_CONVEX || c[COND_DYNAMICS] == COND_RATE)
		*gu *= transfer_slope((int)c[COND_F], u, y);
}

/* cond_gate returns the leak s phi(a) and its derivative. Consts: those above, then s, phi
 * (0 sigmoid, 1 softplus). */
CELL_FN real cond_gate(const elem *c, real a, real *slope)
{
	real y = r_sigmoid(a);
	if (c[COND_PHI] == COND_SOFTPLUS) {
		*slope = c[COND_S] * y;
		return c[COND_S] * r_softplus(a);
	}
	*slope = c[COND_S] * (y * (R(1.0) - y));
	return c[COND_S] * y;
}

CELL_FN double cond_logistic(double x) { return 1 / (1 + exp(-x)); }

#endif
