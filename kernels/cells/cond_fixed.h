/* cond_fixed.h - units with a leak conductance of their own: z = dt sigmoid(G_b).
 *
 *   u = W r + P x + b; r', v' of shared/conductance.h
 *
 * Drive 0: all products. Raw planes: b, G_b. Prepared planes: b, z. Consts: those of conductance.h.
 * Source: notes on conductance-based networks, fixed conductance.
 */
#include "shared/cell.h"
#include "shared/conductance.h"

#define cond_fixed_PLANES(X) \
	X(r, "1", "rate, the output: h of a trace is r") \
	X(V, "1", "voltage relative to the reversal potential of the leak")

#define cond_fixed_RAWS(X) \
	X(b, "1", -1, 1, "offset of the current") \
	X(G_b, "1", -1, 1, "offset of the leak")

#define cond_fixed_CONSTS(X) \
	X(form, 0, 2, "0 implicit, 1 explicit, 2 convex") \
	X(f, 0, 3, "0 tanh, 1 relu, 2 sigmoid, 3 softplus") \
	X(dynamics, 0, 1, "0 voltage, 1 rate") \
	X(dt, 0.2, 0.3, "length of a step")

#define cond_fixed_STATES CELL_ROWS(cond_fixed_PLANES)
#define cond_fixed_IN 1
#define cond_fixed_REC 1
#define cond_fixed_REC_PLANE(g) 0
#define cond_fixed_DRIVES 1
#define cond_fixed_AXIAL -1
#define cond_fixed_VECS CELL_ROWS(cond_fixed_RAWS)
#define cond_fixed_PREP 2
#define cond_fixed_ELAPSED -1
#define cond_fixed_FIRST 1
#define cond_fixed_USES_IN 1
#define cond_fixed_USES_REC 1

CELL_FN void cond_fixed_prepare(const double *c, const double *raw, double *prep)
{
	prep[0] = raw[0];
	prep[1] = c[COND_DT] * cond_logistic(raw[1]);
}

CELL_FN void cond_fixed_prepare_adjoint(const double *c, const double *raw, const double *prep, const double *gprep,
					double *graw)
{
	(void)c;
	graw[0] = gprep[0];
	graw[1] = gprep[1] * prep[1] * (1 - cond_logistic(raw[1]));
}

CELL_FN void cond_fixed_step(const elem *c, const real *p, const real *d, const real *s, real *o)
{
	cond_point(c, d[0] + p[0], p[1], s[1], o);
}

CELL_FN void cond_fixed_adjoint(const elem *c, const real *p, const real *d, const real *s, const real *o,
				const real *go, real *gs, real *gd, real *gp, int learn)
{
	real gz;
	cond_point_adjoint(c, d[0] + p[0], p[1], s[1], o, go, &gs[1], &gd[0], &gz);
	gs[0] = r_splat(0);
	if (learn)
		gp[0] += gd[0];
	if (learn > 1)
		gp[1] += gz;
}
