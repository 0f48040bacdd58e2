/* host.h - what the Go side reads of this folder. */
#ifndef GALVANI_HOST_H
#define GALVANI_HOST_H

#include "params.h"
#include "layout.h"
#include "launch.h"

/* What a cell's header says of itself; see kernels/cells/shared/cell.h. */
struct cell_facts {
	const char *name;
	struct cell_dims dims;
	int first, uses_in, uses_rec;
	int plane[8]; /* REC_PLANE(g) */
};

#endif
