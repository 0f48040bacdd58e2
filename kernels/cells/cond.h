/* cond.h - units whose leak conductance follows the network: z = s phi(d_1 + G_b).
 *
 *   u = W r + P x + b; r', v' of shared/conductance.h
 *
 * Drives: 0 W r + P x, 1 the same products with matrices of their own: |W| A r + |P| x, or
 * W_z r + P_z x. Raw and prepared planes: b, G_b.
 * Consts: those of conductance.h.
 * Source: notes on conductance-based networks, varying conductance and simple GRU.
 */
#include "shared/cell.h"
#include "shared/conductance.h"

#define cond_PLANES(X) \
	X(r, "1", "rate, the output: h of a trace is r") \
	X(V, "1", "voltage relative to the reversal potential of the leak")

#define cond_RAWS(X) \
	X(b, "1", -1, 1, "offset of the current") \
	X(G_b, "1", -1, 1, "offset of the leak")

#define cond_CONSTS(X) \
	X(form, 0, 2, "0 implicit, 1 explicit, 2 convex") \
	X(f, 0, 3, "0 tanh, 1 relu, 2 sigmoid, 3 softplus") \
	X(dynamics, 0, 1, "0 voltage, 1 rate") \
	X(dt, 0.2, 0.3, "length of a step") \
	X(s, 0.7, 1.2, "scale of the leak") \
	X(phi, 0, 1, "0 sigmoid, 1 softplus")

#define cond_STATES CELL_ROWS(cond_PLANES)
#define cond_IN 2
#define cond_REC 2
#define cond_REC_PLANE(g) (g)
#define cond_DRIVES 2
#define cond_AXIAL -1
#define cond_VECS CELL_ROWS(cond_RAWS)
#define cond_PREP 2
#define cond_ELAPSED -1
#define cond_FIRST 1
#define cond_USES_IN 1
#define cond_USES_REC 1

CELL_FN void cond_prepare(const double *c, const double *raw, double *prep)
{
	(void)c;
	prep[0] = raw[0];
	prep[1] = raw[1];
}

CELL_FN void cond_prepare_adjoint(const double *c, const double *raw, const double *prep, const double *gprep,
				  double *graw)
{
	(void)c, (void)raw, (void)prep;
	graw[0] = gprep[0];
	graw[1] = gprep[1];
}

CELL_FN void cond_step(const elem *c, const real *p, const real *d, const real *s, real *o)
{
	real slope;
	cond_point(c, d[0] + p[0], cond_gate(c, d[1] + p[1], &slope), s[1], o);
}

CELL_FN void cond_adjoint(const elem *c, const real *p, const real *d, const real *s, const real *o, const real *go,
			  real *gs, real *gd, real *gp, int learn)
{
	real slope, gz, z = cond_gate(c, d[1] + p[1], &slope);
	cond_point_adjoint(c, d[0] + p[0], z, s[1], o, go, &gs[1], &gd[0], &gz);
	gd[1] = gz * slope;
	gs[0] = r_splat(0);
	if (learn)
		gp[0] += gd[0];
	if (learn > 1)
		gp[1] += gd[1];
}
