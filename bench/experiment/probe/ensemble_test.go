package probe

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/models"
)

// TestEnsemble holds that networks are joined within themselves alone, to rings or at random, that
// densities and conductances lie in their ranges, and that the same seeds give the same networks.
func TestEnsemble(t *testing.T) {
	for _, e := range []Ensemble{
		{Networks: 3, Units: 4, Inputs: 2, Axial: 0.3, Gamma: 5},
		{Networks: 3, Units: 2, Inputs: 2, Axial: 0.3, Gamma: 5},
		{Networks: 3, Units: 4, Inputs: 2, Density: 0.5, Axial: 0.3, Gamma: 5},
	} {
		draw := func() *Probe {
			p, err := e.Draw(1, models.NewCRNN(), 7, rand.New(rand.NewPCG(1, 2)))
			if errors.Is(err, kernels.ErrNoDevice) {
				t.Skip(err) // a binary without cgo
			}
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		p := draw()
		edges := len(p.Of("g_axial"))
		if want := map[int]int{2: 3, 4: 12}[e.Units]; e.Density == 0 && edges != want {
			t.Errorf("%+v: %d edges, want %d", e, edges, want)
		}
		for k, g := range p.Of("g_axial") {
			i, j := int(p.Cell.Axial.I[k]), int(p.Cell.Axial.J[k])
			if i/e.Units != j/e.Units || i == j || g < 0 || g >= e.Axial {
				t.Errorf("%+v: edge %d joins %d and %d with %v", e, k, i, j, g)
			}
		}
		if g := p.Of("gamma"); slices.Min(g) < 0 || slices.Max(g) >= e.Gamma || slices.Max(g) < e.Gamma/2 {
			t.Errorf("%+v: densities are %v", e, g)
		}
		if again := draw(); !slices.Equal(again.Of("g_axial"), p.Of("g_axial")) || !slices.Equal(again.Of("gamma"), p.Of("gamma")) {
			t.Errorf("%+v: the same seeds give other networks", e)
		}
		for n := range e.Networks {
			for k, u := range e.InputWeights(p, n) {
				if len(u) != e.Units*e.Inputs {
					t.Fatalf("network %d has %d input weights, want %d", n, len(u), e.Units*e.Inputs)
				}
				u[0] = float64(10*n + k)
			}
		}
		if exc, inh := p.Of("U_exc"), p.Of("U_inh"); exc[e.Units*e.Inputs] != 10 || inh[2*e.Units*e.Inputs] != 21 {
			t.Errorf("%+v: input weights of other networks were changed", e)
		}
	}
}
