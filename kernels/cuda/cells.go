//go:build gpu

package cuda

/*
#include "host.h"

#define GALVANI_F64
#define SKIP_TEMPLATES
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#include <math.h>
#include "../cpu/instances.h"

#define X(c) {#c, {c##_STATES, c##_IN, c##_REC, c##_DRIVES, c##_AXIAL, c##_VECS, c##_PREP}, c##_FIRST, \
	c##_USES_IN, c##_USES_REC, {c##_REC_PLANE(0), c##_REC_PLANE(1), c##_REC_PLANE(2), c##_REC_PLANE(3), \
	c##_REC_PLANE(4), c##_REC_PLANE(5), c##_REC_PLANE(6), c##_REC_PLANE(7)}},
static const struct cell_facts facts[] = {CELLS(X)};
#undef X

static int cells(void) { return (int)(sizeof facts / sizeof *facts); }
static struct cell_facts cell(int i) { return facts[i]; }
*/
import "C"

import (
	"fmt"

	"galvani/kernels/cells" // the headers; importing them makes a changed header rebuild this package
)

var _ = cells.Headers

// Cells returns the names of all cells.
func Cells() []string {
	var names []string
	for i := range C.cells() {
		names = append(names, C.GoString(C.cell(i).name))
	}
	return names
}

// cellFacts returns what the header of the named cell says of itself.
func cellFacts(name string) (C.struct_cell_facts, error) {
	for i := range C.cells() {
		if f := C.cell(i); C.GoString(f.name) == name {
			if int(f.dims.rec) > len(f.plane) || f.dims.states > C.MAX_STATES || max(f.dims.vecs+1, f.dims.prep) > C.MAX_PLANES {
				return f, fmt.Errorf("cuda: cell %s has %d products, %d states, %d vectors and %d prepared planes, want at most %d, %d, %d and %d",
					name, f.dims.rec, f.dims.states, f.dims.vecs, f.dims.prep, len(f.plane), C.MAX_STATES, C.MAX_PLANES-1, C.MAX_PLANES)
			}
			return f, nil
		}
	}
	return C.struct_cell_facts{}, fmt.Errorf("cuda: no kernel for cell %q", name)
}
