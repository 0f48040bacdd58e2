//go:build cgo

package plasticity

import (
	"math"
	"testing"

	"galvani/kernels/conform"
)

// TestWeights holds the weight after some spikes to numbers computed by hand. Those of vogels are of NEST's
// test of its synapse, whose delay of 1 ms moves the spikes of the target behind.
func TestWeights(t *testing.T) {
	for _, c := range []struct {
		rule           string
		values         map[string]float64
		sign, weight   float64
		source, target []int64 // steps of 0.1 ms
		want           float64
	}{
		{"stdp", map[string]float64{"w_max": 100}, 1, 50, []int64{100}, []int64{150}, 50 + math.Exp(-5./20)},
		{"stdp", map[string]float64{"w_max": 100, "tau_minus": 40}, 1, 50, []int64{150}, []int64{100}, 50 - 1.05*math.Exp(-5./40)},
		{"stdp", map[string]float64{"w_max": 100, "window": 1}, 1, 50, []int64{150}, []int64{100}, 50 + 1.05*math.Exp(-5./20)},
		{"stdp", map[string]float64{"w_max": 100}, 1, 50, []int64{100, 120}, []int64{150}, 50 + math.Exp(-5./20) + math.Exp(-3./20)},
		{"stdp", map[string]float64{"w_max": 100, "pairs": 1}, 1, 50, []int64{100, 120}, []int64{150}, 50 + math.Exp(-3./20)},
		{"stdp", map[string]float64{"w_max": 100, "A_plus": 0.9}, -1, -50, []int64{100}, []int64{101}, -100},
		{"isp", map[string]float64{"rate": 8}, -1, -1, []int64{100}, nil, -0.952},
		{"isp", map[string]float64{"rate": 8}, -1, -1, []int64{100}, []int64{150}, -0.952 * (1 + 3*math.Exp(-5./200)/200)},
		{"isp-additive", map[string]float64{"rate": 8, "eta": 3}, -1, -1, []int64{100}, []int64{150}, -1 + 3*2*0.008 - 3*math.Exp(-5./200)/200},
		{"isp-additive", map[string]float64{"rate": 8, "eta": 100}, -1, -1, []int64{100}, nil, 0},
		{"vogels", map[string]float64{"eta": 0.001, "rate": 2.5}, 1, 5, []int64{20, 60}, []int64{40, 50}, 5.003421612},
	} {
		r, err := registry.Lookup(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		var v []float64
		found := 0
		for _, p := range r.Params {
			x, ok := c.values[p.Name]
			if v = append(v, p.Value); ok {
				v[len(v)-1] = x
				found++
			}
		}
		if found != len(c.values) {
			t.Fatalf("%s has not all of %v", c.rule, c.values)
		}
		rule := r.Make(v)
		rule.Sign = c.sign
		within := 1e-12
		if c.rule == "vogels" { // of which NEST prints so many digits
			within = 1e-9
		}
		if got := conform.PairWeight(t, rule, c.weight, c.source, c.target, 200); math.Abs(got-c.want) > within*math.Abs(c.weight) {
			t.Errorf("%s %v, spikes in steps %v and %v: got %.12g, want %.12g", c.rule, c.values, c.source, c.target, got, c.want)
		}
	}
}
