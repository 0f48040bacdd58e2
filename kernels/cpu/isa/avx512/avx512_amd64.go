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

	"galvani/kernels/cells"
	"galvani/kernels/cpu/src"
	"galvani/kernels/random"
)

// What is compiled here, so that it is compiled again when a file of it changes.
var _, _ = src.Files, cells.Headers
var _, _ = random.Header, random.NormalHeader

// Kernels points to a struct kernels of src/scan.h.
func Kernels() unsafe.Pointer { return unsafe.Pointer(&C.galvani_avx512) }
