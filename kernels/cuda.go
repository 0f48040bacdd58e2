//go:build gpu

package kernels

// The CUDA device is built with the tag gpu only; this package is the one importer of cu.
import _ "gorgonia.org/cu"
