//go:build cgo

// Package header calls the steps of the headers of kernels/optimisers, for the test that holds them to what
// the host computes.
//
// It imports nothing of the project but kernels/optimisers, whose headers it includes, and only that test
// imports it.
package header

// #cgo LDFLAGS: -lm
// #include <math.h>
// // A volatile number is rounded, never part of a fused operation.
// static float rounded(volatile float x) { return x; }
// static float exact_add(float a, float b) { return rounded(a + b); }
// static float exact_mul(float a, float b) { return rounded(a * b); }
// static float exact_div(float a, float b) { return rounded(a / b); }
// static float exact_sqrt(float a) { return rounded(sqrtf(a)); }
// #define RULE_FN static
// #include "../../list.h"
// typedef float step_fn(const float *c, float g, float *s);
// #define X(name) name##_step,
// static step_fn *const steps[] = {OPTIMISERS(X)};
// #undef X
// static float step(int rule, const float *c, float g, float *s) { return steps[rule](c, g, s); }
import "C"

import (
	"unsafe"

	"galvani/kernels/optimisers"
)

// Headers makes Go compile this package again when a header changes.
var Headers = optimisers.Headers

// Step returns the direction of the step of one element for a header by its number in list.h, and moves its
// state [SLOTS] on. C are the factors of the header.
func Step(rule int, c []float32, g float32, state []float32) float32 {
	return float32(C.step(C.int(rule), (*C.float)(unsafe.SliceData(c)), C.float(g), (*C.float)(unsafe.SliceData(state))))
}
