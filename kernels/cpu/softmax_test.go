//go:build cgo

package cpu

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
)

func TestSoftmax(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range [][2]int{{1, 1}, {3, 2}, {8, 10}, {21, 7}, {1000, 45}} {
		n, o := s[0], s[1]
		x := make([]float32, n*o)
		for i := range x {
			x[i] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(12)-2)))
		}
		x[0], x[o-1] = 3e38, -3e38 // far apart
		var first []float32
		for _, isa := range ISAs {
			if !Supported(isa) {
				continue
			}
			d, err := OpenISA(isa, 1)
			if err != nil {
				t.Fatal(err)
			}
			p, ends := make([]float32, n*o), make([]kernels.SoftmaxEnd, n)
			d.Softmax(x, o, p, ends)
			for i, end := range ends {
				row, top, sum := x[i*o:(i+1)*o], float64(slices.Max(x[i*o:(i+1)*o])), 0.0
				for _, v := range row {
					sum += math.Exp(float64(v) - top)
				}
				if end.Top != top || math.Abs(end.Sum-sum) > 1e-15*float64(o)*sum {
					t.Fatalf("%s, %v, row %d: top %g and sum %g, want %g and %g", isa, s, i, end.Top, end.Sum, top, sum)
				}
				for k, v := range row {
					want := float32(math.Exp(float64(v)-top) / sum)
					if got := p[i*o+k]; want > 1e-30 && math.Abs(float64(got/want)-1) > 1.3e-7 || want <= 1e-30 && got > 2e-30 {
						t.Fatalf("%s, %v, row %d: softmax of %g is %g, want %g", isa, s, i, v, got, want)
					}
				}
			}
			if first == nil {
				first = p
			} else if !slices.Equal(first, p) {
				t.Errorf("%s, %v: not the bits of %s", isa, s, ISAs[0])
			}
		}
	}
}

// A number that is not finite makes the sum of its row NaN, and of no other.
func TestSoftmaxNotFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, isa := range ISAs {
		d, err := OpenISA(isa, 1)
		if err != nil {
			continue
		}
		for _, bad := range []float32{nan, inf, -inf} {
			for at := range 3 {
				x, p, ends := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}, make([]float32, 9), make([]kernels.SoftmaxEnd, 3)
				x[3+at] = bad
				d.Softmax(x, 3, p, ends)
				if !math.IsNaN(ends[1].Sum) || math.IsNaN(ends[0].Sum) || math.IsNaN(ends[2].Sum) || p[4] == p[4] {
					t.Errorf("%s: %g at %d gives sums %v and %v", isa, bad, at, ends, p[3:6])
				}
			}
		}
	}
}
