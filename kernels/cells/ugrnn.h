/* ugrnn.h - update gate recurrent unit: one gate between the old state and a new one.
 *
 *   g = sigmoid(a_g),  c = tanh(a_c),  h' = g h + (1 - g) c,  a = W x + V h + b
 *
 * Drives: 0 a_c, 1 a_g without biases. Raw and prepared planes: b_c, b_g.
 * Source: Collins, Sohl-Dickstein and Sussillo (2017), arXiv 1611.09913.
 */
#include "shared/cell.h"

#define ugrnn_PLANES(X) \
	X(h, "1", "the output")

#define ugrnn_RAWS(X) \
	X(b_c, "1", -1, 1, "bias of the new state") \
	X(b_g, "1", -1, 1, "bias of the gate")

#define ugrnn_CONSTS(X)

#define ugrnn_STATES CELL_ROWS(ugrnn_PLANES)
#define ugrnn_IN 2
#define ugrnn_REC 2
#define ugrnn_REC_PLANE(g) (g)
#define ugrnn_DRIVES 2
#define ugrnn_AXIAL -1
#define ugrnn_VECS CELL_ROWS(ugrnn_RAWS)
#define ugrnn_PREP 2
#define ugrnn_ELAPSED -1
#define ugrnn_FIRST ugrnn_PREP
#define ugrnn_USES_IN 1
#define ugrnn_USES_REC 1
#define ugrnn_LEAN /* its products stay in fp32, which keeps the program small; see lean.go */

CELL_FN void ugrnn_prepare(const double *c, const double *raw, double *prep)
{
	(void)c;
	prep[0] = raw[0];
	prep[1] = raw[1];
}

CELL_FN void ugrnn_prepare_adjoint(const double *c, const double *raw, const double *prep,
				   const double *gprep, double *graw)
{
	(void)c, (void)raw, (void)prep;
	graw[0] = gprep[0];
	graw[1] = gprep[1];
}

CELL_FN void ugrnn_step(const elem *c, const real *p, const real *d, const real *s, real *o)
{
	(void)c;
	real fresh = r_tanh(d[0] + p[0]);
	o[0] = fresh + r_sigmoid(d[1] + p[1]) * (s[0] - fresh);
}

CELL_FN void ugrnn_adjoint(const elem *c, const real *p, const real *d, const real *s, const real *o,
			   const real *go, real *gs, real *gd, real *gp, int learn)
{
	(void)c, (void)o;
	real fresh = r_tanh(d[0] + p[0]);
	real gate = r_sigmoid(d[1] + p[1]);
	gd[0] = go[0] * (R(1.0) - gate) * (R(1.0) - fresh * fresh);
	gd[1] = go[0] * (s[0] - fresh) * gate * (R(1.0) - gate);
	gs[0] = go[0] * gate;
	if (learn)
		for (int k = 0; k < 2; k++)
			gp[k] += gd[k];
}
