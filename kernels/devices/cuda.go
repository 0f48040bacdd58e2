//go:build gpu

package devices

import (
	"fmt"

	"galvani/kernels"
	"galvani/kernels/cuda"
	"galvani/kernels/driver"
)

// OpenCUDA returns a GPU in one of kernels.Precisions; "" is fp32. Before it does, it holds two small
// scans to the CPU.
//
// Errors: wraps kernels.ErrNoDevice where there is no such GPU, where it lacks the precision, and where
// its results differ from the CPU's.
func OpenCUDA(index int, precision string) (kernels.Resident, error) {
	dev, err := cuda.Open(index, cuda.Options{Precision: precision})
	if err != nil {
		return nil, err
	}
	if err := selfTest(dev, kernels.Rounding(dev.Precision())); err != nil {
		dev.Close()
		return nil, err
	}
	return dev, nil
}

// GPUs lists the NVIDIA GPUs of this machine.
//
// Errors: wraps kernels.ErrNoDevice and says why there is none.
func GPUs() ([]GPU, error) {
	infos, err := driver.Devices()
	if err != nil {
		return nil, fmt.Errorf("kernels: %w: %w", err, kernels.ErrNoDevice)
	}
	var gpus []GPU
	for _, i := range infos {
		gpus = append(gpus, GPU{Index: i.Index, Name: i.Name, Compute: fmt.Sprintf("%d.%d", i.Major, i.Minor),
			Memory: i.Memory, Driver: driver.Version()})
	}
	return gpus, nil
}
