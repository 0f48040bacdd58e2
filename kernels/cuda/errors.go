//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"slices"

	"galvani/kernels"
	"galvani/kernels/driver"

	"gorgonia.org/tensor"
)

// sentinel adds the sentinels of the contract to an error of a GPU.
func sentinel(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, driver.ErrMemory):
		return fmt.Errorf("kernels: %w: %w", err, kernels.ErrMemory)
	case errors.Is(err, driver.ErrUnavailable), errors.Is(err, ErrPrecision), errors.Is(err, ErrTooOld):
		return fmt.Errorf("kernels: %w: %w", err, kernels.ErrNoDevice)
	case lostHardware(err):
		return fmt.Errorf("kernels: %w: %w", err, kernels.ErrLost)
	case errors.Is(err, driver.ErrLost):
		return fmt.Errorf("kernels: %w: %w", err, kernels.ErrFault)
	}
	return fmt.Errorf("kernels: %w", err)
}

// lostHardware tells failures of the hardware from faults of a kernel, after which the context
// is gone too.
func lostHardware(err error) bool {
	const eccUncorrectable, nvlinkUncorrectable, launchTimeout = 214, 220, 702
	var e *driver.Error
	return errors.As(err, &e) && slices.Contains([]int{eccUncorrectable, nvlinkUncorrectable, launchTimeout}, e.Code)
}

// float32Only refuses other types.
func float32Only(name string, t tensor.Dtype) error {
	if t != tensor.Float32 {
		return fmt.Errorf("kernels: %s: CUDA computes in float32, not in %v: %w", name, t, kernels.ErrShape)
	}
	return nil
}
