//go:build !gpu

package kernels

import "fmt"

const noCUDA = "this build has no CUDA; build with make"

// GPUs lists the NVIDIA GPUs of this machine.
//
// Errors: wraps ErrNoDevice and says why there is none.
func GPUs() ([]GPU, error) { return nil, fmt.Errorf("%s: %w", noCUDA, ErrNoDevice) }

// OpenCUDA returns a GPU as a Resident device.
//
// Errors: wraps ErrNoDevice where the GPU cannot be used, and says why.
func OpenCUDA(int, CUDAOptions) (Device, error) {
	return nil, fmt.Errorf("%s: %w", noCUDA, ErrNoDevice)
}
