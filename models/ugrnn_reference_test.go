package models

import "math"

func (*UGRNN) reference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s...)
	for u := range h {
		var a [2]float64
		for g := range a {
			r := g*h + u
			a[g] = row(p["weight_ih"], r, x) + row(p["weight_hh"], r, old) + p["bias"][r]
		}
		g := logistic(a[1])
		s[u] = g*old[u] + (1-g)*math.Tanh(a[0])
	}
}
