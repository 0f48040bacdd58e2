package layered

import (
	"math"

	"galvani/kernels"
)

// activation is a rate as a function of the sum of the inputs, and its derivative as one of the rate.
type activation struct {
	rate  func(a float64) float64
	slope func(r float64) float64
}

var activations = map[string]activation{
	"relu": {func(a float64) float64 { return max(a, 0) }, func(r float64) float64 {
		if r > 0 {
			return 1
		}
		return 0
	}},
	"tanh":           {math.Tanh, func(r float64) float64 { return 1 - r*r }},
	"sigmoid":        {func(a float64) float64 { return 1 / (1 + math.Exp(-a)) }, func(r float64) float64 { return r * (1 - r) }},
	"soft-rectifier": {func(a float64) float64 { return 0.1 * softplus(a-3) }, func(r float64) float64 { return -0.1 * math.Expm1(-10*r) }},
	"softplus":       {softplus, func(r float64) float64 { return -math.Expm1(-r) }},
}

// softplus returns log(1 + exp(a)). What is lost in the sum 1 + exp(−|a|) is added to the logarithm to first order,
// which costs a third of math.Log1p.
func softplus(a float64) float64 {
	e := math.Exp(-math.Abs(a))
	y := 1 + e
	return max(a, 0) + math.Log(y) + (e-(y-1))/y
}

// apply writes the rates of a to r.
func apply[F kernels.Float](f activation, r, a []F) {
	kernels.InChunks(len(r), func(lo, hi int) {
		for i, x := range a[lo:hi] {
			r[lo+i] = F(f.rate(float64(x)))
		}
	})
}

// multiply multiplies e by the slopes at rates r.
func multiply[F kernels.Float](f activation, e, r []F) {
	kernels.InChunks(len(e), func(lo, hi int) {
		for i, x := range r[lo:hi] {
			e[lo+i] *= F(f.slope(float64(x)))
		}
	})
}
