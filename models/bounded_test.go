package models

import (
	"math"
	"math/rand/v2"
	"testing"
)

// boundTolerance is the rounding of one step: h' is a weighted mean with rounded weights.
const boundTolerance = 1e-12

// TestBounded runs random charged networks on inputs of up to 100 times the usual size. With
// exp and implicit steps h stays between the reversal potentials; with the literal signs of
// the notes nearly all networks leave (science: 300 of 300).
func TestBounded(t *testing.T) {
	const (
		nets, steps   = 200, 300
		inputs, units = 3, 8
		escapeAtLeast = 0.95
	)
	for _, c := range []struct {
		stepping, signs string
		bounded         bool
	}{{"exp", "restoring", true}, {"implicit", "restoring", true}, {"exp", "literal", false}} {
		cell := NewCRNN()
		cell.Stepping, cell.Signs = c.stepping, c.signs
		escaped := 0
		for n := range nets {
			r := rand.New(rand.NewPCG(1, uint64(n)))
			if escapes(cell, r, steps, inputs, units) {
				escaped++
			}
		}
		if c.bounded && escaped > 0 {
			t.Errorf("%s, %s: %d of %d networks left their bounds", c.stepping, c.signs, escaped, nets)
		}
		if !c.bounded && float64(escaped) < escapeAtLeast*nets {
			t.Errorf("%s: only %d of %d networks left their bounds", c.signs, escaped, nets)
		}
	}
}

// escapes runs one random network and reports whether h leaves [−1, 1].
func escapes(c *CRNN, r *rand.Rand, steps, i, h int) bool {
	fill := func(n int, f func() float64) []float64 {
		e := make([]float64, n)
		for k := range e {
			e[k] = f()
		}
		return e
	}
	normal := func(mean, sd float64) func() float64 {
		return func() float64 { return mean + sd*r.NormFloat64() }
	}
	uniform := func(lo, hi float64) func() float64 {
		return func() float64 { return lo + (hi-lo)*r.Float64() }
	}
	constant := func(v float64) func() float64 { return func() float64 { return v } }
	p := map[string][]float64{
		"U_exc": fill(h*i, uniform(0, 1)), "U_inh": fill(h*i, uniform(0, 1)),
		"gamma": fill(2*h, uniform(0, c.GammaMax)),
		"w_m":   fill(2*h, normal(3, 1)), "b_m": fill(2*h, normal(0, 0.5)),
		"w_n": fill(2*h, normal(3, 1)), "b_n": fill(2*h, normal(0, 0.5)),
		"E_c": append(fill(h, constant(1)), fill(h, constant(-1))...),
		"g_L": fill(h, uniform(0.02, 0.1)), "E_L": fill(h, constant(-0.5)), "C_m": fill(h, constant(1)),
		"E_exc": fill(h, constant(1)), "E_inh": fill(h, constant(-1)),
		"tau_s": fill(h, constant(c.TauS)), "tau_l": fill(h, constant(c.TauL)),
		"g_axial": fill(h, uniform(0, 0.3)),
	}
	s := append(fill(h, uniform(-1, 1)), make([]float64, 4*h)...)
	size := math.Pow(100, r.Float64())
	for range steps {
		c.reference(p, fill(i, normal(0, size)), s, i, h)
		for _, v := range s[:h] {
			if !(math.Abs(v) <= 1+boundTolerance) {
				return true
			}
		}
	}
	return false
}
