package models

import (
	"math"
	"slices"
	"testing"

	"gorgonia.org/tensor"

	"galvani/kernels/devices/devicetest"
)

// nestTolerance bounds what two ways to the same numbers may differ by in float64.
const nestTolerance = 1e-12

// TestConductancesNest: what must be the same network, by the equations, is.
func TestConductancesNest(t *testing.T) {
	fixed := NewCondFixed()
	off := NewCondVarying()
	off.InputConductance = false
	pre, post, scalar, gru := NewCondVarying(), NewCondVarying(), NewCondVarying(), NewCondGRU()
	post.AShape, scalar.AShape = "post", "scalar"
	ones := func(a float64) func(map[string][]float64) {
		return func(p map[string][]float64) {
			for i := range p["cell.A"] {
				p["cell.A"][i] = a
			}
		}
	}
	for name, c := range map[string]struct {
		a, b   Cell
		change func(a, b map[string][]float64)
	}{
		"varying without A and |P| x is fixed": {off, fixed, func(a, _ map[string][]float64) { ones(0)(a) }},
		"equal A_j are one A":                  {pre, scalar, func(a, b map[string][]float64) { ones(0.7)(a); ones(0.7)(b) }},
		"equal A_i are one A":                  {post, scalar, func(a, b map[string][]float64) { ones(0.7)(a); ones(0.7)(b) }},
		"gru without W_z and P_z is fixed": {gru, fixed, func(a, _ map[string][]float64) {
			clear(a["cell.W_z"])
			clear(a["cell.P_z"])
		}},
	} {
		for _, dev := range devicetest.Hosts(t, 2) {
			s := size{T: 6, B: 3, I: 2, H: 5, O: 2}
			x := newFixture(t, variant{name: "a", cell: c.a}, s, every|masked)
			y := newFixture(t, variant{name: "b", cell: c.b}, s, every|masked)
			for param, e := range y.values {
				copy(x.values[param], e)
			}
			c.change(x.values, y.values)
			x.seq = y.seq
			x, y = x.on(t, tensor.Float64, dev), y.on(t, tensor.Float64, dev)
			x.run(t)
			y.run(t)
			near(t, name, x.h(t), y.h(t), nestTolerance)
			near(t, name, x.final(t), y.final(t), nestTolerance)
		}
	}
}

// TestImplicitTendsToExplicit: over a fixed time both steps come closer in proportion to δt.
func TestImplicitTendsToExplicit(t *testing.T) {
	gap := func(steps int) float64 {
		var h [2][]float64
		for i, update := range []string{"implicit", "explicit"} {
			c := NewCondVarying()
			c.Update, c.Activation, c.Dt = update, "softplus", 1/float64(steps)
			x := newFixture(t, variant{name: update, cell: c}, size{T: steps, B: 2, I: 1, H: 3, O: 1}, 0)
			for k := range x.seq.X.Data().([]float64) {
				x.seq.X.Data().([]float64)[k] = 0.5
			}
			state := x.seq.State.Data().([]float64)
			for k := range state {
				state[k] = 0.1 * float64(k%4)
			}
			for _, e := range x.values {
				for k := range e {
					e[k] = 0.3 * math.Sin(float64(k+1))
				}
			}
			x.values["cell.A"] = slices.Repeat([]float64{0.5}, 3)
			x = x.on(t, tensor.Float64, nil)
			x.run(t)
			h[i] = x.final(t)
		}
		most := 0.0
		for k := range h[0] {
			most = max(most, math.Abs(h[0][k]-h[1][k]))
		}
		return most
	}
	if coarse, fine := gap(10), gap(20); !(coarse > 0 && fine > 0.4*coarse && fine < 0.6*coarse) {
		t.Errorf("the steps differ by %v with 10 steps and %v with 20, want half", coarse, fine)
	}
}

func TestSoftplusNeedsImplicit(t *testing.T) {
	c := NewCondVarying()
	c.Gate, c.Update = "softplus", "explicit"
	if _, err := c.Params(Dims{1, 2, 1}); err == nil {
		t.Error("an explicit step with a conductance without limit was taken")
	}
}
