/* lif.h - the leaky integrate-and-fire neuron.
 *
 *   tau_m V' = -(V - E_L) + I;  V >= V_th: a spike, V = V_re for t_ref
 *
 * The step is exact for an I that is constant over it. list.h says what a header defines.
 */
#define lif_PLANES(X) \
	X(V, "mV", -72, "membrane potential") \
	X(left, "steps", 0, "steps left of the refractory time")

#define lif_PARAMS(X) \
	X(tau_m, "ms", 15, 1e-3, 1e6, "time constant of the membrane") \
	X(E_L, "mV", -72, -200, 200, "potential at rest") \
	X(V_th, "mV", -55, -200, 200, "threshold") \
	X(V_re, "mV", -75, -200, 200, "potential after a spike, below V_th") \
	X(t_ref, "ms", 0, 0, 1e4, "refractory time, a multiple of the step to the nearest")

enum { LIF_TAU, LIF_EL, LIF_VTH, LIF_VRE, LIF_TREF };
enum { LIF_DECAY, LIF_REST, LIF_THRESHOLD, LIF_RESET, LIF_WAIT };

#define lif_ABOVE LIF_VTH
#define lif_BELOW LIF_VRE

CELL_FN void lif_prepare(double dt, const double *p, double *c)
{
	c[LIF_DECAY] = exp(-dt / p[LIF_TAU]);
	c[LIF_REST] = p[LIF_EL];
	c[LIF_THRESHOLD] = p[LIF_VTH];
	c[LIF_RESET] = p[LIF_VRE];
	c[LIF_WAIT] = floor(p[LIF_TREF] / dt + 0.5);
}

CELL_FN bits lif_step(const elem *c, real in, real *s)
{
	real to = in + c[LIF_REST], reset = r_splat(c[LIF_RESET]), zero = r_splat(0);
	real v = (s[0] - to) * c[LIF_DECAY] + to;
	bits waits = s[1] > zero;
	v = r_where(waits, reset, v);
	bits spike = v >= r_splat(c[LIF_THRESHOLD]);
	s[0] = r_where(spike, reset, v);
	s[1] = r_where(spike, r_splat(c[LIF_WAIT]), r_where(waits, s[1] - R(1.0), zero));
	return spike;
}
