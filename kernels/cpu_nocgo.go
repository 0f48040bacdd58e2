//go:build !cgo

package kernels

import "fmt"

// OpenCPU fails: the scan kernels are C, and this binary was built without cgo.
func OpenCPU(int) (Device, error) {
	return nil, fmt.Errorf("kernels: cpu: built without cgo; install gcc and build again with CGO_ENABLED=1: %w", ErrNoDevice)
}

// OpenCPUWith fails like OpenCPU.
func OpenCPUWith(string, int) (Device, error) { return OpenCPU(0) }
