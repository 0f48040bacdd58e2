//go:build cgo && amd64

// Package avx512 is the kernels of kernels/cpu compiled for AVX-512.
//
// It imports the sources (kernels/cpu/src); kernels/cpu alone imports it.
package avx512

/*
#cgo CFLAGS: -O3 -Wno-psabi -Wno-unknown-pragmas
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
func Kernels() unsafe.Pointer { return unsafe.Pointer(&C.galvani_avx512) }
