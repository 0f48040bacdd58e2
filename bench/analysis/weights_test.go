package analysis

import (
	"math"
	"slices"
	"testing"

	"galvani/kernels"
)

func TestWeights(t *testing.T) {
	rule := &kernels.Plasticity{Sign: -1, Most: 10}
	w := []float64{0, -2, -8, -10}
	got := Weights(rule, w)
	if got.N != 4 || math.Abs(got.Mean-5) > 1e-12 || math.Abs(got.SD-math.Sqrt(17)) > 1e-12 || math.Abs(*got.Middle-0.5) > 1e-12 {
		t.Errorf("got %+v", got)
	}
	if h := Histogram(rule, w, 10, 5); !slices.Equal(h, []float64{1, 1, 0, 0, 2}) {
		t.Errorf("the histogram is %v", h)
	}
	rule.Most = kernels.NoBound
	if got := Weights(rule, w); got.Middle != nil {
		t.Errorf("without a bound got %+v", got)
	}
	equal := slices.Repeat([]float64{-63.64}, 10000)
	if got := Weights(rule, equal); got.Mean != 63.64 || got.SD != 0 {
		t.Errorf("of equal weights got %+v", got)
	}
	if got := Weights(rule, nil); got != (WeightsOf{}) {
		t.Errorf("of no weights got %+v", got)
	}
}
