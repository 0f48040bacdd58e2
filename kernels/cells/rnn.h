/* rnn.h - Elman network, h' = f(W_ih x + b_ih + W_hh h + b_hh), f = tanh or max(0, .).
 *
 * Consts: 0 activation (0 tanh, 1 relu). Raw planes: b_ih, b_hh. Drive 0: all products.
 * Source: Elman (1990), Cognitive Science 14:179; relu with identity start: Le, Jaitly and
 * Hinton (2015), arXiv 1504.00941.
 */
#include "shared/cell.h"

#define rnn_PLANES(X) \
	X(h, "1", "the output")

#define rnn_RAWS(X) \
	X(b_ih, "1", -1, 1, "bias of the input weights") \
	X(b_hh, "1", -1, 1, "bias of the recurrent weights")

#define rnn_CONSTS(X) \
	X(activation, 0, 1, "0 tanh, 1 relu")

#define rnn_STATES CELL_ROWS(rnn_PLANES)
#define rnn_IN 1
#define rnn_REC 1
#define rnn_REC_PLANE(g) 0
#define rnn_DRIVES 1
#define rnn_AXIAL -1
#define rnn_VECS CELL_ROWS(rnn_RAWS)
#define rnn_PREP 1
#define rnn_ELAPSED -1
#define rnn_FIRST rnn_PREP
#define rnn_USES_IN 0
#define rnn_USES_REC 0

CELL_FN void rnn_prepare(const double *c, const double *raw, double *prep)
{
	(void)c;
	prep[0] = raw[0] + raw[1];
}

CELL_FN void rnn_prepare_adjoint(const double *c, const double *raw, const double *prep,
				 const double *gprep, double *graw)
{
	(void)c, (void)raw, (void)prep;
	graw[0] = graw[1] = gprep[0];
}

CELL_FN void rnn_step(const elem *c, const real *p, const real *d, const real *s, real *o)
{
	(void)s;
	real a = d[0] + p[0];
	o[0] = c[0] != 0 ? r_relu(a) : r_tanh(a);
}

/* The derivative follows from the output alone: 1 - h'^2, or [h' > 0]. */
CELL_FN void rnn_adjoint(const elem *c, const real *p, const real *d, const real *s, const real *o,
			 const real *go, real *gs, real *gd, real *gp, int learn)
{
	(void)p, (void)d, (void)s;
	real g = c[0] != 0 ? r_positive(o[0], go[0]) : go[0] * (R(1.0) - o[0] * o[0]);
	gd[0] = g;
	gs[0] = r_splat(0);
	if (learn)
		gp[0] += g;
}
