package layered

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
)

// TestProgramsOnThreads holds networks that are large enough for several threads, with more rates than products take at a
// time, to those in Go, and the bits of several threads to those of one: for odd and even numbers of steps, as arrays
// change places in each.
func TestProgramsOnThreads(t *testing.T) {
	if devicetest.CPUOrNil(t, 1) == nil {
		return
	}
	const inputs, outputs, width = 40, 5, 32
	nets := map[string]programmed{}
	for _, c := range []struct {
		rule    string
		steps   int
		opposed bool // one product for each apical dendrite, or two
	}{{"latent-equilibrium", 1, true}, {"latent-equilibrium", 2, true}, {"latent-equilibrium", 3, false}, {"sacramento", 3, true}, {"two-sweeps", 1, false}} {
		nets[fmt.Sprintf("%s, %d steps, opposed %v", c.rule, c.steps, c.opposed)] = newCircuit(t, inputs, outputs, func(m *Microcircuit) {
			m.Hidden, m.Rule, m.TPres, m.SelfPredicting = []int{530, 70}, c.rule, 0.1*float64(c.steps), c.opposed
		})
	}
	nets["leaky"] = newLeakyNet(t, inputs, outputs, func(m *Leaky) { m.Hidden, m.TPres = []int{530, 70}, 0.3 })
	for name, n := range nets {
		r := rand.New(rand.NewPCG(5, 1))
		x, target := make([]float64, width*inputs), make([]float64, width*outputs)
		for _, list := range [][]float64{x, target} {
			for i := range list {
				list[i] = r.NormFloat64()
			}
		}
		first := draws(specs(n), 4)
		if c, ok := n.(*Circuit); ok {
			prepare(c, first)
		}
		params, before := cloned(first), cloned(first)
		want := begin(t, n, width, params)
		for range 2 {
			if err := want.Learn(x, target, nil, 0.1); err != nil {
				t.Fatal(err)
			}
		}
		var one [2][]float32
		for _, threads := range []int{1, 2, 5} {
			var own [][]float32
			for _, w := range before {
				own = append(own, narrow(w))
			}
			run, err := start(n, placeOn(devicetest.CPUOrNil(t, threads)), width, own, 0)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := run.Learn(narrow(x), narrow(target), nil, 0.1); err != nil {
					t.Fatal(err)
				}
			}
			if threads > 1 {
				if !slices.Equal(slices.Concat(own...), one[0]) || !slices.Equal(stateOf(run), one[1]) {
					t.Errorf("%s: bits differ between one thread and %d", name, threads)
				}
				continue
			}
			one = [2][]float32{slices.Concat(own...), stateOf(run)}
			near(t, name+": weights", kernels.Wide(one[0]), slices.Concat(params...), 1e-5)
			near(t, name+": told", kernels.Wide(run.Outputs()), want.Outputs(), 2e-5)
			near(t, name+": state", kernels.Wide(one[1]), stateOf(want), 2e-5)
		}
	}
}

func cloned(list [][]float64) (all [][]float64) {
	for _, w := range list {
		all = append(all, slices.Clone(w))
	}
	return all
}
