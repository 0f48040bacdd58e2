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

enum { ADEX_TAU, ADEX_EL, ADEX_VT, ADEX_DT, ADEX_VTH, ADEX_VRE, ADEX_VLB, ADEX_TREF, ADEX_TAUW, ADEX_A, ADEX_B };
enum { ADEX_GAIN, ADEX_REST, ADEX_RISE, ADEX_WIDTH, ADEX_SHARP, ADEX_MOST, ADEX_THRESHOLD, ADEX_RESET, ADEX_LOWEST, ADEX_WAIT,
       ADEX_KEEP, ADEX_FOLLOW, ADEX_JUMP };

#define adex_ABOVE ADEX_VTH
#define adex_BELOW ADEX_VRE

CELL_FN void adex_prepare(double dt, const double *p, double *c)
{
	c[ADEX_GAIN] = dt / p[ADEX_TAU];
	c[ADEX_REST] = p[ADEX_EL];
	c[ADEX_RISE] = p[ADEX_VT];
	c[ADEX_WIDTH] = p[ADEX_DT];
	c[ADEX_SHARP] = 1 / p[ADEX_DT];
	c[ADEX_MOST] = (p[ADEX_VTH] - p[ADEX_VT]) / p[ADEX_DT];
	c[ADEX_THRESHOLD] = p[ADEX_VTH];
	c[ADEX_RESET] = p[ADEX_VRE];
	c[ADEX_LOWEST] = p[ADEX_VLB];
	c[ADEX_WAIT] = floor(p[ADEX_TREF] / dt + 0.5);
	c[ADEX_KEEP] = exp(-dt / p[ADEX_TAUW]);
	c[ADEX_FOLLOW] = p[ADEX_A] * -expm1(-dt / p[ADEX_TAUW]);
	c[ADEX_JUMP] = p[ADEX_B];
}

CELL_FN bits adex_step(const elem *c, real in, real *s)
{
	real reset = r_splat(c[ADEX_RESET]), zero = r_splat(0), low = r_splat(c[ADEX_LOWEST]), most = r_splat(c[ADEX_MOST]);
	real x = (s[0] - c[ADEX_RISE]) * c[ADEX_SHARP];
	x = r_where(x > most, most, x);
	real slope = (r_splat(c[ADEX_REST]) - s[0]) + r_exp(x) * c[ADEX_WIDTH] - s[1] + in;
	real w = s[1] * c[ADEX_KEEP] + (s[0] - c[ADEX_REST]) * c[ADEX_FOLLOW];
	real v = s[0] + slope * c[ADEX_GAIN];
	v = r_where(v < low, low, v);
	bits waits = s[2] > zero;
	v = r_where(waits, reset, v);
	bits spike = v >= r_splat(c[ADEX_THRESHOLD]);
	s[0] = r_where(spike, reset, v);
	s[1] = r_where(spike, w + c[ADEX_JUMP], w);
	s[2] = r_where(spike, r_splat(c[ADEX_WAIT]), r_where(waits, s[2] - R(1.0), zero));
	return spike;
}
