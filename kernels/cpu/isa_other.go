//go:build cgo && !amd64

package cpu

import "unsafe"

// vectors returns nil: this machine has the portable kernels only.
func vectors(string) (scan, neuron unsafe.Pointer) { return nil, nil }
