// Package cells holds the pointwise mathematics of every cell as plain C headers, compiled by
// the C compiler for the CPU and by the CUDA compiler for the GPU. One header per cell;
// shared/cell.h says what it must define, and list.h lists them for all that read them: C, CUDA,
// Go and the scripts that build PTX and the emulated driver. What a header declares in tables (planes,
// parameters, constants) has names, units and ranges; Go reads them from its text, and limits.h, the sizes
// that all cells fit, is generated from them.
//
// It imports nothing of the project. The contract (package kernels), the devices and the
// conformance suite may import it.
package cells
