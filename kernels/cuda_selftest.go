//go:build gpu

package kernels

import (
	"fmt"
	"math"

	"galvani/kernels/cpu"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Bounds on the results of a scan of a few steps against the CPU, hidden states and gradients,
// relative to the largest element. fp32 has rounding errors of 6e-8, through the steps and sums
// of some hundred products in another order. tf32 and bf16 round the factors of products by up
// to u = 2⁻¹¹ and 2⁻⁹: each sum errs by up to 2u of its terms, which partly cancel, and errors of
// a step pass through the next. 16 u is twice what was seen in any cell over 5 steps.
const (
	boundTF32 = 16.0 / (1 << 11)
	boundBF16 = 16.0 / (1 << 9)
)

var cudaBounds = map[string]struct{ h, grad float64 }{
	"fp32": {1e-5, 1e-4},
	"tf32": {boundTF32, boundTF32},
	"bf16": {boundBF16, boundBF16},
}

// selfTest compares two small scans with the CPU: one cell with several state planes and one
// with several products.
//
// Errors: wraps ErrNoDevice where a result differs by more than the bound, and says by how much.
func selfTest(d *cudaDevice) error {
	own := &cudaDevice{d.dev.Fork()}
	for _, cell := range []Cell{
		{Header: "crnn_simple", Consts: []float64{0.2, 1, 0.6, 0, 0.4, 0.9, 0.1, 1, -1, math.Log(0.6), math.Log(0.9), 0, 0, 0}},
		{Header: "lstm"},
	} {
		if err := selfTestCell(own, cell); err != nil {
			own.Close()
			return err
		}
	}
	return own.Close()
}

func selfTestCell(d *cudaDevice, cell Cell) error {
	host, err := OpenCPUWith("portable", 1)
	if err != nil {
		return err
	}
	shape := cpu.Cells()[cell.Header]
	cell.States, cell.Rest = shape.States, make([]float64, shape.States)
	const T, B, I, H = 3, 3, 5, 20
	cfg := ScanConfig{Cell: cell, T: T, B: B, I: I, H: H, Dtype: tensor.Float32}
	for _, p := range []Spec{{Name: "in", Role: In, Shape: []int{shape.In * H, I}}, {Name: "rec", Role: Rec, Shape: []int{shape.Rec * H, H}},
		{Name: "vec", Role: Vec, Shape: []int{shape.Vecs, H}}} {
		p.Learned = true
		cfg.Params = append(cfg.Params, p)
	}
	want, err := selfTestRun(host, cfg, func(t *tensor.Dense) (gorgonia.Value, error) { return t, nil })
	if err != nil {
		return err
	}
	got, err := selfTestRun(d, cfg, func(t *tensor.Dense) (gorgonia.Value, error) {
		m, err := d.Mirror(t)
		if err != nil {
			return nil, err
		}
		return m.View(0, t.Shape()...), nil
	})
	if err != nil {
		return err
	}
	bound := cudaBounds[d.dev.Precision()]
	for k, limit := range []float64{bound.h, bound.grad} {
		if e := farthest(got[k], want[k]); !(e <= limit) {
			return fmt.Errorf("kernels: %s fails its self test: the %s of %s differ from the CPU's by %.2g of the largest, want at most %.2g: %w",
				d.Name(), []string{"hidden states", "gradients"}[k], cell.Header, e, limit, ErrNoDevice)
		}
	}
	return nil
}

// selfTestRun returns h and the packed gradient of a scan whose numbers, within ±0.5, are the
// same on every device.
func selfTestRun(d Device, cfg ScanConfig, place func(*tensor.Dense) (gorgonia.Value, error)) (out [2][]float32, err error) {
	state := uint32(1)
	draw := func(shape ...int) (gorgonia.Value, error) {
		x := make([]float32, tensor.Shape(shape).TotalSize())
		for i := range x {
			state = state*1664525 + 1013904223 // Knuth's linear congruential generator
			x[i] = float32(state>>8)/(1<<24) - 0.5
		}
		return place(wrap(x, shape...))
	}
	var a ScanArgs
	var dh gorgonia.Value
	if a.X, err = draw(cfg.T, cfg.B, cfg.I); err != nil {
		return out, err
	}
	if a.State, err = draw(cfg.Cell.States, cfg.B, cfg.H); err != nil {
		return out, err
	}
	for _, p := range cfg.Params {
		v, err := draw(p.Shape...)
		if err != nil {
			return out, err
		}
		a.Params = append(a.Params, v)
	}
	if dh, err = draw(cfg.T*cfg.B, cfg.H); err != nil {
		return out, err
	}
	plan, err := d.NewScan(cfg)
	if err != nil {
		return out, err
	}
	h, err := plan.Forward(a)
	if err != nil {
		return out, err
	}
	if out[0], err = download(h); err != nil {
		return out, err
	}
	g, err := plan.Backward(a, dh)
	if err != nil {
		return out, err
	}
	out[1], err = download(g)
	return out, err
}

// download waits and returns the elements of a value.
func download(v gorgonia.Value) ([]float32, error) {
	a, ok := v.(interface{ Floats() ([]float32, error) })
	if !ok {
		return append([]float32(nil), v.Data().([]float32)...), nil
	}
	x, err := a.Floats()
	return x, cudaError(err)
}

// farthest returns the largest difference relative to the largest element.
func farthest(got, want []float32) float64 {
	scale, worst := 0.0, 0.0
	for _, w := range want {
		scale = math.Max(scale, math.Abs(float64(w)))
	}
	for i, w := range want {
		worst = math.Max(worst, math.Abs(float64(got[i])-float64(w))/scale)
	}
	return worst
}
