//go:build cgo

package circuit

import (
	"math"
	"reflect"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
	"galvani/kernels/random"
	"galvani/kernels/sparse"
)

// TestCalm wants one stretch to be that of steps done one by one, before each of which nothing is known of the currents: from
// currents of all sizes about kernels.Tiny and of either sign, which few spikes add to and which V, at 0, feels to the last.
func TestCalm(t *testing.T) {
	const n = 700
	all, err := sparse.Whole(n).Probability(50, 0.1, true, random.New(1))
	if err != nil {
		t.Fatal(err)
	}
	params := conform.Params(t, "lif", map[string]float64{"E_L": 0, "V_th": 100, "V_re": -1})
	c := &kernels.Circuit{Step: 0.1, Populations: []kernels.Population{
		{Name: "cell", Header: "lif", N: n, Params: params, Synapses: []float64{8, 4, 1e6}, Start: make([]float64, n)},
		{Name: "x", Header: kernels.Poisson, N: 50, Params: []float64{2}}}}
	for k, weight := range []float64{10, -20, 1e-28} {
		c.Projections = append(c.Projections, kernels.Projection{From: 1, Synapse: k, Matrix: all, Weight: []float64{weight}, Delay: []uint16{1}})
	}
	everywhere(t, func(t *testing.T, d device) {
		whole, apart := planOf(t, d, c), planOf(t, d, c)
		state, err := whole.State()
		if err != nil {
			t.Fatal(err)
		}
		for k, currents := range state.Populations[0].Currents {
			key := random.New(2).Stream(uint64(k))
			for u := range currents {
				currents[u] = float32(math.Pow(10, -31+4*key.Uniform(uint64(2*u))))
				if negative := key.Uniform(uint64(2*u+1)) < 0.01; negative != (k == 1) {
					currents[u] *= -1
				}
			}
		}
		goOn := func(p kernels.CircuitPlan, stretches, steps int) *kernels.CircuitState {
			if err := p.SetState(state); err != nil {
				t.Fatal(err)
			}
			for range stretches {
				if _, err := p.Run(steps); err != nil {
					t.Fatal(err)
				}
			}
			end, err := p.State()
			if err != nil {
				t.Fatal(err)
			}
			return end
		}
		end := goOn(whole, 1, 250)
		if !reflect.DeepEqual(end, goOn(apart, 250, 1)) {
			t.Error("the state differs from that of steps done one by one")
		}
		small, none := 0, 0
		for u, v := range end.Populations[0].Planes[0] {
			if math.Abs(float64(v)) < 1e-20 {
				small++
			}
			if end.Populations[0].Currents[0][u] == 0 {
				none++
			}
		}
		if small < n/10 || none < n/10 {
			t.Errorf("%d units have a small V and %d no current, too few for a test", small, none)
		}
	})
}

// TestWaits wants units that begin within their refractory time to wait, where no spike makes one wait.
func TestWaits(t *testing.T) {
	c := conform.Balanced(t, 1000, 1, false)
	everywhere(t, func(t *testing.T, d device) {
		p := planOf(t, d, c)
		state, err := p.State()
		if err != nil {
			t.Fatal(err)
		}
		left := state.Populations[0].Planes[1]
		left[511], left[3] = 40, 10
		if err := p.SetState(state); err != nil {
			t.Fatal(err)
		}
		for _, steps := range []int{9, 1, 29, 1} {
			if _, err := p.Run(steps); err != nil {
				t.Fatal(err)
			}
			if state, err = p.State(); err != nil {
				t.Fatal(err)
			}
			at, v := float32(state.Step), state.Populations[0].Planes[0]
			if got, want := state.Populations[0].Planes[1][511], 40-at; got != want || v[511] != -75 {
				t.Errorf("before step %g: %g steps left, V = %g; want %g and -75", at, got, v[511], want)
			}
			if waits := v[3] == -75; waits != (at <= 10) {
				t.Errorf("before step %g: V = %g of a unit that waits for 10", at, v[3])
			}
		}
	})
}

// planOf makes a plan.
func planOf(t *testing.T, d device, c *kernels.Circuit) kernels.CircuitPlan {
	t.Helper()
	p, err := d.NewCircuit(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
