/* eif.h - the exponential integrate-and-fire neuron.
 *
 *   tau_m V' = -(V - E_L) + D_T exp((V - V_T) / D_T) + I;  V >= V_th: a spike, V = V_re for t_ref
 *
 * The step is Euler's. V is not below V_lb, and the exponent not above that of V_th.
 * Source: Fourcaud-Trocme, Hansel, van Vreeswijk and Brunel (2003), J. Neurosci. 23:11628.
 */
#define eif_PLANES(X) \
	X(V, "mV", -72, "membrane potential") \
	X(left, "steps", 0, "steps left of the refractory time")

#define eif_PARAMS(X) \
	X(tau_m, "ms", 15, 1e-3, 1e6, "time constant of the membrane") \
	X(E_L, "mV", -72, -200, 200, "potential at rest") \
	X(V_T, "mV", -55, -200, 200, "potential from which the exponential rises") \
	X(D_T, "mV", 1, 1e-2, 100, "width of its rise") \
	X(V_th, "mV", -50, -200, 200, "threshold") \
	X(V_re, "mV", -75, -200, 200, "potential after a spike, below V_th") \
	X(V_lb, "mV", -100, -1e4, 200, "lower bound of V") \
	X(t_ref, "ms", 0, 0, 1e4, "refractory time, a multiple of the step to the nearest")

enum { EIF_TAU, EIF_EL, EIF_VT, EIF_DT, EIF_VTH, EIF_VRE, EIF_VLB, EIF_TREF };
enum { EIF_GAIN, EIF_REST, EIF_RISE, EIF_WIDTH, EIF_SHARP, EIF_MOST, EIF_THRESHOLD, EIF_RESET, EIF_LOWEST, EIF_WAIT };

#define eif_ABOVE EIF_VTH
#define eif_BELOW EIF_VRE

CELL_FN void eif_prepare(double dt, const double *p, double *c)
{
	c[EIF_GAIN] = dt / p[EIF_TAU];
	c[EIF_REST] = p[EIF_EL];
	c[EIF_RISE] = p[EIF_VT];
	c[EIF_WIDTH] = p[EIF_DT];
	c[EIF_SHARP] = 1 / p[EIF_DT];
	c[EIF_MOST] = (p[EIF_VTH] - p[EIF_VT]) / p[EIF_DT];
	c[EIF_THRESHOLD] = p[EIF_VTH];
	c[EIF_RESET] = p[EIF_VRE];
	c[EIF_LOWEST] = p[EIF_VLB];
	c[EIF_WAIT] = floor(p[EIF_TREF] / dt + 0.5);
}

CELL_FN bits eif_step(const elem *c, real in, real *s)
{
	real reset = r_splat(c[EIF_RESET]), zero = r_splat(0), low = r_splat(c[EIF_LOWEST]), most = r_splat(c[EIF_MOST]);
	real x = (s[0] - c[EIF_RISE]) * c[EIF_SHARP];
	x = r_where(x > most, most, x);
	real slope = (r_splat(c[EIF_REST]) - s[0]) + r_exp(x) * c[EIF_WIDTH] + in;
	real v = s[0] + slope * c[EIF_GAIN];
	v = r_where(v < low, low, v);
	bits waits = s[1] > zero;
	v = r_where(waits, reset, v);
	bits spike = v >= r_splat(c[EIF_THRESHOLD]);
	s[0] = r_where(spike, reset, v);
	s[1] = r_where(spike, r_splat(c[EIF_WAIT]), r_where(waits, s[1] - R(1.0), zero));
	return spike;
}
