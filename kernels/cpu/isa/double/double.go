//go:build cgo

// Package double is the kernels of kernels/cpu compiled for double precision: the oracle for gradient checks, not for speed.
//
// It imports the sources (kernels/cpu/src, kernels/cells, kernels/compartments, kernels/random); kernels/cpu alone imports it.
package double

/*
#cgo CFLAGS: -O2 -g1 -Wno-psabi -Wno-unknown-pragmas
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
func Kernels() unsafe.Pointer { return unsafe.Pointer(&C.galvani_float64) }

// Neurons points to a struct neuron_kernels of src/neuron_kernels.h.
func Neurons() unsafe.Pointer { return unsafe.Pointer(&C.galvani_neuron_float64) }
