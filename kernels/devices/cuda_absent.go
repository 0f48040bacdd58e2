//go:build !gpu

package devices

import (
	"fmt"

	"galvani/kernels"
)

const noCUDA = "this build has no CUDA; build with make"

// GPUs lists the NVIDIA GPUs of this machine.
//
// Errors: wraps kernels.ErrNoDevice and says why there is none.
func GPUs() ([]GPU, error) { return nil, fmt.Errorf("%s: %w", noCUDA, kernels.ErrNoDevice) }

// OpenCUDA returns a GPU in one of kernels.Precisions; "" is fp32.
//
// Errors: wraps kernels.ErrNoDevice where the GPU cannot be used, and says why.
func OpenCUDA(index int, precision string) (kernels.Resident, error) {
	return nil, fmt.Errorf("%s: %w", noCUDA, kernels.ErrNoDevice)
}
