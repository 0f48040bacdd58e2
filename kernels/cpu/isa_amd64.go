//go:build cgo

package cpu

import (
	"unsafe"

	"galvani/kernels/cpu/isa/avx2"
	"galvani/kernels/cpu/isa/avx512"
	"galvani/kernels/cpu/isa/avx512bf16"

	"golang.org/x/sys/cpu"
)

// vectors returns the kernels of an instruction set that not every machine has. Neurons go by AVX2 also where there is
// AVX-512: its tables of gates take less time than the exponentials that 16 lanes take at once (bench/NOTES-cpu.md).
func vectors(isa string) (scan, neuron unsafe.Pointer) {
	x := &cpu.X86
	switch {
	case isa == "avx512" && x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL && x.HasFMA:
		return avx512.Kernels(), avx2.Neurons()
	case isa == bf16 && x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL && x.HasFMA && x.HasAVX512BF16:
		return avx512bf16.Kernels(), nil
	case isa == "avx2" && x.HasAVX2 && x.HasFMA:
		return avx2.Kernels(), avx2.Neurons()
	}
	return nil, nil
}
