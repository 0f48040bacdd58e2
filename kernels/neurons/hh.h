/* hh.h - the Hodgkin-Huxley neuron of one compartment.
 *
 *   tau_m V' = -(V - E_L) - k_K n^4 (V - E_K) - k_Na m^3 h (V - E_Na) + I; x' = a_x (1 - x) - b_x x of m, h and n
 *   a_m = 0.1 (V + 40) / (1 - exp(-(V + 40) / 10)); b_m = 4 exp(-(V + 65) / 18)
 *   a_h = 0.07 exp(-(V + 65) / 20); b_h = 1 / (1 + exp(-(V + 35) / 10))
 *   a_n = 0.01 (V + 55) / (1 - exp(-(V + 55) / 10)); b_n = 0.125 exp(-(V + 65) / 80)
 *   V rises to V_th: a spike, after which nothing is reset
 *
 * The step is exact for each gate with the V before it, and for V with the gates behind it. At 10 uA/cm2 the interval
 * between spikes is 14.636 ms in steps of 0.005 ms, 0.1 % longer in steps of 0.05 ms and 0.5 % in steps of 0.1 ms.
 * Conductances of synapses are constant over the step, and taken exactly.
 * Currents and conductances are over the leak conductance: with its 0.3 mS/cm2 a current of 1 uA/cm2 is 3.333 mV. Rates
 * are in 1/ms, those of 6.3 degrees, and taken at V within -200 and 200 mV.
 * Source: Hodgkin and Huxley (1952), J. Physiol. 117:500, with the potential of the membrane at rest near -65 mV.
 */
#define hh_PLANES(X) \
	X(V, "mV", -64.9964, "membrane potential") \
	X(m, "1", 0.052955, "activation of sodium") \
	X(h, "1", 0.595994, "inactivation of sodium, 1 for none") \
	X(n, "1", 0.317732, "activation of potassium")

#define hh_PARAMS(X) \
	X(tau_m, "ms", 3.33333333, 1e-3, 1e6, "time constant of the membrane by the leak alone") \
	X(E_L, "mV", -54.387, -200, 200, "reversal potential of the leak") \
	X(E_K, "mV", -77, -200, 200, "reversal potential of potassium") \
	X(E_Na, "mV", 50, -200, 200, "reversal potential of sodium") \
	X(k_K, "1", 120, 0, 1e6, "largest conductance of potassium relative to that of the leak") \
	X(k_Na, "1", 400, 0, 1e6, "largest conductance of sodium relative to that of the leak") \
	X(V_th, "mV", 0, -200, 200, "potential that V rises to at a spike")

#define hh_ABOVE CHANNELS_ENA
#define hh_BELOW CHANNELS_EK
#define hh_CONDUCTS 1

CELL_FN void hh_prepare(double dt, const double *p, double *c) { channels_prepare(dt, p, c); }

CELL_FN bits hh_step(const elem *c, real in, real g, real *s)
{
	real u = channels_within(s[0]), q = r_exp((u + R(35.0)) * R(-0.1)), rest = u + R(65.0);
	s[1] = channels_gate(c, s[1], channels_ratio((u + R(40.0)) * R(0.1), q * R(0.6065306597)), r_exp(rest * R(-0.0555555556)) * R(4.0));
	s[2] = channels_gate(c, s[2], r_exp(rest * R(-0.05)) * R(0.07), R(1.0) / (R(1.0) + q));
	s[3] = channels_gate(c, s[3], channels_ratio((u + R(55.0)) * R(0.1), q * R(0.1353352832)) * R(0.1), r_exp(rest * R(-0.0125)) * R(0.125));
	return channels_end(c, in, g, s);
}
