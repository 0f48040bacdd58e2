package event

import (
	"math"

	"galvani/models"
)

// membrane is the pointwise step of a cell.
type membrane interface {
	// next returns h of unit u after a step of the given length, from h before it, the
	// conductances x [P] at its end and the coupling Σ_j c_uj h_j before it.
	next(u int, h float64, x []float64, coupling, steps float64) float64
}

// compartments is the membrane of models.CRNN; see there for the equations.
type compartments struct {
	units                          int
	sign                           float64 // of the synaptic and channel terms, −1 for the literal ones
	rule                           func(h, g, j, rate float64) float64
	dt                             float64
	gamma, wm, bm, wn, bn, reverse []float64 // [C,H]
	leak                           []float64 // [H], g_L + Σ_j g_ij
	current                        []float64 // [H], g_L E_L
	capacitance, exc, inh          []float64 // [H]
}

func newCompartments(c *models.CRNN, p map[string][]float64, axial []float64) *compartments {
	m := &compartments{units: len(p["g_L"]), sign: 1, rule: rules[c.Stepping], dt: c.Dt,
		gamma: p["gamma"], wm: p["w_m"], bm: p["b_m"], wn: p["w_n"], bn: p["b_n"], reverse: p["E_c"],
		capacitance: p["C_m"], exc: p["E_exc"], inh: p["E_inh"]}
	if c.Signs == "literal" {
		m.sign, m.rule = -1, rules["euler"]
	}
	for u, g := range p["g_L"] {
		m.current = append(m.current, g*p["E_L"][u])
		for _, a := range axial[u*m.units : (u+1)*m.units] {
			g += a
		}
		m.leak = append(m.leak, g)
	}
	return m
}

func (m *compartments) next(u int, h float64, x []float64, coupling, steps float64) float64 {
	g := x[0] + x[1]
	j := x[0]*m.exc[u] + x[1]*m.inh[u]
	for i := u; i < len(m.gamma); i += m.units {
		channel := m.gamma[i] * logistic(m.wm[i]*h+m.bm[i]) * logistic(-(m.wn[i]*h + m.bn[i]))
		g += channel
		j += channel * m.reverse[i]
	}
	g = m.sign*g + m.leak[u]
	j = m.sign*j + m.current[u] + coupling
	rate := m.dt * steps / m.capacitance[u]
	return m.rule(h, g, j, rate)
}

// rules move h under the conductance g and the current j, by the names of the key step. Rate is
// Δt/C.
var rules = map[string]func(h, g, j, rate float64) float64{
	"exp": func(h, g, j, rate float64) float64 {
		target := j / g
		return target + (h-target)*math.Exp(-(rate*g))
	},
	"implicit": func(h, g, j, rate float64) float64 { return (h + rate*j) / (1 + rate*g) },
	"euler":    func(h, g, j, rate float64) float64 { return h + rate*(j-g*h) },
}

// simple is the membrane of models.CRNNSimple; see there for the equations.
type simple struct {
	dt, sign          float64
	b, wm, bm, wn, bn []float64 // [H]
}

func newSimple(c *models.CRNNSimple, p map[string][]float64) *simple {
	m := &simple{dt: c.Dt, sign: 1, b: p["b"], wm: p["w_m"], bm: p["b_m"], wn: p["w_n"], bn: p["b_n"]}
	if c.Signs == "literal" {
		m.sign = -1
	}
	return m
}

func (m *simple) next(u int, h float64, x []float64, coupling, steps float64) float64 {
	gate := logistic(m.wm[u]*h+m.bm[u]) * logistic(-(m.wn[u]*h + m.bn[u]))
	return h + m.dt*steps*(m.b[u]-coupling-m.sign*(h*(x[0]+gate)))
}

func logistic(v float64) float64 { return 1 / (1 + math.Exp(-v)) }
