//go:build cgo

package cpu

/*
#include "softmax.h"
#include "src/scan.h"

static void softmax(const struct kernels *k, long n, long o, const float *x, float *p, double *ends, double *room)
{
#if defined(__x86_64__)
	if (k->lanes == 16) {
		softmax_avx512(n, o, x, p, ends, room);
		return;
	}
	if (k->lanes == 8) {
		softmax_avx2(n, o, x, p, ends, room);
		return;
	}
#endif
	softmax_portable(n, o, x, p, ends, room);
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
