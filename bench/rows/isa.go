//go:build cgo

package rows

import "galvani/kernels/cpu"

// isa returns the instruction set that the CPU kernels use.
func isa() string { return cpu.Best() }
