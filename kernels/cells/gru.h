/* gru.h - gated recurrent unit, gates r, z, n as in torch.nn.GRU.
 *
 *   r, z = sigmoid(a_r), sigmoid(a_z)
 *   n = tanh(W_in x + b_in + r (W_hn h + b_hn)),  h' = (1 - z) n + z h
 *
 * Drives: 0 a_r, 1 a_z, 2 W_in x, 3 W_hn h. Raw planes: bias_ih (r, z, n), bias_hh (r, z, n).
 * Source: Cho et al. (2014), arXiv 1406.1078.
 */
#include "shared/cell.h"

#define gru_PLANES(X) \
	X(h, "1", "the output")

#define gru_RAWS(X) \
	X(b_ih_r, "1", -1, 1, "bias of the input weights of gate r") \
	X(b_ih_z, "1", -1, 1, "bias of the input weights of gate z") \
	X(b_ih_n, "1", -1, 1, "bias of the input weights of gate n") \
	X(b_hh_r, "1", -1, 1, "bias of the recurrent weights of gate r") \
	X(b_hh_z, "1", -1, 1, "bias of the recurrent weights of gate z") \
	X(b_hh_n, "1", -1, 1, "bias of the recurrent weights of gate n")

#define gru_CONSTS(X)

#define gru_STATES CELL_ROWS(gru_PLANES)
#define gru_IN 3
#define gru_REC 3
#define gru_REC_PLANE(g) ((g) == 2 ? 3 : (g))
#define gru_DRIVES 4
#define gru_AXIAL -1
#define gru_VECS CELL_ROWS(gru_RAWS)
#define gru_PREP 4
#define gru_ELAPSED -1
#define gru_FIRST gru_PREP
#define gru_USES_IN 1
#define gru_USES_REC 1

CELL_FN void gru_prepare(const double *c, const double *raw, double *prep)
{
	(void)c;
	prep[0] = raw[0] + raw[3];
	prep[1] = raw[1] + raw[4];
	prep[2] = raw[2];
	prep[3] = raw[5];
}

CELL_FN void gru_prepare_adjoint(const double *c, const double *raw, const double *prep,
				 const double *gprep, double *graw)
{
	(void)c, (void)raw, (void)prep;
	graw[0] = graw[3] = gprep[0];
	graw[1] = graw[4] = gprep[1];
	graw[2] = gprep[2];
	graw[5] = gprep[3];
}

CELL_FN void gru_step(const elem *c, const real *p, const real *d, const real *s, real *o)
{
	(void)c;
	real r = r_sigmoid(d[0] + p[0]);
	real z = r_sigmoid(d[1] + p[1]);
	real n = r_tanh(d[2] + p[2] + r * (d[3] + p[3]));
	o[0] = n + z * (s[0] - n);
}

CELL_FN void gru_adjoint(const elem *c, const real *p, const real *d, const real *s, const real *o,
			 const real *go, real *gs, real *gd, real *gp, int learn)
{
	(void)c, (void)o;
	real r = r_sigmoid(d[0] + p[0]);
	real z = r_sigmoid(d[1] + p[1]);
	real m = d[3] + p[3];
	real n = r_tanh(d[2] + p[2] + r * m);
	real gn = go[0] * (R(1.0) - z) * (R(1.0) - n * n);
	gd[0] = gn * m * r * (R(1.0) - r);
	gd[1] = go[0] * (s[0] - n) * z * (R(1.0) - z);
	gd[2] = gn;
	gd[3] = gn * r;
	gs[0] = go[0] * z;
	if (learn)
		for (int k = 0; k < 4; k++)
			gp[k] += gd[k];
}
