// Package src holds what the kernels of the CPU are compiled from: the scan loop, the packed
// product and their interface (scan.h). The packages of kernels/cpu/isa compile it, each for one
// instruction set; importing this package makes Go compile them again when a file here changes.
//
// It imports nothing; kernels/cpu and the packages of kernels/cpu/isa alone import it.
package src

import "embed"

// Files are the C files of this folder.
//
//go:embed *.h
var Files embed.FS
