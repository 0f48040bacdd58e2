package engine

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// TestLanczos holds the ends of a spectrum to those of a full decomposition: exactly after as many steps as there are
// numbers, within the spectrum and the bounds that are told after fewer.
func TestLanczos(t *testing.T) {
	const n = 40
	r := newStream(3, "matrix")
	m := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			m.SetSym(i, j, r.Normal(uint64(i*n+j)))
		}
	}
	var e mat.EigenSym
	if !e.Factorize(m, false) {
		t.Fatal("no eigenvalues")
	}
	want := e.Values(nil)
	products := 0
	times := func(dst, v []float64) error {
		products++
		mat.NewVecDense(n, dst).MulVec(m, mat.NewVecDense(n, v))
		return nil
	}
	for _, steps := range []int{5, 20, n, 2 * n} {
		products = 0
		c, err := lanczos(n, steps, newStream(3, "start"), times)
		if err != nil {
			t.Fatal(err)
		}
		if c.Steps != products || c.Steps != min(steps, n) {
			t.Errorf("%d steps, %d products, want %d", c.Steps, products, min(steps, n))
		}
		if c.Smallest < want[0]-1e-9 || c.Largest > want[n-1]+1e-9 {
			t.Errorf("%d steps: %v to %v lies outside of %v to %v", steps, c.Smallest, c.Largest, want[0], want[n-1])
		}
		for _, end := range [][2]float64{{c.Smallest, c.SmallestError}, {c.Largest, c.LargestError}} {
			nearest := math.Inf(1)
			for _, w := range want {
				nearest = min(nearest, math.Abs(w-end[0]))
			}
			if nearest > end[1]+1e-9 {
				t.Errorf("%d steps: the nearest eigenvalue is %v away from %v, and the bound is %v", steps, nearest, end[0], end[1])
			}
		}
		if off := max(math.Abs(c.Smallest-want[0]), math.Abs(c.Largest-want[n-1])); steps >= n && off > 1e-9 {
			t.Errorf("%d steps: %v to %v, want %v to %v", steps, c.Smallest, c.Largest, want[0], want[n-1])
		}
	}
	// A multiple of the identity has one eigenvalue, which the first product finds.
	c, err := lanczos(n, 10, newStream(3, "start"), func(dst, v []float64) error {
		for i, x := range v {
			dst[i] = -2 * x
		}
		return nil
	})
	if err != nil || c.Steps != 1 || math.Abs(c.Smallest+2) > 1e-12 || math.Abs(c.Largest+2) > 1e-12 {
		t.Errorf("of -2 times the identity: %+v, %v", c, err)
	}
}
