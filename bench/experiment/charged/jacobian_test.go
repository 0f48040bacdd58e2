package charged

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/experiment/probe"
	"galvani/kernels/devices/devicetest"
)

func TestJacobian(t *testing.T) {
	o := exptest.Quickly(t, "jacobian")
	if o.Verdict != experiment.Holds && o.Verdict != experiment.HoldsWhen {
		t.Errorf("the shift of the explicit step is not exact: %v", o.Tables[0])
	}
}

// TestJacobianRows holds a Jacobian by the adjoint to differences of the step itself.
func TestJacobianRows(t *testing.T) {
	devicetest.CPU(t, 1)
	const eps, tolerance = 1e-6, 1e-8 // rounding over eps, and eps²
	for _, rule := range stepRules {
		s := &jacobian{Networks: 2, Units: 3, Levels: []float64{0, 1}}
		p, _, _, err := s.networks(&experiment.Env{Threads: 1}, rule, 5)
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.Course(2, s.Units, true)
		if err != nil {
			t.Fatal(err)
		}
		one, err := p.Course(1, 1, false)
		if err != nil {
			t.Fatal(err)
		}
		c.Hold([]float64{0.7})
		one.Hold([]float64{0.7})
		r := rand.New(rand.NewPCG(2, 3))
		state := p.Rest(1)
		for i := range state {
			state[i] = 0.8 * r.Float64()
		}
		if _, _, err := c.Forward(probe.Tile(state, p.Cell.States, s.Units)); err != nil {
			t.Fatal(err)
		}
		results, err := s.rows(c)
		if err != nil {
			t.Fatal(err)
		}
		_, middle, err := one.Forward(state)
		if err != nil {
			t.Fatal(err)
		}
		middle = slices.Clone(middle)
		units := p.Dims.H
		for from := range units {
			var ends [2][]float64
			for k, e := range []float64{eps, -eps} {
				moved := slices.Clone(middle)
				moved[from] += e
				h, _, err := one.Forward(moved)
				if err != nil {
					t.Fatal(err)
				}
				ends[k] = slices.Clone(h)
			}
			for b := range s.Units {
				to := from/s.Units*s.Units + b
				want := (ends[0][to] - ends[1][to]) / (2 * eps)
				if got := results[b*units+from]; math.Abs(got-want) > tolerance {
					t.Errorf("%s: ∂h%d/∂h%d is %v, want %v", rule, to, from, got, want)
				}
			}
		}
	}
}
