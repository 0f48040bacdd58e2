//go:build cgo

// Package double is the kernels of kernels/cpu compiled for double precision: the oracle for gradient checks, not for speed.
//
// It imports the sources (kernels/cpu/src); kernels/cpu alone imports it.
package double

/*
#cgo CFLAGS: -O2 -Wno-psabi -Wno-unknown-pragmas
#cgo LDFLAGS: -lm
#include "../../src/scan.h"
*/
import "C"

import (
	"unsafe"

	"galvani/kernels/cpu/src"
)

var _ = src.Files

// Kernels points to a struct kernels of src/scan.h.
func Kernels() unsafe.Pointer { return unsafe.Pointer(&C.galvani_float64) }
