/* layout.h - how a scan is laid out over a GPU, a function of sizes alone. Plain C: read by the
 * kernels and by the Go side. */
#ifndef GALVANI_LAYOUT_H
#define GALVANI_LAYOUT_H

#include "params.h"

/* What a layout depends on besides the sizes. */
struct gpu_limits {
	int sms;	 /* multiprocessors */
	int shared;	 /* most bytes of dynamic shared memory of a block */
	int cluster;	 /* most blocks of a cluster, 1 for none */
	int compute;	 /* compute capability, 70 for 7.0 */
};

/* Macros of a cell header. */
struct cell_dims {
	int states, in, rec, drives, axial, vecs, prep;
};

/* scan_layout chooses the layout of CELL_forward (or CELL_backward) for B rows and H units. It
 * returns 0, or -1 where no layout fits (then even one row of H units exceeds shared memory). */
static int scan_layout(const struct gpu_limits *gpu, const struct cell_dims *cell, int prec, int B, int H,
		       int backward, struct scan_layout *out);

#endif
