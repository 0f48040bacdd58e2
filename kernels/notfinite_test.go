//go:build cgo

package kernels

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"galvani/kernels/cpu"
)

// notFinite are the numbers that no step may make finite ones of.
var notFinite = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}

// spreads puts a number that is not finite into x at one step, row and input, and wants the state of
// that row to be not finite from that step on, in every unit, everything else to have the bits that it
// has without, and a gradient that is not finite. run returns h and the packed gradient.
func spreads[F float](t *testing.T, v variant, s sizes, bad float64, run func(p *problem) (h, grad []F)) {
	t.Helper()
	p := newProblem[F](v, s, 5)
	at, row := s.T/2, s.B/2
	clean, _ := run(p)
	data[F](p.args.X)[(at*s.B+row)*s.I+s.I-1] = F(bad)
	h, grad := run(p)
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

// onCPU runs problems on a device in host memory.
func onCPU[F float](t *testing.T, dev Device) func(p *problem) (h, grad []F) {
	return func(p *problem) (h, grad []F) {
		plan, err := dev.NewScan(p.cfg)
		if err != nil {
			t.Fatal(err)
		}
		hv, err := plan.Forward(p.args)
		if err != nil {
			t.Fatal(err)
		}
		gv, err := plan.Backward(p.args, p.weight)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(data[F](hv)), slices.Clone(data[F](gv))
	}
}

// TestNotFiniteSpreads: every cell, on every instruction set.
func TestNotFiniteSpreads(t *testing.T) {
	s := sizes{T: 7, B: 9, I: 5, H: 19}
	for _, isa := range cpu.ISAs {
		dev, err := OpenCPUWith(isa, 2)
		if errors.Is(err, ErrNoDevice) {
			t.Logf("%s: not on this machine", isa)
			continue
		}
		for _, v := range variants() {
			t.Run(fmt.Sprintf("%s/%s", isa, v.name), func(t *testing.T) {
				for _, bad := range notFinite {
					spreads(t, v, s, bad, onCPU[float32](t, dev))
					spreads(t, v, s, bad, onCPU[float64](t, dev))
				}
			})
		}
	}
}
