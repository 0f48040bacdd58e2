/* crnn_simple.h - the simplified charged RNN with a learned dense W.
 *
 *   h' = h + dt (-W h - s h x - s sigma+(h) sigma-(h) h + b)
 *   sigma+ = sigmoid(w_m h + b_m),  sigma- = sigmoid(-w_n h - b_n)
 *
 * x is the synaptic conductance (shared/synapse.h); s = 1 is the restoring form, s = -1 the
 * literal one of the notes, which grows without bound. With the ranges of the constants below x stays below
 * 2/dt, beyond which a step of the restoring form is longer than its way to rest.
 * States: h, p, q. Drives: 0 U x, 1 W h. Raw planes: b, w_m, b_m, w_n, b_n.
 * Consts: dt, s, pp, pq, pu, qq, qu, xp, xq, ln pp, ln qq, rectify, alpha, length of the step (0
 * where all are 1).
 * Source: notes on the charged RNN, section 3, second equation.
 */
#include "shared/cell.h"
#include "shared/synapse.h"

/* parameters, raw and prepared */
enum { SIMPLE_B, SIMPLE_WM, SIMPLE_BM, SIMPLE_WN, SIMPLE_BN };
/* constants; from SIMPLE_SYN on the coefficients of shared/synapse.h */
enum { SIMPLE_DT, SIMPLE_SIGN, SIMPLE_SYN, SIMPLE_RECTIFY = SIMPLE_SYN + SYN_ALL, SIMPLE_ALPHA, SIMPLE_ELAPSE };

#define crnn_simple_PLANES(X) \
	X(h, "1", "potential, the output") \
	X(p, "1", "fast synaptic trace") \
	X(q, "1", "slow synaptic trace")

#define crnn_simple_RAWS(X) \
	X(b, "1", -1, 1, "offset") \
	X(w_m, "1", -1, 1, "slope of the activation gate") \
	X(b_m, "1", -1, 1, "offset of the activation gate") \
	X(w_n, "1", -1, 1, "slope of the inactivation gate") \
	X(b_n, "1", -1, 1, "offset of the inactivation gate")

#define crnn_simple_CONSTS(X) \
	X(dt, 0.1, 0.2, "length of a step") \
	X(sign, -1, 1, "-1 literal, 1 restoring") \
	X(pp, 0.6, 0.9, "what p keeps of p") \
	X(pq, 0.1, 0.2, "what p takes of q") \
	X(pu, 0.05, 0.1, "what p takes of the drive") \
	X(qq, 0.6, 0.9, "what q keeps of q") \
	X(qu, 0.05, 0.1, "what q takes of the drive") \
	X(xp, 0.8, 1, "what x takes of p") \
	X(xq, -0.5, 0.5, "what x takes of q") \
	X(lp, -0.51, -0.105, "ln pp") \
	X(lq, -0.51, -0.105, "ln qq") \
	X(rectify, 0, 1, "0 free, 1 rectified") \
	X(alpha, 0, 1, "0 other, 1 alpha") \
	X(elapsed, 0, 1, "length of the step, 0 where all are 1")

#define crnn_simple_UNBOUNDED(X) X(sign, -1) /* h grows with every step */
#define crnn_simple_STATES CELL_ROWS(crnn_simple_PLANES)
#define crnn_simple_IN 1
#define crnn_simple_REC 1
#define crnn_simple_REC_PLANE(g) 1
#define crnn_simple_DRIVES 2
#define crnn_simple_AXIAL -1
#define crnn_simple_VECS CELL_ROWS(crnn_simple_RAWS)
#define crnn_simple_PREP 5
#define crnn_simple_ELAPSED 13
#define crnn_simple_FIRST crnn_simple_PREP
#define crnn_simple_USES_IN 1
#define crnn_simple_USES_REC 0
#define crnn_simple_SEEN 1

CELL_FN void crnn_simple_prepare(const double *c, const double *raw, double *prep)
{
	(void)c;
	for (int k = 0; k < 5; k++)
		prep[k] = raw[k];
}

CELL_FN void crnn_simple_prepare_adjoint(const double *c, const double *raw, const double *prep,
					 const double *gprep, double *graw)
{
	(void)c, (void)raw, (void)prep;
	for (int k = 0; k < 5; k++)
		graw[k] = gprep[k];
}

CELL_FN elem crnn_simple_dt(const elem *c)
{
	return c[SIMPLE_ELAPSE] != 0 ? c[SIMPLE_DT] * c[SIMPLE_ELAPSE] : c[SIMPLE_DT];
}

