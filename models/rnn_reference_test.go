package models

import (
	"math"
)

// elman steps a network without gates whose rate function is f.
func elman(f func(float64) float64, p map[string][]float64, x, s []float64, h int) {
	old := append([]float64(nil), s...)
	for u := range h {
		s[u] = f(row(p["weight_ih_l0"], u, x) + p["bias_ih_l0"][u] + row(p["weight_hh_l0"], u, old) + p["bias_hh_l0"][u])
	}
}

func (*RNN) reference(p map[string][]float64, x, s []float64, _, h int) { elman(math.Tanh, p, x, s, h) }

func (*IRNN) reference(p map[string][]float64, x, s []float64, _, h int) {
	elman(func(v float64) float64 { return math.Max(v, 0) }, p, x, s, h)
}
