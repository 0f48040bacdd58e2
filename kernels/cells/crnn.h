/* crnn.h - the charged RNN: every unit is a compartment with leak, axial, synaptic and
 * channel conductances.
 *
 *   G = g_L + sum_j g_ij + x_E + x_I + sum_c gamma_c sigma+_c sigma-_c
 *   J = g_L E_L + sum_j g_ij h_j + x_E E_exc + x_I E_inh + sum_c gamma_c sigma+_c sigma-_c E_c
 *   exp       h' = J/G + (h - J/G) exp(-dt G/C)
 *   implicit  h' = (h + dt J/C) / (1 + dt G/C)
 *   euler     h' = h + dt (J - G h)/C
 *
 * With the literal signs of the notes the synaptic and channel terms change sign and the step
 * is euler. States: h, p_E, q_E, p_I, q_I. Drives: 0 U_exc x, 1 U_inh x, 2 axial.
 * Raw planes: gamma, w_m, b_m, w_n, b_n, E_c (2 channels each), g_L, E_L, C_m, E_exc, E_inh,
 * tau_s, tau_l; plane 19 is sum_j g_ij.
 * Consts: dt, step (0 exp, 1 implicit, 2 euler), sign (+1, -1), synaptic kernel (0 ema,
 * 1 ema_diff, 2 ema_diff_relu, 3 alpha, 4 dualexp), length of the step (0 where
 * all are 1).
 * Source: notes on the charged RNN, section 3, first equation, restoring signs.
 */
#include "shared/cell.h"
#include "shared/synapse.h"

enum { CRNN_CH = 2 };
/* raw planes */
enum { CRNN_GAMMA, CRNN_WM = 2, CRNN_BM = 4, CRNN_WN = 6, CRNN_BN = 8, CRNN_EC = 10,
       CRNN_GL = 12, CRNN_EL, CRNN_CM, CRNN_EEXC, CRNN_EINH, CRNN_TAUS, CRNN_TAUL, CRNN_GAX };
/* prepared planes from 12 on; 0..11 are the raw channel planes */
enum { CRNN_GTOT = 12, CRNN_JLEAK, CRNN_RATE, CRNN_PE, CRNN_PI, CRNN_SYN };

/* constants, and the rules of a step */
enum { CRNN_DT, CRNN_STEP, CRNN_SIGN, CRNN_KERNEL, CRNN_ELAPSE };
enum { CRNN_EXP, CRNN_IMPLICIT, CRNN_EULER };

#define crnn_PLANES(X) \
	X(h, "1", "potential, the output") \
	X(p_exc, "1", "fast trace of the exciting synapses") \
	X(q_exc, "1", "slow trace of the exciting synapses") \
	X(p_inh, "1", "fast trace of the inhibiting synapses") \
	X(q_inh, "1", "slow trace of the inhibiting synapses")

#define crnn_RAWS(X) \
	X(gamma_0, "1", 0.2, 1.2, "density of channel 0") \
	X(gamma_1, "1", 0.2, 1.2, "density of channel 1") \
	X(w_m_0, "1", -1, 1, "slope of the activation gate of channel 0") \
	X(w_m_1, "1", -1, 1, "of channel 1") \
	X(b_m_0, "1", -1, 1, "offset of the activation gate of channel 0") \
	X(b_m_1, "1", -1, 1, "of channel 1") \
	X(w_n_0, "1", -1, 1, "slope of the inactivation gate of channel 0") \
	X(w_n_1, "1", -1, 1, "of channel 1") \
	X(b_n_0, "1", -1, 1, "offset of the inactivation gate of channel 0") \
	X(b_n_1, "1", -1, 1, "of channel 1") \
	X(E_c_0, "1", -1, 1, "reversal potential of channel 0") \
	X(E_c_1, "1", -1, 1, "of channel 1") \
	X(g_L, "1", 0.5, 1.5, "leak conductance") \
	X(E_L, "1", -1, 1, "reversal potential of the leak") \
	X(C_m, "1", 0.5, 1.5, "capacitance") \
	X(E_exc, "1", -1, 1, "reversal potential of the exciting synapses") \
	X(E_inh, "1", -1, 1, "of the inhibiting synapses") \
	X(tau_s, "step", 2, 3, "time constant of the fast trace") \
	X(tau_l, "step", 8, 9, "time constant of the slow trace, away from tau_s: their difference divides")

