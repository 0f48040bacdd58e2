//go:build cgo

// Package portable is the kernels of kernels/cpu compiled for any 64-bit target, in vectors of four lanes.
//
// It imports the sources (kernels/cpu/src); kernels/cpu alone imports it.
package portable

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
func Kernels() unsafe.Pointer { return unsafe.Pointer(&C.galvani_portable) }
