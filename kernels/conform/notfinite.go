package conform

import (
	"math"
	"slices"
	"testing"

	"galvani/kernels"

	"gorgonia.org/tensor"
)

// notFinite are the numbers that no step may make finite ones of.
var notFinite = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}

// spreads puts numbers that are not finite into x at one step, row and input, one at a time, and wants the state
// of that row to be not finite from that step on, in every unit, everything else to have the bits that it has
// without, and a gradient that is not finite.
func spreads[F kernels.Float](t *testing.T, dev kernels.Device, v Variant, s Sizes) {
	t.Helper()
	p := NewProblem[F](v, s, 5)
	run := func() (h, grad []F) {
		_, hv, gv := p.Run(t, dev)
		return slices.Clone(hv.Data().([]F)), slices.Clone(gv.Data().([]F))
	}
	at, row := s.T/2, s.B/2
	clean, _ := run()
	for _, bad := range notFinite {
		Data[F](p.Args.X)[(at*s.B+row)*s.I+s.I-1] = F(bad)
		h, grad := run()
		for i, x := range h {
			n, b := i/s.H/s.B, i/s.H%s.B
			want := b != row || n < at
			if finite := x-x == 0; finite != want || finite && x != clean[i] {
				t.Fatalf("x is %v at step %d, row %d: h of step %d, row %d, unit %d is %v, and %v with a finite x", bad, at, row, n, b, i%s.H, x, clean[i])
			}
		}
		if !slices.ContainsFunc(grad, func(g F) bool { return g-g != 0 }) {
			t.Fatalf("x is %v at step %d, row %d: every gradient is finite", bad, at, row)
		}
	}
}

// NotFinite holds cells to this: what is not finite in the input stays so in the state of its row, and reaches no
// other row. The types are those that the device computes in.
func NotFinite(t *testing.T, dev kernels.Device, cells []Variant, s Sizes, types ...tensor.Dtype) {
	for _, v := range cells {
		t.Run(v.Name, func(t *testing.T) {
			for _, dtype := range types {
				if dtype == tensor.Float64 {
					spreads[float64](t, dev, v, s)
				} else {
					spreads[float32](t, dev, v, s)
				}
			}
		})
	}
}
