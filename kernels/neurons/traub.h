/* traub.h - the neuron of Traub and Miles of one compartment.
 *
 *   tau_m V' = -(V - E_L) - k_K n^4 (V - E_K) - k_Na m^3 h (V - E_Na) + I; x' = a_x (1 - x) - b_x x of m, h and n; u = V - V_T
 *   a_m = 0.32 (u - 13) / (1 - exp(-(u - 13) / 4)); b_m = 0.28 (40 - u) / (1 - exp(-(40 - u) / 5))
 *   a_h = 0.128 exp(-(u - 17) / 18); b_h = 4 / (1 + exp(-(u - 40) / 5))
 *   a_n = 0.032 (u - 15) / (1 - exp(-(u - 15) / 5)); b_n = 0.5 exp(-(u - 10) / 40)
 *   V rises to V_th: a spike, after which nothing is reset
 *
 * The step is exact for each gate with the V before it, and for V with the gates behind it. Conductances of synapses are
 * constant over the step, and taken exactly. Currents and conductances are over the leak conductance. Rates are in 1/ms,
 * and taken at V within -200 and 200 mV. V begins at -65 mV with its gates at rest there; with the parameters below no V is
 * at rest, and the neuron spikes without input.
 * Source: Traub and Miles (1991), Neuronal Networks of the Hippocampus; the rates and parameters are those of Brette et al.
 * (2007), J. Comput. Neurosci. 23:349.
 */
#define traub_PLANES(X) \
	X(V, "mV", -65, "membrane potential") \
	X(m, "1", 0.00973241, "activation of sodium") \
	X(h, "1", 0.997561, "inactivation of sodium, 1 for none") \
	X(n, "1", 0.0270745, "activation of potassium")

#define traub_PARAMS(X) \
	X(tau_m, "ms", 20, 1e-3, 1e6, "time constant of the membrane by the leak alone") \
	X(E_L, "mV", -60, -200, 200, "reversal potential of the leak") \
	X(E_K, "mV", -90, -200, 200, "reversal potential of potassium") \
	X(E_Na, "mV", 50, -200, 200, "reversal potential of sodium") \
	X(k_K, "1", 600, 0, 1e6, "largest conductance of potassium relative to that of the leak") \
	X(k_Na, "1", 2000, 0, 1e6, "largest conductance of sodium relative to that of the leak") \
	X(V_th, "mV", -20, -200, 200, "potential that V rises to at a spike") \
	X(V_T, "mV", -63, -200, 200, "potential that the rates of the gates go by")

enum { TRAUB_VT = CHANNELS_PARAMS };
enum { TRAUB_FROM = CHANNELS_CONSTS };

#define traub_ABOVE CHANNELS_ENA
#define traub_BELOW CHANNELS_EK
#define traub_CONDUCTS 1

CELL_FN void traub_prepare(double dt, const double *p, double *c)
{
	channels_prepare(dt, p, c);
	c[TRAUB_FROM] = p[TRAUB_VT];
}

CELL_FN bits traub_step(const elem *c, real in, real g, real *s)
{
	real u = channels_within(s[0]) - c[TRAUB_FROM], q = r_exp(u * R(0.2) - R(8.0)); /* exp((u - 40) / 5) */
	real m = (u - R(13.0)) * R(0.25), k = (R(40.0) - u) * R(0.2), n = (u - R(15.0)) * R(0.2);
	s[1] = channels_gate(c, s[1], channels_ratio(m, r_exp(R(0.0) - m)) * R(1.28), channels_ratio(k, q) * R(1.4));
	s[2] = channels_gate(c, s[2], r_exp((R(17.0) - u) * R(0.0555555556)) * R(0.128), q * R(4.0) / (R(1.0) + q));
	s[3] = channels_gate(c, s[3], channels_ratio(n, r_exp(R(0.0) - n)) * R(0.16), r_exp((R(10.0) - u) * R(0.025)) * R(0.5));
	return channels_end(c, in, g, s);
}
