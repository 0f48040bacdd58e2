//go:build cgo

package cpu

import (
	"fmt"

	"galvani/kernels"
	"galvani/kernels/monitor"

	"gorgonia.org/tensor"
)

// Device is the CPU with one instruction set and a number of threads. It implements kernels.Device.
type Device struct {
	isa     string
	scans   string // the instruction set of scans in float32
	threads int
	most    bool // threads is how many there may be, not how many were asked for
	tempo   *tempo
}

var _ kernels.Planner = (*Device)(nil)

// Open returns the CPU with the best instruction set of this machine. The batch is split over the
// given number of threads; 0 means all that the process may use. Results are the same bits for any
// number.
//
// Errors: wraps kernels.ErrNoDevice in a binary built without cgo.
func Open(threads int) (*Device, error) { return OpenISA(Best(), threads) }

// OpenPrecision is Open for one of kernels.Precisions, "" is fp32. With bf16 the products of scans are of bfloat16; all
// else, read-outs among it, is float32.
//
// Errors: those of Open; wraps kernels.ErrNoDevice where the CPU lacks the precision.
func OpenPrecision(precision string, threads int) (*Device, error) {
	d, err := Open(threads)
	switch {
	case err != nil:
		return nil, err
	case precision == "" || precision == kernels.Precisions[0]:
	case precision == "bf16" && d.HasBF16():
		d.scans = bf16
	case precision == "bf16":
		return nil, fmt.Errorf("kernels: cpu: products in bf16 need AVX512-BF16, and this CPU has none: %w", kernels.ErrNoDevice)
	default:
		return nil, fmt.Errorf("kernels: cpu: a CPU has no products in %s: %w", precision, kernels.ErrNoDevice)
	}
	return d, nil
}

// HasBF16 reports whether OpenPrecision opens the CPU of d for bf16.
func (d *Device) HasBF16() bool { return Supported(bf16) }

// OpenISA is Open for a named instruction set, one of ISAs.
//
// Errors: wraps kernels.ErrNoDevice where the machine lacks it.
func OpenISA(isa string, threads int) (*Device, error) {
	if !Supported(isa) {
		return nil, fmt.Errorf("kernels: cpu: this machine has no %s: %w", isa, kernels.ErrNoDevice)
	}
	d := &Device{isa: isa, scans: isa, threads: threads, most: threads <= 0, tempo: newTempo()}
	if d.most {
		d.threads = monitor.Cores()
	}
	return d, nil
}

// Name implements kernels.Device. Of threads that were not asked for it tells the largest number.
func (d *Device) Name() string { return fmt.Sprintf("cpu %s x%d", d.scans, d.threads) }

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
		return newScan[float64](d, "float64", cfg)
	}
	return newScan[float32](d, d.scans, cfg)
}

// newScan makes a scan that goes by the tempo of the device.
func newScan[F kernels.Float](d *Device, isa string, cfg kernels.ScanConfig) (kernels.ScanPlan, error) {
	s, err := NewScan[F](isa, d.threads, cfg)
	if err != nil {
		return nil, err
	}
	s.tempo = d.tempo
	return s, nil
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
	return scanBytes[float32](d.scans, d.threads, cfg)
}

// NewLinear implements kernels.Device.
func (d *Device) NewLinear(cfg kernels.LinearConfig) (kernels.LinearPlan, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Dtype == tensor.Float64 {
		return plan[kernels.LinearPlan](newLinear[float64](d, "float64", cfg))
	}
	return plan[kernels.LinearPlan](newLinear[float32](d, d.isa, cfg))
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
