//go:build cgo && amd64

// Package avx512 is the kernels of kernels/cpu compiled for AVX-512.
//
// It imports the sources (kernels/cpu/src, kernels/cells, kernels/random); kernels/cpu alone imports it.
package avx512

/*
#cgo CFLAGS: -O3 -g1 -Wno-psabi -Wno-unknown-pragmas
#cgo LDFLAGS: -lm
#include "../../src/scan.h"
*/
import "C"

import (
	"unsafe"

	// What is compiled here, so that it is compiled again when a file of it changes.
	_ "galvani/kernels/cells"
	_ "galvani/kernels/cpu/src"
	_ "galvani/kernels/random"
)

// Kernels points to a struct kernels of src/scan.h.
func Kernels() unsafe.Pointer { return unsafe.Pointer(&C.galvani_avx512) }
