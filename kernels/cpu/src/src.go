// Package src holds what the kernels of the CPU are compiled from: the scan loop, the packed
// product and their interface (scan.h). The packages of kernels/cpu/isa compile it, each for one
// instruction set; importing this package makes Go compile them again when a file here, or a
// header of a cell, changes.
//
// It imports kernels/cells for the headers; the packages of kernels/cpu/isa alone import it.
package src

import (
	"embed"

	"galvani/kernels/cells"
)

// Files are the C files of this folder.
//
//go:embed *.h
var Files embed.FS

// Cells are the headers that they include.
var Cells = cells.Headers
