//go:build cgo

package cpu

/*
#include "softmax.h"
#include "src/lanes.h"
#include "src/scan.h"

static void softmax(const struct kernels *k, long n, long o, const float *x, float *p, double *ends, double *room)
{
	BY_LANES(softmax, k->lanes)(n, o, x, p, ends, room);
}
*/
import "C"

import "galvani/kernels"

var _ kernels.Softmaxer = (*Device)(nil)

// Softmax implements kernels.Softmaxer. All instruction sets give the same bits.
func (d *Device) Softmax(x []float32, o int, p []float32, ends []kernels.SoftmaxEnd) {
	if len(x) == 0 {
		return
	}
	room := make([]float64, o*C.SOFTMAX_ROWS)
	C.softmax(pick(d.isa), C.long(len(x)/o), C.long(o), (*C.float)(ptr(x)), (*C.float)(ptr(p)), (*C.double)(ptr(ends)), doubles(room))
}
