/* lstm.h - long short-term memory, gates i, f, g, o as in torch.nn.LSTM.
 *
 *   i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o),  g = tanh(a_g)
 *   c' = f c + i g,  h' = o tanh(c')
 *
 * States: h, c. Drives 0..3: a without biases. Raw planes: bias_ih (4), bias_hh (4).
 * Source: Hochreiter and Schmidhuber (1997), Neural Computation 9:1735; forget gate: Gers,
 * Schmidhuber and Cummins (2000), Neural Computation 12:2451.
 */
#include "shared/cell.h"

#define lstm_PLANES(X) \
	X(h, "1", "the output") \
	X(c, "1", "memory")

#define lstm_RAWS(X) \
	X(b_ih_i, "1", -1, 1, "bias of the input weights of gate i") \
	X(b_ih_f, "1", -1, 1, "bias of the input weights of gate f") \
	X(b_ih_g, "1", -1, 1, "bias of the input weights of gate g") \
	X(b_ih_o, "1", -1, 1, "bias of the input weights of gate o") \
	X(b_hh_i, "1", -1, 1, "bias of the recurrent weights of gate i") \
	X(b_hh_f, "1", -1, 1, "bias of the recurrent weights of gate f") \
	X(b_hh_g, "1", -1, 1, "bias of the recurrent weights of gate g") \
	X(b_hh_o, "1", -1, 1, "bias of the recurrent weights of gate o")

#define lstm_CONSTS(X)

#define lstm_STATES CELL_ROWS(lstm_PLANES)
#define lstm_IN 4
#define lstm_REC 4
#define lstm_REC_PLANE(g) (g)
#define lstm_DRIVES 4
#define lstm_AXIAL -1
#define lstm_VECS CELL_ROWS(lstm_RAWS)
#define lstm_PREP 4
#define lstm_ELAPSED -1
#define lstm_FIRST lstm_PREP
#define lstm_USES_IN 1
#define lstm_USES_REC 1

CELL_FN void lstm_prepare(const double *c, const double *raw, double *prep)
{
	(void)c;
	for (int k = 0; k < 4; k++)
		prep[k] = raw[k] + raw[4 + k];
}

CELL_FN void lstm_prepare_adjoint(const double *c, const double *raw, const double *prep,
				  const double *gprep, double *graw)
{
	(void)c, (void)raw, (void)prep;
	for (int k = 0; k < 4; k++)
		graw[k] = graw[4 + k] = gprep[k];
}

CELL_FN void lstm_step(const elem *c, const real *p, const real *d, const real *s, real *o)
{
	(void)c;
	real i = r_sigmoid(d[0] + p[0]);
	real f = r_sigmoid(d[1] + p[1]);
	real g = r_tanh(d[2] + p[2]);
	o[1] = f * s[1] + i * g;
	o[0] = r_sigmoid(d[3] + p[3]) * r_tanh(o[1]);
}

CELL_FN void lstm_adjoint(const elem *c, const real *p, const real *d, const real *s, const real *o,
			  const real *go, real *gs, real *gd, real *gp, int learn)
{
	(void)c;
	real i = r_sigmoid(d[0] + p[0]);
	real f = r_sigmoid(d[1] + p[1]);
	real g = r_tanh(d[2] + p[2]);
	real q = r_sigmoid(d[3] + p[3]);
	real tc = r_tanh(o[1]);
	real gc = go[1] + go[0] * q * (R(1.0) - tc * tc);
	gd[0] = gc * g * i * (R(1.0) - i);
	gd[1] = gc * s[1] * f * (R(1.0) - f);
	gd[2] = gc * i * (R(1.0) - g * g);
	gd[3] = go[0] * tc * q * (R(1.0) - q);
	gs[0] = r_splat(0);
	gs[1] = gc * f;
	if (learn)
		for (int k = 0; k < 4; k++)
			gp[k] += gd[k];
}
