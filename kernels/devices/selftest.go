//go:build gpu

package devices

import (
	"fmt"
	"math"

	"galvani/kernels"
	"galvani/kernels/cells"
	"galvani/kernels/cpu"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// selfTest compares two small scans with the CPU, within a bound: one cell with several state planes and one
// with several products.
//
// Errors: wraps kernels.ErrNoDevice where a result differs by more than the bound, and says by how much.
func selfTest(d kernels.Resident, bound kernels.Errors) error {
	own, err := d.Fork()
	if err != nil {
		return err
	}
	for _, cell := range []kernels.Cell{
		{Header: "crnn_simple", Consts: []float64{0.2, 1, 0.6, 0, 0.4, 0.9, 0.1, 1, -1, math.Log(0.6), math.Log(0.9), 0, 0, 0}},
		{Header: "lstm"},
	} {
		if err := selfTestCell(own, cell, bound); err != nil {
			own.Close()
			return err
		}
	}
	return own.Close()
}

func selfTestCell(d kernels.Resident, cell kernels.Cell, bound kernels.Errors) error {
	host, err := cpu.OpenISA("portable", 1)
	if err != nil {
		return err
	}
	shape, _ := cells.ShapeOf(cell.Header)
	cell.States, cell.Rest = shape.States, make([]float64, shape.States)
	const T, B, I, H = 3, 3, 5, 20
	cfg := kernels.ScanConfig{Cell: cell, T: T, B: B, I: I, H: H, Dtype: tensor.Float32}
	for _, p := range []kernels.Spec{{Name: "in", Role: kernels.In, Shape: []int{shape.In * H, I}}, {Name: "rec", Role: kernels.Rec, Shape: []int{shape.Rec * H, H}},
		{Name: "vec", Role: kernels.Vec, Shape: []int{shape.Vecs, H}}} {
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
	for k, limit := range []float64{bound.H, bound.Grad} {
		if e := farthest(got[k], want[k]); !(e <= limit) {
			return fmt.Errorf("kernels: %s fails its self test: the %s of %s differ from the CPU's by %.2g of the largest, want at most %.2g: %w",
				d.Name(), []string{"hidden states", "gradients"}[k], cell.Header, e, limit, kernels.ErrNoDevice)
		}
	}
	return nil
}

// selfTestRun returns h and the packed gradient of a scan whose numbers, within ±0.5, are the
// same on every device.
func selfTestRun(d kernels.Device, cfg kernels.ScanConfig, place func(*tensor.Dense) (gorgonia.Value, error)) (out [2][]float32, err error) {
	state := uint32(1)
	draw := func(shape ...int) (gorgonia.Value, error) {
		x := make([]float32, tensor.Shape(shape).TotalSize())
		for i := range x {
			state = state*1664525 + 1013904223 // Knuth's linear congruential generator
			x[i] = float32(state>>8)/(1<<24) - 0.5
		}
		return place(kernels.Wrap(x, shape...))
	}
	var a kernels.ScanArgs
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
	if out[0], err = kernels.Download(h); err != nil {
		return out, err
	}
	g, err := plan.Backward(a, dh)
	if err != nil {
		return out, err
	}
	out[1], err = kernels.Download(g)
	return out, err
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
