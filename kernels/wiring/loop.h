/* loop.h - what the loops of all devices do to a number, in the arithmetic of real.h, which is included before. Every
 * operation is rounded by itself. */
#ifndef GALVANI_LOOP_H
#define GALVANI_LOOP_H

#include "plastic.h"

/* wiring_quiet returns x, or 0 where its magnitude is below kernels.Tiny. */
CELL_FN real wiring_quiet(real x)
{
	return r_where(r_float(r_bits(x) & 0x7fffffff) < R(1e-30), r_splat(0), x);
}

/* wiring_changed returns a weight after a change, for a trace. */
CELL_FN real wiring_changed(const struct wiring_plastic *q, const float *c, real weight, real trace)
{
	real zero = r_splat(0), most = r_splat(q->most), m = weight * q->sign;
	m = m + (c[0] + c[1] * trace) * (c[2] + c[3] * m);
	m = r_where(m < zero, zero, m);
	m = r_where(m > most, most, m);
	return m * q->sign;
}

#endif
