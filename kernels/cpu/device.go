//go:build cgo

package cpu

import (
	"fmt"
	"runtime"

	"galvani/kernels"

	"gorgonia.org/tensor"
)

// Device is the CPU with one instruction set and a number of threads. It implements kernels.Device.
type Device struct {
	isa     string
	threads int
	most    bool // threads is how many there may be, not how many were asked for
}

var _ kernels.Planner = (*Device)(nil)

// Open returns the CPU with the best instruction set of this machine. The batch is split over the
// given number of threads; 0 means all that the process may use. Results are the same bits for any
// number.
//
// Errors: wraps kernels.ErrNoDevice in a binary built without cgo.
func Open(threads int) (*Device, error) { return OpenISA(Best(), threads) }

// OpenISA is Open for a named instruction set, one of ISAs.
//
// Errors: wraps kernels.ErrNoDevice where the machine lacks it.
func OpenISA(isa string, threads int) (*Device, error) {
	if !Supported(isa) {
		return nil, fmt.Errorf("kernels: cpu: this machine has no %s: %w", isa, kernels.ErrNoDevice)
	}
	if threads <= 0 {
		return &Device{isa: isa, threads: runtime.GOMAXPROCS(0), most: true}, nil
	}
	return &Device{isa: isa, threads: threads}, nil
}

// Name implements kernels.Device. Of threads that were not asked for it tells the largest number.
func (d *Device) Name() string { return fmt.Sprintf("cpu %s x%d", d.isa, d.threads) }

// Close implements kernels.Device; there is nothing to release.
func (d *Device) Close() error { return nil }

// NewScan implements kernels.Device.
func (d *Device) NewScan(cfg kernels.ScanConfig) (kernels.ScanPlan, error) {
	double := cfg.Dtype == tensor.Float64
	switch neuron := cfg.Cell.Neuron != nil; {
	case neuron && double:
		return plan[kernels.ScanPlan](newNeuron[float64]("float64", d.threads, cfg))
	case neuron:
		return plan[kernels.ScanPlan](newNeuron[float32](d.isa, d.threads, cfg))
	case double:
		return plan[kernels.ScanPlan](NewScan[float64]("float64", d.threads, cfg))
	}
	return plan[kernels.ScanPlan](NewScan[float32](d.isa, d.threads, cfg))
}

// ScanBytes implements kernels.Planner.
func (d *Device) ScanBytes(cfg kernels.ScanConfig) (int64, error) {
	double := cfg.Dtype == tensor.Float64
	switch neuron := cfg.Cell.Neuron != nil; {
	case neuron && double:
		return neuronBytes[float64]("float64", d.threads, cfg)
	case neuron:
		return neuronBytes[float32](d.isa, d.threads, cfg)
	case double:
		return scanBytes[float64]("float64", d.threads, cfg)
	}
	return scanBytes[float32](d.isa, d.threads, cfg)
}

// NewLinear implements kernels.Device.
func (d *Device) NewLinear(cfg kernels.LinearConfig) (kernels.LinearPlan, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Dtype == tensor.Float64 {
		return plan[kernels.LinearPlan](newLinear[float64]("float64", d.threads, cfg))
	}
	return plan[kernels.LinearPlan](newLinear[float32](d.isa, d.threads, cfg))
}

// NewWeights implements kernels.Device.
func (d *Device) NewWeights(cfg kernels.WeightsConfig) (kernels.WeightsPlan, error) {
	return newWeights(cfg)
}

// plan returns p as a plan, and nothing where it could not be made.
func plan[P any, Q interface{ *T }, T any](p Q, err error) (P, error) {
	var none P
	if err != nil {
		return none, err
	}
	return any(p).(P), nil
}
