//go:build !cgo

package cpu

import (
	"fmt"

	"galvani/kernels"
)

// Device is absent from a binary built without cgo: the scan kernels are C.
type Device struct{ kernels.Device }

// Open fails.
//
// Errors: wraps kernels.ErrNoDevice.
func Open(int) (*Device, error) {
	return nil, fmt.Errorf("kernels: cpu: built without cgo; install gcc and build again with CGO_ENABLED=1: %w", kernels.ErrNoDevice)
}

// OpenPrecision fails like Open.
func OpenPrecision(string, int) (*Device, error) { return Open(0) }

// OpenISA fails like Open.
func OpenISA(string, int) (*Device, error) { return Open(0) }
