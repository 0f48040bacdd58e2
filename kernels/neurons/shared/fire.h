/* fire.h - what integrate-and-fire neurons share: an exponential rise of V, and how a step ends: lower bound,
 * refractory time, threshold and reset. Every operation is rounded by itself (list.h).
 */
#ifndef GALVANI_FIRE_H
#define GALVANI_FIRE_H

/* The constants that the functions below read are the first of a neuron. */
enum { FIRE_THRESHOLD, FIRE_RESET, FIRE_LOWEST, FIRE_WAIT, FIRE_CONSTS };
enum { RISE_GAIN = FIRE_CONSTS, RISE_REST, RISE_FROM, RISE_WIDTH, RISE_SHARP, RISE_MOST, RISE_CONSTS };

/* The parameters of a neuron with an exponential begin with these. */
enum { RISE_TAU, RISE_EL, RISE_VT, RISE_DT, RISE_VTH, RISE_VRE, RISE_VLB, RISE_TREF, RISE_PARAMS };

/* RISE_FINITE is an exponent that r_exp takes to a finite number, so large that a step of it is a spike whatever the parameters are. */
#define RISE_FINITE 88.72

CELL_FN void fire_prepare(double dt, double threshold, double reset, double lowest, double wait, double *c)
{
	c[FIRE_THRESHOLD] = threshold;
	c[FIRE_RESET] = reset;
	c[FIRE_LOWEST] = lowest;
	c[FIRE_WAIT] = floor(wait / dt + 0.5);
}

CELL_FN void rise_prepare(double dt, const double *p, double *c)
{
	fire_prepare(dt, p[RISE_VTH], p[RISE_VRE], p[RISE_VLB], p[RISE_TREF], c);
	c[RISE_GAIN] = dt / p[RISE_TAU];
	c[RISE_REST] = p[RISE_EL];
	c[RISE_FROM] = p[RISE_VT];
	c[RISE_WIDTH] = p[RISE_DT];
	c[RISE_SHARP] = 1 / p[RISE_DT];
	c[RISE_MOST] = fmin((p[RISE_VTH] - p[RISE_VT]) / p[RISE_DT], RISE_FINITE);
}

/* rise_exp is r_exp of a number up to RISE_FINITE; of NaN it is any number. The including file may have one that is faster. */
#if !defined(rise_exp)
#define rise_exp r_exp
#endif

/* rise is -(V - E_L) + D_T exp((V - V_T) / D_T), the exponent not above that of V_th, nor RISE_FINITE. V that is not finite makes it so,
 * too. */
CELL_FN real rise(const elem *c, real v)
{
	real most = r_splat(c[RISE_MOST]), x = (v - c[RISE_FROM]) * c[RISE_SHARP];
	x = r_where(x > most, most, x);
	return (r_splat(c[RISE_REST]) - v) + rise_exp(x) * c[RISE_WIDTH];
}

/* fire ends a step that leads to v: it sets V and the steps left of the refractory time, and returns where there
 * is a spike. */
CELL_FN bits fire(const elem *c, real v, real *V, real *left)
{
	real reset = r_splat(c[FIRE_RESET]), zero = r_splat(0), low = r_splat(c[FIRE_LOWEST]);
	v = r_where(v < low, low, v);
	bits waits = *left > zero;
	v = r_where(waits, reset, v);
	bits spike = v >= r_splat(c[FIRE_THRESHOLD]);
	*V = r_where(spike, reset, v);
	*left = r_where(spike, r_splat(c[FIRE_WAIT]), r_where(waits, *left - R(1.0), zero));
	return spike;
}

#endif
