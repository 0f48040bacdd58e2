//go:build cgo && amd64

// Package avx2 is the kernels of kernels/cpu compiled for AVX2 with FMA.
//
// It imports the sources (kernels/cpu/src, kernels/cells, kernels/compartments, kernels/random); kernels/cpu alone imports it.
package avx2

/*
#cgo CFLAGS: -O3 -g1 -Wno-psabi -Wno-unknown-pragmas
#cgo LDFLAGS: -lm
#include "../../src/neuron_kernels.h"
#include "../../src/scan.h"
*/
import "C"

import (
	"unsafe"

	// What is compiled here, so that it is compiled again when a file of it changes.
	_ "galvani/kernels/cells"
	_ "galvani/kernels/compartments"
	_ "galvani/kernels/cpu/src"
	_ "galvani/kernels/random"
)

// Kernels points to a struct kernels of src/scan.h.
func Kernels() unsafe.Pointer { return unsafe.Pointer(&C.galvani_avx2) }

// Neurons points to a struct neuron_kernels of src/neuron_kernels.h.
func Neurons() unsafe.Pointer { return unsafe.Pointer(&C.galvani_neuron_avx2) }
