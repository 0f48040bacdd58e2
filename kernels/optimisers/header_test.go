//go:build cgo

package optimisers_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"galvani/kernels/optimisers"
	"galvani/kernels/optimisers/internal/header"
)

// TestHeaders holds the C header of every rule to its Go file, bit for bit: the directions and the states of
// some steps of elements whose gradients span the range of float32.
func TestHeaders(t *testing.T) {
	const n = 2000
	r := rand.New(rand.NewPCG(3, 1))
	for _, name := range optimisers.Names() {
		for _, nesterov := range []bool{false, true} {
			rule, err := optimisers.Of(name, optimisers.Settings{Beta1: 0.9, Beta2: 0.999, Alpha: 0.99, Momentum: 0.9, Eps: 1e-8, Nesterov: nesterov})
			if err != nil {
				t.Fatal(err)
			}
			slots := make([][]float32, len(rule.Slots))
			for k := range slots {
				slots[k] = make([]float32, n)
			}
			state := make([]float32, n*len(slots))
			for step := 1; step <= 4; step++ {
				g, p := make([]float32, n), make([]float32, n)
				for i := range g {
					g[i] = float32(r.NormFloat64() * math.Pow(10, float64(i%30-20)))
				}
				c := rule.At(0.1, step)
				c.Rate, c.Decay, c.Keep = -1, 0, 0 // p becomes the direction
				rule.Update(c, p, g, slots, 0, n)
				for i := range g {
					s := state[i*len(slots) : (i+1)*len(slots)]
					if d := header.Step(optimisers.Number(rule.Header), c.Own, g[i], s); math.Float32bits(0-(-1)*d) != math.Float32bits(p[i]) {
						t.Fatalf("%s, step %d, gradient %g: %s.h goes %g, %s.go %g", name, step, g[i], rule.Header, d, rule.Header, p[i])
					}
					for k := range slots {
						if math.Float32bits(s[k]) != math.Float32bits(slots[k][i]) {
							t.Fatalf("%s, step %d, gradient %g: %s is %g by %s.h and %g by %s.go", name, step, g[i], rule.Slots[k], s[k], rule.Header, slots[k][i], rule.Header)
						}
					}
				}
			}
		}
	}
}
