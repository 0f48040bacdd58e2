/* adex.h - the adaptive exponential integrate-and-fire neuron.
 *
 *   tau_m V' = -(V - E_L) + D_T exp((V - V_T) / D_T) - w + I;  tau_w w' = a (V - E_L) - w
 *   V >= V_th: a spike, V = V_re for t_ref, w grows by b
 *
 * The step is Euler's for V, and exact for w with the V before it. Currents are over the leak conductance, in
 * mV: a is that of the source over the leak, b and w those of the source over it. V is not below V_lb, and
 * the exponent not above that of V_th. w goes on in the refractory time.
 * Source: Brette and Gerstner (2005), J. Neurophysiol. 94:3637; the parameters are theirs.
 */
#define adex_PLANES(X) \
	X(V, "mV", -70.6, "membrane potential") \
	X(w, "mV", 0, "adaptation") \
	X(left, "steps", 0, "steps left of the refractory time")

#define adex_PARAMS(X) \
	X(tau_m, "ms", 9.3667, 1e-3, 1e6, "time constant of the membrane") \
	X(E_L, "mV", -70.6, -200, 200, "potential at rest") \
	X(V_T, "mV", -50.4, -200, 200, "potential from which the exponential rises") \
	X(D_T, "mV", 2, 1e-2, 100, "width of its rise") \
	X(V_th, "mV", -40.4, -200, 200, "threshold") \
	X(V_re, "mV", -70.6, -200, 200, "potential after a spike, below V_th") \
	X(V_lb, "mV", -1000, -1e4, 200, "lower bound of V") \
	X(t_ref, "ms", 0, 0, 1e4, "refractory time, a multiple of the step to the nearest") \
	X(tau_w, "ms", 144, 1e-3, 1e6, "time constant of the adaptation") \
	X(a, "1", 0.133333, -1e3, 1e3, "adaptation to V, a conductance relative to that of the leak") \
	X(b, "mV", 2.68333, -1e4, 1e4, "adaptation that a spike adds")

enum { ADEX_TAUW = RISE_PARAMS, ADEX_A, ADEX_B };
enum { ADEX_KEEP = RISE_CONSTS, ADEX_FOLLOW, ADEX_JUMP };

#define adex_ABOVE RISE_VTH
#define adex_BELOW RISE_VRE
#define adex_CONDUCTS 0

CELL_FN void adex_prepare(double dt, const double *p, double *c)
{
	rise_prepare(dt, p, c);
	c[ADEX_KEEP] = exp(-dt / p[ADEX_TAUW]);
	c[ADEX_FOLLOW] = p[ADEX_A] * -expm1(-dt / p[ADEX_TAUW]);
	c[ADEX_JUMP] = p[ADEX_B];
}

CELL_FN bits adex_step(const elem *c, real in, real g, real *s)
{
	(void)g;
	real slope = rise(c, s[0]) - s[1] + in;
	real w = s[1] * c[ADEX_KEEP] + (s[0] - c[RISE_REST]) * c[ADEX_FOLLOW];
	bits spike = fire(c, s[0] + slope * c[RISE_GAIN], &s[0], &s[2]);
	s[1] = r_where(spike, w + c[ADEX_JUMP], w);
	return spike;
}
