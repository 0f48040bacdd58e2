//go:build cgo

package neurons

/*
#cgo LDFLAGS: -lm
#define VL 4
#include "list.h"

struct field { const char *name, *unit, *doc; double value, least, most; };

#define PLANE(n, u, v, d) {#n, u, d, v, 0, 0},
#define PARAM(n, u, v, lo, hi, d) {#n, u, d, v, lo, hi},
#define X(c) \
	static const struct field c##_planes[] = {c##_PLANES(PLANE)}, c##_params[] = {c##_PARAMS(PARAM)};
NEURONS(X)
#undef X

static const struct neuron {
	const char *name;
	const struct field *planes, *params;
	int nplanes, nparams, above, below;
	void (*prepare)(double, const double *, double *);
} neurons[] = {
#define X(c) {#c, c##_planes, c##_params, sizeof c##_planes / sizeof *c##_planes, sizeof c##_params / sizeof *c##_params, c##_ABOVE, c##_BELOW, c##_prepare},
NEURONS(X)
#undef X
};

enum { NEURON_COUNT = sizeof neurons / sizeof *neurons };
static struct neuron neuron_of(int i) { return neurons[i]; }
static struct field field_of(const struct field *f, int i) { return f[i]; }
static void prepare(int i, double dt, const double *p, double *c) { neurons[i].prepare(dt, p, c); }
*/
import "C"

import "unsafe"

// All returns all neurons.
func All() []Neuron {
	var all []Neuron
	for i := range int(C.NEURON_COUNT) {
		h := C.neuron_of(C.int(i))
		n := Neuron{Name: C.GoString(h.name), Above: int(h.above), Below: int(h.below), number: i}
		for k := range h.nplanes {
			f := C.field_of(h.planes, k)
			n.Planes = append(n.Planes, Plane{C.GoString(f.name), C.GoString(f.unit), C.GoString(f.doc), float64(f.value)})
		}
		for k := range h.nparams {
			f := C.field_of(h.params, k)
			n.Params = append(n.Params, Param{C.GoString(f.name), C.GoString(f.unit), C.GoString(f.doc), float64(f.value), float64(f.least), float64(f.most)})
		}
		all = append(all, n)
	}
	return all
}

// Prepare returns the constants of a step of dt ms, given as many parameters as the header has.
func (n Neuron) Prepare(dt float64, params []float64) []float64 {
	c := make([]float64, C.NEURON_CONSTS)
	C.prepare(C.int(n.number), C.double(dt), (*C.double)(unsafe.SliceData(params)), (*C.double)(unsafe.SliceData(c)))
	return c
}
