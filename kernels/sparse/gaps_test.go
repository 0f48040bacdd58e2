package sparse

import (
	"math"
	"testing"

	"galvani/kernels/random"
)

// TestGaps wants of a table what the logarithm gives, also next to where that changes.
func TestGaps(t *testing.T) {
	for _, p := range []float64{0.004, 0.02, 0.1, 0.5} {
		fail := math.Log1p(-p)
		g := newGaps(fail, 1e9)
		if g.first == nil {
			t.Fatalf("p = %g: no table", p)
		}
		same := func(u float64) {
			t.Helper()
			if got, want := g.of(u, 1000), gap(u, fail, 1000); got != want {
				t.Fatalf("p = %g, u = %v: a gap of %d, want %d", p, u, got, want)
			}
		}
		for i := range uint64(20000) {
			same(random.New(1).Uniform(i))
		}
		for k := range 40 {
			for at := range 41 {
				u := -math.Expm1(float64(k)*fail) + float64(at-20)*0x1p-53
				same(min(max(u, 0), 1-0x1p-53))
			}
		}
		same(0)
		same(1 - 0x1p-53)
	}
	for _, fail := range []float64{0, math.Inf(-1), math.Log1p(-1e-5), math.Log1p(-0.9999)} {
		if newGaps(fail, 1e9).first != nil {
			t.Errorf("a table for exp(fail) = %g", math.Exp(fail))
		}
	}
	if newGaps(math.Log1p(-0.1), 1000).first != nil {
		t.Error("a table for 1000 gaps")
	}
}
