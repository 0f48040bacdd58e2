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

#define eif_ABOVE RISE_VTH
#define eif_BELOW RISE_VRE
#define eif_CONDUCTS 0

CELL_FN void eif_prepare(double dt, const double *p, double *c)
{
	rise_prepare(dt, p, c);
}

CELL_FN bits eif_step(const elem *c, real in, real g, real *s)
{
	(void)g;
	real slope = rise(c, s[0]) + in;
	return fire(c, s[0] + slope * c[RISE_GAIN], &s[0], &s[1]);
}
