/* cond_ei.h - cond.h with Dale's law, from sums over E and over I units: one pass over the weights
 * gives both the current and the conductance.
 *
 *   p_E = |W| r over E units, p_I = |W| r over I units
 *   u = p_E - p_I + P x + b, z = s phi(A_E p_E + A_I p_I + |P| x + G_b); r', v' of
 *   shared/conductance.h
 *
 * Drives: 0 P x, 1 |P| x, 2 p_E, 3 p_I. Raw and prepared planes: b, G_b, A_E, A_I.
 * Consts: those of conductance.h.
 * Source: notes on conductance-based networks, varying conductance and Dale's law.
 */
#include "shared/cell.h"
#include "shared/conductance.h"

#define cond_ei_PLANES(X) \
	X(r, "1", "rate, the output: h of a trace is r") \
	X(V, "1", "voltage relative to the reversal potential of the leak")

#define cond_ei_RAWS(X) \
	X(b, "1", -1, 1, "offset of the current") \
	X(G_b, "1", -1, 1, "offset of the leak") \
	X(A_E, "1", -1, 1, "gain of the E current in the leak") \
	X(A_I, "1", -1, 1, "gain of the I current in the leak")

#define cond_ei_CONSTS(X) \
	X(form, 0, 2, "0 implicit, 1 explicit, 2 convex") \
	X(f, 0, 3, "0 tanh, 1 relu, 2 sigmoid, 3 softplus") \
	X(dynamics, 0, 1, "0 voltage, 1 rate") \
	X(dt, 0.2, 0.3, "length of a step") \
	X(s, 0.7, 1.2, "scale of the leak") \
	X(phi, 0, 1, "0 sigmoid, 1 softplus")

#define cond_ei_STATES CELL_ROWS(cond_ei_PLANES)
#define cond_ei_IN 2
#define cond_ei_REC 2
#define cond_ei_REC_PLANE(g) (2 + (g))
#define cond_ei_DRIVES 4
#define cond_ei_AXIAL -1
#define cond_ei_VECS CELL_ROWS(cond_ei_RAWS)
#define cond_ei_PREP 4
#define cond_ei_ELAPSED -1
#define cond_ei_FIRST 1
#define cond_ei_USES_IN 1
#define cond_ei_USES_REC 1

CELL_FN void cond_ei_prepare(const double *c, const double *raw, double *prep)
{
	(void)c;
	for (int k = 0; k < 4; k++)
		prep[k] = raw[k];
}

CELL_FN void cond_ei_prepare_adjoint(const double *c, const double *raw, const double *prep, const double *gprep,
				     double *graw)
{
	(void)c, (void)raw, (void)prep;
	for (int k = 0; k < 4; k++)
		graw[k] = gprep[k];
}

/* cond_ei_drives returns the current, and in a what the gate takes in. */
CELL_FN real cond_ei_drives(const real *p, const real *d, real *a)
{
	*a = d[1] + p[1] + p[2] * d[2] + p[3] * d[3];
	return d[0] + p[0] + (d[2] - d[3]);
}

CELL_FN void cond_ei_step(const elem *c, const real *p, const real *d, const real *s, real *o)
{
	real slope, a, u = cond_ei_drives(p, d, &a);
	cond_point(c, u, cond_gate(c, a, &slope), s[1], o);
}

CELL_FN void cond_ei_adjoint(const elem *c, const real *p, const real *d, const real *s, const real *o,
			     const real *go, real *gs, real *gd, real *gp, int learn)
{
	real slope, a, gz, u = cond_ei_drives(p, d, &a), z = cond_gate(c, a, &slope);
	cond_point_adjoint(c, u, z, s[1], o, go, &gs[1], &gd[0], &gz);
	gd[1] = gz * slope;
	gd[2] = gd[0] + p[2] * gd[1];
	gd[3] = p[3] * gd[1] - gd[0];
	gs[0] = r_splat(0);
	if (learn)
		gp[0] += gd[0];
	if (learn > 1) {
		gp[1] += gd[1];
		gp[2] += gd[1] * d[2];
		gp[3] += gd[1] * d[3];
	}
}