#define crnn_CONSTS(X) \
	X(dt, 0.1, 0.5, "length of a step") \
	X(step, 0, 2, "0 exp, 1 implicit, 2 euler") \
	X(sign, -1, 1, "-1 literal, 1 restoring") \
	X(kernel, 0, 4, "0 ema, 1 ema_diff, 2 ema_diff_relu, 3 alpha, 4 dualexp") \
	X(elapsed, 0, 1, "length of the step, 0 where all are 1")

#define crnn_POSITIVE /* x and the input weights make conductances, and with negative ones h has no bound */
#define crnn_UNBOUNDED(X) X(sign, -1) /* h grows with every step */
#define crnn_STATES CELL_ROWS(crnn_PLANES)
#define crnn_IN 2
#define crnn_REC 0
#define crnn_REC_PLANE(g) 0
#define crnn_DRIVES 3
#define crnn_AXIAL 2
#define crnn_VECS CELL_ROWS(crnn_RAWS)
#define crnn_PREP 26
#define crnn_ELAPSED 4
#define crnn_FIRST CRNN_CH
#define crnn_USES_IN 1
#define crnn_USES_REC 1

CELL_FN void crnn_prepare(const double *c, const double *raw, double *prep)
{
	for (int k = 0; k < 12; k++)
		prep[k] = raw[k];
	prep[CRNN_GTOT] = raw[CRNN_GL] + raw[CRNN_GAX];
	prep[CRNN_JLEAK] = raw[CRNN_GL] * raw[CRNN_EL];
	prep[CRNN_RATE] = c[CRNN_DT] / raw[CRNN_CM];
	prep[CRNN_PE] = raw[CRNN_EEXC];
	prep[CRNN_PI] = raw[CRNN_EINH];
	double *k = prep + CRNN_SYN, ts = raw[CRNN_TAUS], tl = raw[CRNN_TAUL];
	double ds = exp(-1 / ts), dl = exp(-1 / tl);
	int kind = (int)c[CRNN_KERNEL];
	k[SYN_PQ] = kind == SYN_ALPHA ? ds : 0;
	k[SYN_PP] = ds;
	k[SYN_PU] = kind == SYN_ALPHA ? 0 : kind == SYN_DUALEXP ? 1 : 1 - ds;
	k[SYN_QQ] = kind == SYN_ALPHA ? ds : dl;
	k[SYN_QU] = kind >= SYN_ALPHA ? 1 : 1 - dl;
	k[SYN_XP] = kind == SYN_DUALEXP ? -ts * tl / (tl - ts) : 1;
	k[SYN_LP] = -1 / ts;
	k[SYN_LQ] = -1 / (kind == SYN_ALPHA ? ts : tl);
	k[SYN_XQ] = kind == SYN_DUALEXP ? ts * tl / (tl - ts) : kind == SYN_EMA || kind == SYN_ALPHA ? 0 : -1;
}

CELL_FN void crnn_prepare_adjoint(const double *c, const double *raw, const double *prep,
				  const double *gprep, double *graw)
{
	for (int k = 0; k < 12; k++)
		graw[k] = gprep[k];
	graw[CRNN_GL] = gprep[CRNN_GTOT] + gprep[CRNN_JLEAK] * raw[CRNN_EL];
	graw[CRNN_EL] = gprep[CRNN_JLEAK] * raw[CRNN_GL];
	graw[CRNN_CM] = -gprep[CRNN_RATE] * prep[CRNN_RATE] / raw[CRNN_CM];
	graw[CRNN_EEXC] = gprep[CRNN_PE];
	graw[CRNN_EINH] = gprep[CRNN_PI];
	graw[CRNN_GAX] = gprep[CRNN_GTOT];
	const double *g = gprep + CRNN_SYN;
	double ts = raw[CRNN_TAUS], tl = raw[CRNN_TAUL];
	double ds = exp(-1 / ts), dl = exp(-1 / tl);
	int kind = (int)c[CRNN_KERNEL];
	double gds = g[SYN_PP], gdl = 0, gk = 0;
	if (kind == SYN_ALPHA)
		gds += g[SYN_PQ] + g[SYN_QQ];
	else
		gdl += g[SYN_QQ];
	if (kind < SYN_ALPHA) {
		gds -= g[SYN_PU];
		gdl -= g[SYN_QU];
	}
	if (kind == SYN_DUALEXP)
		gk = g[SYN_XQ] - g[SYN_XP];
	double gap = tl - ts, glp = g[SYN_LP], glq = g[SYN_LQ];
	if (kind == SYN_ALPHA) {
		glp += glq;
		glq = 0;
	}
	graw[CRNN_TAUS] = (gds * ds + glp) / (ts * ts) + gk * tl * tl / (gap * gap);
	graw[CRNN_TAUL] = (gdl * dl + glq) / (tl * tl) - gk * ts * ts / (gap * gap);
}

