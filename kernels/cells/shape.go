//go:build cgo

package cells

/*
#define GALVANI_F64
#include <math.h>
#include "list.h"

struct shape {
	int states, in, rec, drives, axial, vecs, prep, consts, first, elapsed, uses_in, uses_rec;
	int (*plane)(int);
};

#define X(c) static int c##_plane_of(int g) { (void)g; return c##_REC_PLANE(g); }
CELLS(X)
#undef X

#define X(c) {c##_STATES, c##_IN, c##_REC, c##_DRIVES, c##_AXIAL, c##_VECS, c##_PREP, CELL_ROWS(c##_CONSTS), \
	c##_FIRST, c##_ELAPSED, c##_USES_IN, c##_USES_REC, c##_plane_of},
static const struct shape shapes[] = {CELLS(X)};
#undef X

static int plane_of(int i, int g) { return shapes[i].plane(g); }
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
		Vecs: int(c.vecs), Prep: int(c.prep), Consts: int(c.consts), First: int(c.first), Elapsed: int(c.elapsed),
		UsesIn: c.uses_in != 0, UsesRec: c.uses_rec != 0}
	for g := range s.Rec {
		s.Plane = append(s.Plane, int(C.plane_of(C.int(i), C.int(g))))
	}
	return s, true
}
