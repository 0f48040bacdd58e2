package models

import (
	"math"
)

// elapsedReference returns the length of a step.
func elapsedReference(irregular bool, p map[string][]float64) float64 {
	if irregular {
		return p[stepLength][0]
	}
	return 1
}

// filter advances the two traces of one synapse by some steps, with input at the end of the last
// one, and returns its conductance.
func filter(kernel string, ts, tl, u, steps float64, p, q *float64) float64 {
	ds, dl := math.Exp(-steps/ts), math.Exp(-steps/tl)
	switch kernel {
	case "alpha":
		*p, *q = ds*(*p+steps**q), ds**q+u
		return *p
	case "dualexp":
		*p, *q = ds**p+u, dl**q+u
		return tl * ts / (tl - ts) * (*q - *p)
	}
	*p = ds**p + (1-math.Exp(-1/ts))*u
	*q = dl**q + (1-math.Exp(-1/tl))*u
	switch kernel {
	case "ema":
		return *p
	case "ema_diff":
		return *p - *q
	}
	return math.Max(0, *p-*q)
}

func (c *CRNNSimple) reference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s[:h]...)
	elapsed := elapsedReference(c.Irregular, p)
	for u := range h {
		xbar := filter(c.SynKernel, c.TauS, c.TauL, row(p["U"], u, x), elapsed, &s[h+u], &s[2*h+u])
		v := old[u]
		gate := logistic(p["w_m"][u]*v+p["b_m"][u]) * logistic(-p["w_n"][u]*v-p["b_n"][u])
		if c.Signs == "literal" {
			s[u] = v + elapsed*c.Dt*(-row(p["W"], u, old)+v*xbar+gate*v+p["b"][u])
		} else {
			s[u] = v + elapsed*c.Dt*(-row(p["W"], u, old)-v*xbar-gate*v+p["b"][u])
		}
	}
}

func (*CRNNSimple) variants() []variant {
	var all []variant
	for _, signs := range []string{"restoring", "literal"} {
		for _, kernel := range synapseKernels {
			c := NewCRNNSimple()
			c.Signs, c.SynKernel = signs, kernel
			all = append(all, variant{name: "crnn-simple " + signs + " " + kernel, cell: c})
		}
	}
	c := NewCRNNSimple()
	c.SynKernel, c.Irregular = "alpha", true
	all = append(all, variant{name: "crnn-simple irregular", cell: c})
	return all
}
