/* channels.h - what neurons with a channel of sodium, m^3 h, and one of potassium, n^4, share. Their planes are V, m, h and
 * n. Every operation is rounded by itself (list.h).
 */
#ifndef GALVANI_CHANNELS_H
#define GALVANI_CHANNELS_H

/* Their parameters and their constants begin with these. */
enum { CHANNELS_TAU, CHANNELS_EL, CHANNELS_EK, CHANNELS_ENA, CHANNELS_KK, CHANNELS_KNA, CHANNELS_VTH, CHANNELS_PARAMS };
enum { CHANNELS_BACK, CHANNELS_RATIO, CHANNELS_LEAK, CHANNELS_K, CHANNELS_NA, CHANNELS_GK, CHANNELS_GNA, CHANNELS_THRESHOLD, CHANNELS_CONSTS };

CELL_FN void channels_prepare(double dt, const double *p, double *c)
{
	c[CHANNELS_BACK] = -dt;
	c[CHANNELS_RATIO] = -dt / p[CHANNELS_TAU];
	c[CHANNELS_LEAK] = p[CHANNELS_EL];
	c[CHANNELS_K] = p[CHANNELS_EK];
	c[CHANNELS_NA] = p[CHANNELS_ENA];
	c[CHANNELS_GK] = p[CHANNELS_KK];
	c[CHANNELS_GNA] = p[CHANNELS_KNA];
	c[CHANNELS_THRESHOLD] = p[CHANNELS_VTH];
}

/* channels_within is V within -200 and 200 mV, at which rates are taken. */
CELL_FN real channels_within(real v)
{
	real low = r_splat(R(-200.0)), high = r_splat(R(200.0)), u = r_where(v < low, low, v);
	return r_where(u > high, high, u);
}

/* channels_ratio is x / (1 - y), where y is exp(-x), and its series near 0. */
CELL_FN real channels_ratio(real x, real y)
{
	real series = R(1.0) + x * (R(0.5) + x * R(0.083333333));
	return r_where(x * x < r_splat(R(0.0025)), series, x / (R(1.0) - y));
}

/* channels_gate steps a gate with the rates a and b. */
CELL_FN real channels_gate(const elem *c, real x, real a, real b)
{
	real sum = a + b, to = a / sum;
	return to + (x - to) * r_exp(sum * c[CHANNELS_BACK]);
}

/* channels_end steps V, exactly for the gates behind the step, under the current in and the conductances g that are in it:
 * in is theirs at V before the step. It returns where V rises to the threshold. */
CELL_FN bits channels_end(const elem *c, real in, real g, real *s)
{
	real v = s[0], th = r_splat(c[CHANNELS_THRESHOLD]);
	real gna = s[1] * s[1] * s[1] * s[2] * c[CHANNELS_GNA], n2 = s[3] * s[3], gk = n2 * n2 * c[CHANNELS_GK];
	real all = R(1.0) + gk + gna + g;
	real to = (gk * c[CHANNELS_K] + gna * c[CHANNELS_NA] + c[CHANNELS_LEAK] + in + g * v) / all;
	s[0] = to + (v - to) * r_exp(all * c[CHANNELS_RATIO]);
	return (v < th) & (s[0] >= th);
}

#endif
