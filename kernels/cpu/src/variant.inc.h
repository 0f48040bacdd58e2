/* variant.inc.h - all cells for one instruction set. The including file defines VARIANT (a
 * name), VL (lanes), NV (vectors per panel) and MR (rows per tile), and BF16 where products of the scan are
 * of bfloat16. */

#include <string.h>
#include "scan.h"

#define V(name) CAT(name##_, VARIANT)
#define STR_(a) #a
#define STR(a) STR_(a)

#include "../../cells/shared/real.h"
#include "flush.h"
#include "gates.inc.h"
#include "factors.inc.h"
#include "gemm.inc.h"
#include "noise.inc.h"

#define EACH_CELL "../cpu/src/scan.inc.h"
#include "../../cells/list.h"

static struct scan_sizes V(sizes)(int cell, const struct scan_dims *d, long rows)
{
	static struct scan_sizes (*const f[])(const struct scan_dims *, long) = {
#define X(c) c##_run_sizes,
		CELLS(X)
#undef X
	};
	return f[cell](d, rows);
}

static void V(pack)(int cell, const struct scan_dims *d, const void *win, const void *wrec,
		    const double *raw, void *packed, int backward)
{
	static void (*const f[])(const struct scan_dims *, const void *, const void *, const double *, void *,
				 int) = {
#define X(c) c##_run_pack,
		CELLS(X)
#undef X
	};
	f[cell](d, win, wrec, raw, packed, backward);
}

static void V(forward)(int cell, const struct scan_dims *d, const struct scan_arrays *a, const struct share *w)
{
	static void (*const f[])(const struct scan_dims *, const struct scan_arrays *, const struct share *) = {
#define X(c) c##_run_forward,
		CELLS(X)
#undef X
	};
	unsigned mode = flush_on();
	f[cell](d, a, w);
	flush_restore(mode);
}

static void V(backward)(int cell, const struct scan_dims *d, const struct scan_arrays *a, const void *dh,
			const struct share *w, const struct scan_grads *g)
{
	static void (*const f[])(const struct scan_dims *, const struct scan_arrays *, const void *,
				 const struct share *, const struct scan_grads *) = {
#define X(c) c##_run_backward,
		CELLS(X)
#undef X
	};
	unsigned mode = flush_on();
	f[cell](d, a, dh, w, g);
	flush_restore(mode);
}

static void V(unprepare)(int cell, const struct scan_dims *d, const double *raw, const double *gprep,
			 double *graw)
{
	static void (*const f[])(const struct scan_dims *, const double *, const double *, double *) = {
#define X(c) c##_run_unprepare,
		CELLS(X)
#undef X
	};
	f[cell](d, raw, gprep, graw);
}

const struct kernels V(galvani) = {
	STR(VARIANT), VL, MR, NR, V(sizes), V(pack), V(forward), V(backward), V(unprepare),
#ifndef BF16
	V(gemm), V(gemms), V(gemm_sizes),
#else
	0, 0, 0,
#endif
	V(unary), V(input_noise),
};
