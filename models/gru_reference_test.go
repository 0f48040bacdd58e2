package models

import (
	"math"
)

func (*GRU) reference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s...)
	for u := range h {
		var in, rec [3]float64
		for g := range in {
			r := g*h + u
			in[g] = row(p["weight_ih_l0"], r, x) + p["bias_ih_l0"][r]
			rec[g] = row(p["weight_hh_l0"], r, old) + p["bias_hh_l0"][r]
		}
		r, z := logistic(in[0]+rec[0]), logistic(in[1]+rec[1])
		s[u] = (1-z)*math.Tanh(in[2]+r*rec[2]) + z*old[u]
	}
}
