package analysis

import (
	"math"

	"galvani/kernels"
)

// WeightsOf is what plastic weights are like, as magnitudes.
type WeightsOf struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd"`
	// Middle is the part of the weights between 0.2 and 0.8 of the largest that is allowed; nil where none is
	// the largest. A small one means that weights went to either bound.
	Middle *float64 `json:"middle,omitempty"`
}

// Weights returns what the weights under a rule are like.
func Weights(rule *kernels.Plasticity, weights []float64) WeightsOf {
	w := WeightsOf{N: len(weights)}
	if w.N == 0 {
		return w
	}
	middle := 0.0
	for _, x := range weights {
		if x *= rule.Sign; 0.2*rule.Most <= x && x <= 0.8*rule.Most {
			middle += 1 / float64(w.N)
		}
	}
	if w.Mean, w.SD = Spread(weights); rule.Most < kernels.NoBound {
		w.Middle = &middle
	}
	w.Mean = w.Mean*rule.Sign + 0 // no -0
	return w
}

// Spread returns the mean and the standard deviation of numbers, at least one. It sums up deviations from one of them,
// so that equal numbers have that mean and deviate by nothing.
func Spread(x []float64) (mean, sd float64) {
	n, first, off := float64(len(x)), x[0], 0.0
	for _, v := range x {
		off += (v - first) / n
	}
	for _, v := range x {
		d := v - first - off
		sd += d * d / n
	}
	return first + off, math.Sqrt(sd)
}

// Histogram counts magnitudes in equal bins from 0 to a largest one, which the last bin holds, too.
func Histogram(rule *kernels.Plasticity, weights []float64, most float64, bins int) []float64 {
	count := make([]float64, bins)
	for _, x := range weights {
		k := int(x * rule.Sign / most * float64(bins))
		count[max(0, min(k, bins-1))]++
	}
	return count
}