/* crnn_channel returns gamma sigma+ sigma- of channel c, and its gates sigma+ and sigma-. */
CELL_FN real crnn_channel(const real *p, int c, real h, real *up, real *dn)
{
	*up = r_sigmoid(p[CRNN_WM + c] * h + p[CRNN_BM + c]);
	*dn = r_sigmoid(-(p[CRNN_WN + c] * h + p[CRNN_BN + c]));
	return p[CRNN_GAMMA + c] * *up * *dn;
}

CELL_FN void crnn_step(const elem *c, const real *p, const real *d, const real *s, real *o)
{
	int rect = c[CRNN_KERNEL] == SYN_EMA_DIFF_RELU;
	real h = s[0], up, dn, k[SYN_COEFS];
	syn_over(p + CRNN_SYN, c[CRNN_KERNEL] == SYN_ALPHA, c[CRNN_ELAPSE], k);
	real xe = syn_step(k, rect, d[0], s[1], s[2], &o[1], &o[2]);
	real xi = syn_step(k, rect, d[1], s[3], s[4], &o[3], &o[4]);
	real G = xe + xi, J = xe * p[CRNN_PE] + xi * p[CRNN_PI];
	for (int i = 0; i < CRNN_CH; i++) {
		real g = crnn_channel(p, i, h, &up, &dn);
		G += g;
		J += g * p[CRNN_EC + i];
	}
	G = c[CRNN_SIGN] * G + p[CRNN_GTOT];
	J = c[CRNN_SIGN] * J + p[CRNN_JLEAK] + d[2];
	real rate = p[CRNN_RATE];
	if (c[CRNN_ELAPSE] != 0)
		rate *= c[CRNN_ELAPSE];
	if (c[CRNN_STEP] == CRNN_EXP && c[CRNN_SIGN] > 0) {
		real rest = J / G;
		o[0] = rest + (h - rest) * r_exp(-(rate * G));
	} else if (c[CRNN_STEP] == CRNN_IMPLICIT && c[CRNN_SIGN] > 0) {
		o[0] = (h + rate * J) / (R(1.0) + rate * G);
	} else {
		o[0] = h + rate * (J - G * h);
	}
}

/* crnn_synapses_adjoint is syn_adjoint of both conductances, with gradients gE and gI. */
CELL_FN void crnn_synapses_adjoint(const real *k, int rect, const real *d, const real *s, const real *o, real gE, real gI,
				   const real *go, real *gs, real *gd, real *gk)
{
	syn_adjoint(k, rect, d[0], s[1], s[2], o[1], o[2], gE, go[1], go[2], &gd[0], &gs[1], &gs[2], gk);
	syn_adjoint(k, rect, d[1], s[3], s[4], o[3], o[4], gI, go[3], go[4], &gd[1], &gs[3], &gs[4], gk);
}

