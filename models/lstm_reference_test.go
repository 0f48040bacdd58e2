package models

import (
	"math"
)

func (*LSTM) reference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s[:h]...)
	for u := range h {
		var a [4]float64
		for g := range a {
			r := g*h + u
			a[g] = row(p["weight_ih_l0"], r, x) + p["bias_ih_l0"][r] + row(p["weight_hh_l0"], r, old) + p["bias_hh_l0"][r]
		}
		s[h+u] = logistic(a[1])*s[h+u] + logistic(a[0])*math.Tanh(a[2])
		s[u] = logistic(a[3]) * math.Tanh(s[h+u])
	}
}