CELL_FN void crnn_simple_synapse(const elem *c, real *e)
{
	real k[SYN_ALL];
	for (int i = 0; i < SYN_ALL; i++)
		k[i] = r_splat(c[SIMPLE_SYN + i]);
	syn_over(k, c[SIMPLE_ALPHA] != 0, c[SIMPLE_ELAPSE], e);
}

CELL_FN void crnn_simple_step(const elem *c, const real *p, const real *d, const real *s, real *o)
{
	real k[SYN_COEFS];
	crnn_simple_synapse(c, k);
	real h = s[0];
	real x = syn_step(k, c[SIMPLE_RECTIFY] != 0, d[0], s[1], s[2], &o[1], &o[2]);
	real gate = r_sigmoid(p[SIMPLE_WM] * h + p[SIMPLE_BM]) * r_sigmoid(-(p[SIMPLE_WN] * h + p[SIMPLE_BN]));
	o[0] = h + crnn_simple_dt(c) * (p[SIMPLE_B] - d[1] - c[SIMPLE_SIGN] * (h * (x + gate)));
}

/* crnn_simple_back is the adjoint, where seen is null, and otherwise that of the conductance before it is rectified, seen[0], which
 * reads neither d nor o nor the traces of s. */
CELL_FN void crnn_simple_back(const elem *c, const real *p, const real *seen, const real *d, const real *s, const real *o,
			      const real *go, real *gs, real *gd, real *gp, int learn)
{
	real k[SYN_COEFS];
	crnn_simple_synapse(c, k);
	real h = s[0];
	real x = !seen ? syn_value(k, c[SIMPLE_RECTIFY] != 0, o[1], o[2]) : c[SIMPLE_RECTIFY] != 0 ? r_relu(seen[0]) : seen[0];
	real up = r_sigmoid(p[SIMPLE_WM] * h + p[SIMPLE_BM]);
	real dn = r_sigmoid(-(p[SIMPLE_WN] * h + p[SIMPLE_BN]));
	real gate = up * dn;
	real gu = (R(1.0) - up) * gate; /* d gate / d (w_m h + b_m) */
	real gn = (R(1.0) - dn) * gate; /* -d gate / d (w_n h + b_n) */
	real g = crnn_simple_dt(c) * go[0];
	real gg = -c[SIMPLE_SIGN] * g * h; /* gradient of x and of the gate */
	if (seen)
		syn_adjoint(k, 0, h, h, h, h, h, c[SIMPLE_RECTIFY] != 0 ? r_positive(seen[0], gg) : gg, go[1], go[2], &gd[0], &gs[1], &gs[2], 0);
	else
		syn_adjoint(k, c[SIMPLE_RECTIFY] != 0, d[0], s[1], s[2], o[1], o[2], gg, go[1], go[2], &gd[0], &gs[1], &gs[2], 0);
	gd[1] = -g;
	gs[0] = go[0] - c[SIMPLE_SIGN] * g * (x + gate) + gg * (gu * p[SIMPLE_WM] - gn * p[SIMPLE_WN]);
	if (learn) {
		real a = gg * gu, b = gg * gn;
		gp[SIMPLE_B] += g;
		gp[SIMPLE_WM] += a * h;
		gp[SIMPLE_BM] += a;
		gp[SIMPLE_WN] -= b * h;
		gp[SIMPLE_BN] -= b;
	}
}

CELL_FN void crnn_simple_adjoint(const elem *c, const real *p, const real *d, const real *s, const real *o,
				 const real *go, real *gs, real *gd, real *gp, int learn)
{
	crnn_simple_back(c, p, 0, d, s, o, go, gs, gd, gp, learn);
}

/* For devices that keep what an adjoint reads (kernels/cpu/src/scan.inc.h). */

CELL_FN void crnn_simple_seen(const elem *c, const real *d, const real *o, real *seen)
{
	real k[SYN_COEFS];
	(void)d;
	crnn_simple_synapse(c, k);
	seen[0] = syn_value(k, 0, o[1], o[2]);
}

CELL_FN void crnn_simple_adjoint_seen(const elem *c, const real *p, const real *seen, const real *s,
				      const real *go, real *gs, real *gd, real *gp, int learn)
{
	crnn_simple_back(c, p, seen, 0, s, 0, go, gs, gd, gp, learn);
}
