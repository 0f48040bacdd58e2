package models

import (
	"math"
)

// neighbours lists, for unit u of h, its neighbours and the edges that lead to them.
func neighbours(graph string, u, h int) (units, edges []int) {
	add := func(a, b, e int) {
		if a == u {
			units, edges = append(units, b), append(edges, e)
		}
		if b == u {
			units, edges = append(units, a), append(edges, e)
		}
	}
	for i := 1; i < h; i++ {
		if graph == "ring" {
			add(i-1, i, i-1)
		}
		if graph == "tree" {
			add((i-1)/2, i, i-1)
		}
	}
	if graph == "ring" && h > 2 {
		add(h-1, 0, h-1)
	}
	return units, edges
}

func (c *CRNN) reference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s[:h]...)
	elapsed := elapsedReference(c.Irregular, p)
	for u := range h {
		v := old[u]
		exc := filter(c.SynKernel, p["tau_s"][u], p["tau_l"][u], row(p["U_exc"], u, x), elapsed, &s[h+u], &s[2*h+u])
		inh := filter(c.SynKernel, p["tau_s"][u], p["tau_l"][u], row(p["U_inh"], u, x), elapsed, &s[3*h+u], &s[4*h+u])
		axialG, axialI := 0.0, 0.0
		units, edges := neighbours(c.Graph, u, h)
		for n, o := range units {
			axialG += p["g_axial"][edges[n]]
			axialI += p["g_axial"][edges[n]] * old[o]
		}
		var channel [2]float64
		for k := range channel {
			r := k*h + u
			channel[k] = p["gamma"][r] * logistic(p["w_m"][r]*v+p["b_m"][r]) * logistic(-p["w_n"][r]*v-p["b_n"][r])
		}
		e1, e2, eL, eE, eI := p["E_c"][u], p["E_c"][h+u], p["E_L"][u], p["E_exc"][u], p["E_inh"][u]
		gL, rate := p["g_L"][u], elapsed*c.Dt/p["C_m"][u]
		if c.Signs == "literal" {
			s[u] = v + rate*(-(gL+axialG)*v+gL*eL+axialI+
				exc*(v-eE)+inh*(v-eI)+channel[0]*(v-e1)+channel[1]*(v-e2))
			continue
		}
		g := gL + axialG + exc + inh + channel[0] + channel[1]
		i := gL*eL + axialI + exc*eE + inh*eI + channel[0]*e1 + channel[1]*e2
		switch c.Stepping {
		case "exp":
			s[u] = i/g + (v-i/g)*math.Exp(-rate*g)
		case "implicit":
			s[u] = (v + rate*i) / (1 + rate*g)
		case "euler":
			s[u] = v + rate*(i-g*v)
		}
	}
}

func (*CRNN) variants() []variant {
	var all []variant
	add := func(name string, change func(*CRNN)) {
		c := NewCRNN()
		c.Learn = "all"
		change(c)
		all = append(all, variant{name: "crnn " + name, cell: c})
	}
	for _, step := range []string{"exp", "implicit", "euler"} {
		add(step, func(c *CRNN) { c.Stepping = step })
	}
	for _, kernel := range synapseKernels {
		add(kernel, func(c *CRNN) { c.SynKernel, c.TauS, c.TauL = kernel, 1.5, 3 })
	}
	for _, graph := range []string{"tree", "none"} {
		add(graph, func(c *CRNN) { c.Graph = graph })
	}
	add("literal", func(c *CRNN) { c.Signs, c.Dt = "literal", 0.1 })
	add("dt", func(c *CRNN) { c.Dt = 0.3 })
	for i, kernel := range []string{"alpha", "dualexp"} {
		add("irregular "+kernel, func(c *CRNN) {
			c.SynKernel, c.TauS, c.TauL, c.Stepping, c.Irregular = kernel, 1.5, 3, []string{"exp", "implicit"}[i], true
		})
	}
	return all
}