CELL_FN void crnn_adjoint(const elem *c, const real *p, const real *d, const real *s, const real *o,
			  const real *go, real *gs, real *gd, real *gp, int learn)
{
	int rect = c[CRNN_KERNEL] == SYN_EMA_DIFF_RELU;
	real h = s[0], up[CRNN_CH], dn[CRNN_CH], ch[CRNN_CH];
	real k[SYN_COEFS];
	syn_over(p + CRNN_SYN, c[CRNN_KERNEL] == SYN_ALPHA, c[CRNN_ELAPSE], k);
	real xe = syn_value(k, rect, o[1], o[2]);
	real xi = syn_value(k, rect, o[3], o[4]);
	real G = xe + xi, J = xe * p[CRNN_PE] + xi * p[CRNN_PI];
	for (int i = 0; i < CRNN_CH; i++) {
		ch[i] = crnn_channel(p, i, h, &up[i], &dn[i]);
		G += ch[i];
		J += ch[i] * p[CRNN_EC + i];
	}
	G = c[CRNN_SIGN] * G + p[CRNN_GTOT];
	J = c[CRNN_SIGN] * J + p[CRNN_JLEAK] + d[2];

	real rate = p[CRNN_RATE], gh, gJ, gG, grate;
	if (c[CRNN_ELAPSE] != 0)
		rate *= c[CRNN_ELAPSE];
	if (c[CRNN_STEP] == CRNN_EXP && c[CRNN_SIGN] > 0) {
		real inv = R(1.0) / G, rest = J * inv, e = r_exp(-(rate * G));
		real gap = (h - rest) * e;
		gh = e;
		gJ = (R(1.0) - e) * inv;
		gG = -(gJ * rest) - gap * rate;
		grate = -(gap * G);
	} else if (c[CRNN_STEP] == CRNN_IMPLICIT && c[CRNN_SIGN] > 0) {
		real inv = R(1.0) / (R(1.0) + rate * G);
		gh = inv;
		gJ = rate * inv;
		gG = -(gJ * o[0]);
		grate = (J - G * o[0]) * inv;
	} else {
		gh = R(1.0) - rate * G;
		gJ = rate;
		gG = -(rate * h);
		grate = J - G * h;
	}
	gh *= go[0];
	gJ *= go[0];
	gG *= go[0];
	gd[2] = gJ;
	real sJ = c[CRNN_SIGN] * gJ, sG = c[CRNN_SIGN] * gG; /* gradients of the signed sums */
	real gch[CRNN_CH];
	for (int i = 0; i < CRNN_CH; i++) {
		gch[i] = sG + sJ * p[CRNN_EC + i];
		real a = gch[i] * ch[i];
		gh += a * ((R(1.0) - up[i]) * p[CRNN_WM + i] - (R(1.0) - dn[i]) * p[CRNN_WN + i]);
	}
	gs[0] = gh;
	real gE = sG + sJ * p[CRNN_PE], gI = sG + sJ * p[CRNN_PI];
	if (is_regular(c[CRNN_ELAPSE])) {
		crnn_synapses_adjoint(k, rect, d, s, o, gE, gI, go, gs, gd, learn > 1 ? gp + CRNN_SYN : 0);
	} else {
		real gk[SYN_COEFS] = {0};
		crnn_synapses_adjoint(k, rect, d, s, o, gE, gI, go, gs, gd, learn > 1 ? gk : 0);
		if (learn > 1)
			syn_over_adjoint(c[CRNN_KERNEL] == SYN_ALPHA, c[CRNN_ELAPSE], k, gk, gp + CRNN_SYN);
	}
	if (!learn)
		return;
	for (int i = 0; i < CRNN_CH; i++)
		gp[CRNN_GAMMA + i] += gch[i] * up[i] * dn[i];
	if (learn == 1)
		return;
	for (int i = 0; i < CRNN_CH; i++) {
		real a = gch[i] * ch[i] * (R(1.0) - up[i]), b = gch[i] * ch[i] * (R(1.0) - dn[i]);
		gp[CRNN_WM + i] += a * h;
		gp[CRNN_BM + i] += a;
		gp[CRNN_WN + i] -= b * h;
		gp[CRNN_BN + i] -= b;
		gp[CRNN_EC + i] += sJ * ch[i];
	}
	gp[CRNN_GTOT] += gG;
	gp[CRNN_JLEAK] += gJ;
	grate *= go[0];
	gp[CRNN_RATE] += c[CRNN_ELAPSE] != 0 ? c[CRNN_ELAPSE] * grate : grate;
	gp[CRNN_PE] += sJ * xe;
	gp[CRNN_PI] += sJ * xi;
}
