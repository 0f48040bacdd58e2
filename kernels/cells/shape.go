//go:build cgo

package cells

/*
#define GALVANI_F64
#include <math.h>
#include "list.h"

enum { PLANES = 8 };

struct shape {
	int states, in, rec, drives, axial, vecs, prep, first, elapsed, uses_in, uses_rec;
	int plane[PLANES];
};

#define X(c) {c##_STATES, c##_IN, c##_REC, c##_DRIVES, c##_AXIAL, c##_VECS, c##_PREP, c##_FIRST, c##_ELAPSED, \
	c##_USES_IN, c##_USES_REC, {c##_REC_PLANE(0), c##_REC_PLANE(1), c##_REC_PLANE(2), c##_REC_PLANE(3), \
	c##_REC_PLANE(4), c##_REC_PLANE(5), c##_REC_PLANE(6), c##_REC_PLANE(7)}},
static const struct shape shapes[] = {CELLS(X)};
#undef X

static struct shape shape_of(int i) { return shapes[i]; }
*/
import "C"

import "slices"

// ShapeOf returns the shape of a cell; false means that this binary has no kernel for it.
func ShapeOf(name string) (Shape, bool) {
	i := slices.Index(Names(), name)
	if i < 0 {
		return Shape{}, false
	}
	c := C.shape_of(C.int(i))
	s := Shape{States: int(c.states), In: int(c.in), Rec: int(c.rec), Drives: int(c.drives), Axial: int(c.axial),
		Vecs: int(c.vecs), Prep: int(c.prep), First: int(c.first), Elapsed: int(c.elapsed),
		UsesIn: c.uses_in != 0, UsesRec: c.uses_rec != 0}
	for g := range min(s.Rec, C.PLANES) {
		s.Plane = append(s.Plane, int(c.plane[g]))
	}
	return s, true
}
