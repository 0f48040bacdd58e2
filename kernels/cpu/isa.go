//go:build cgo

package cpu

// #include "src/neuron_kernels.h"
// #include "src/scan.h"
import "C"

import (
	"unsafe"

	"galvani/kernels/cpu/isa/double"
	"galvani/kernels/cpu/isa/portable"
)

// ISAs lists the instruction sets for float32 in order of preference.
var ISAs = []string{"avx512", "avx2", "portable"}

// bf16 is the instruction set of scans whose products are of bfloat16. It has nothing else.
const bf16 = "avx512bf16"

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

// pick returns the scan of an instruction set, or nil if this machine lacks it.
func pick(isa string) *C.struct_kernels {
	scan, _ := compiled(isa)
	return (*C.struct_kernels)(scan)
}

// pickNeuron returns the loops over neurons of an instruction set, or nil if this machine lacks it.
func pickNeuron(isa string) *C.struct_neuron_kernels {
	_, neuron := compiled(isa)
	return (*C.struct_neuron_kernels)(neuron)
}

// compiled returns what is compiled for an instruction set.
func compiled(isa string) (scan, neuron unsafe.Pointer) {
	switch isa {
	case "portable":
		return portable.Kernels(), portable.Neurons()
	case "float64":
		return double.Kernels(), double.Neurons()
	}
	return vectors(isa)
}
