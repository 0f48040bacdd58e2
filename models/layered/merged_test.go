package layered

import (
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
	"galvani/kernels/programs"
)

// TestOpposedWeights holds that what comes from above and what interneurons leave of it are one product on a device, where
// neither weight learns and they are opposite, with the numbers of two products in Go; and two where one of both learns.
func TestOpposedWeights(t *testing.T) {
	dev := devicetest.CPUOrNil(t, 1)
	if dev == nil {
		return
	}
	const width = 16
	for _, rate := range []float64{0, 0.5} {
		n := newCircuit(t, 9, 4, func(m *Microcircuit) { m.Hidden, m.TPres, m.RatePI = []int{21, 7}, 0.5, rate })
		p := n.program(width, 0).program
		merged, pairs, arrays := programs.Merge(p, p.Learn)
		if want := map[float64]int{0: 2, 0.5: 0}[rate]; len(pairs) != want || len(arrays) != want {
			t.Errorf("rate %g: %d pairs of weights and %d arrays, want %d", rate, len(pairs), len(arrays), want)
		}
		count := func(list []kernels.ProgramOp) (products int) {
			for _, o := range list {
				if o.Kind == kernels.Product {
					products++
				}
			}
			return products
		}
		if count(merged) != count(p.Learn)-len(pairs) {
			t.Errorf("rate %g: %d products of %d are left", rate, count(merged), count(p.Learn))
		}
		x, target := make([]float64, width*9), make([]float64, width*4)
		for i := range x {
			x[i] = float64(i%7)/3 - 1
		}
		for i := range target {
			target[i] = float64(i % 2)
		}
		for _, opposed := range []bool{true, false} {
			params := draws(n.specs, 4)
			if opposed {
				prepare(n, params)
			}
			var narrowed [][]float32
			for _, w := range params {
				narrowed = append(narrowed, narrow(w))
			}
			want := begin(t, n, width, params)
			run, err := start(n, placeOn(dev), width, narrowed, 0)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := want.Learn(x, target, nil, 0.1); err != nil {
					t.Fatal(err)
				}
				if err := run.Learn(narrow(x), narrow(target), nil, 0.1); err != nil {
					t.Fatal(err)
				}
			}
			near(t, "weights", kernels.Wide(slices.Concat(narrowed...)), slices.Concat(params...), 1e-5)
			near(t, "state", kernels.Wide(stateOf(run)), stateOf(want), 1e-5)
		}
	}
}
