//go:build cgo

package cpu

// #include "src/scan.h"
import "C"

import (
	"unsafe"

	"galvani/kernels/cpu/isa/double"
	"galvani/kernels/cpu/isa/portable"
)

// ISAs lists the instruction sets for float32 in order of preference.
var ISAs = []string{"avx512", "avx2", "portable"}

// Best returns the first of ISAs that this machine has.
func Best() string {
	for _, name := range ISAs {
		if Supported(name) {
			return name
		}
	}
	return "portable"
}

// Supported reports whether this machine can run the instruction set.
func Supported(isa string) bool { return pick(isa) != nil }

// pick returns the kernels of an instruction set, or nil if this machine lacks it.
func pick(isa string) *C.struct_kernels {
	var k unsafe.Pointer
	switch isa {
	case "portable":
		k = portable.Kernels()
	case "float64":
		k = double.Kernels()
	default:
		k = vectors(isa)
	}
	return (*C.struct_kernels)(k)
}
