/* lif.h - the leaky integrate-and-fire neuron.
 *
 *   tau_m V' = -(V - E_L) + I;  V >= V_th: a spike, V = V_re for t_ref
 *
 * The step is exact for an I that is constant over it. V is not below V_lb. list.h says what a header defines.
 * Source: Lapicque (1907), J. Physiol. Pathol. Gen. 9:620; the form is that of Gerstner, Kistler, Naud and Paninski
 * (2014), Neuronal Dynamics, chapter 1.3.
 */
#define lif_PLANES(X) \
	X(V, "mV", -72, "membrane potential") \
	X(left, "steps", 0, "steps left of the refractory time")

#define lif_PARAMS(X) \
	X(tau_m, "ms", 15, 1e-3, 1e6, "time constant of the membrane") \
	X(E_L, "mV", -72, -200, 200, "potential at rest") \
	X(V_th, "mV", -55, -200, 200, "threshold") \
	X(V_re, "mV", -75, -200, 200, "potential after a spike, below V_th") \
	X(V_lb, "mV", -1000, -1e4, 200, "lower bound of V") \
	X(t_ref, "ms", 0, 0, 1e4, "refractory time, a multiple of the step to the nearest")

enum { LIF_TAU, LIF_EL, LIF_VTH, LIF_VRE, LIF_VLB, LIF_TREF };
enum { LIF_DECAY = FIRE_CONSTS, LIF_REST };

#define lif_ABOVE LIF_VTH
#define lif_BELOW LIF_VRE
#define lif_CONDUCTS 0

CELL_FN void lif_prepare(double dt, const double *p, double *c)
{
	fire_prepare(dt, p[LIF_VTH], p[LIF_VRE], p[LIF_VLB], p[LIF_TREF], c);
	c[LIF_DECAY] = exp(-dt / p[LIF_TAU]);
	c[LIF_REST] = p[LIF_EL];
}

CELL_FN bits lif_step(const elem *c, real in, real g, real *s)
{
	(void)g;
	real to = in + c[LIF_REST];
	return fire(c, (s[0] - to) * c[LIF_DECAY] + to, &s[0], &s[1]);
}
