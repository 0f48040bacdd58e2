// Package cells holds the pointwise mathematics of every cell as plain C headers, compiled by
// the C compiler for the CPU and by the CUDA compiler for the GPU. One header per cell;
// shared/cell.h says what it must define.
package cells

import "embed"

// Headers is the source of all cells.
//
//go:embed *.h shared/*.h
var Headers embed.FS
