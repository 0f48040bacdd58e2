package neurons

import (
	"math"

	"galvani/kernels/compartments"
	"galvani/kernels/sparse"
)

// stepper runs a compiled neuron in float64, slowly, as package compartments describes it: what a device
// computes is held to it.
type stepper struct {
	*Compiled
	v, ca []float64
	gates [][]float64 // in the order of the planes
	x, y  [][]float64 // of receptors
}

func newStepper(c *Compiled) *stepper {
	s := &stepper{Compiled: c}
	plane := 0
	fill := func() []float64 {
		x := make([]float64, c.Neuron.Units())
		for u := range x {
			x[u] = c.Rest[plane]
		}
		plane++
		return x
	}
	s.v = fill()
	for range c.Neuron.Gates() {
		s.gates = append(s.gates, fill())
	}
	if c.Neuron.Calcium != nil {
		s.ca = fill()
	}
	for range c.Neuron.Receptors {
		s.x, s.y = append(s.x, fill()), append(s.y, fill())
	}
	return s
}

// of returns the number that a quantity has at a place.
func (s *stepper) of(q compartments.Quantity, place int) float64 {
	if q.Param < 0 {
		return q.Value
	}
	return s.Values[q.Param][q.Element(place)]
}

// step advances by a step, with in held. It knows no substeps.
func (s *stepper) step(in []float64) {
	n := &s.Neuron
	units := n.Units()
	leak, side, off := make([]float64, units), make([]float64, units), make([]float64, units)
	calcium := make([]float64, units) // current, mA/cm²
	slope := make([]float64, units)
	for u, area := range n.Area {
		c, g := s.of(n.Capacity, u)*area*1e-5/n.Dt, s.of(n.Leak, u)*area*1e-2
		leak[u], side[u] = c+g, c*s.v[u]+g*s.of(n.Rest, u)
	}
	plane := 0
	for _, c := range n.Channels {
		open := make([]float64, len(c.Units))
		for i := range open {
			open[i] = 1
		}
		for _, g := range c.Gates {
			gate := Gate{Kinetics: g.Kinetics, Forms: g.Forms}
			for _, q := range g.Numbers {
				gate.Numbers = append(gate.Numbers, s.of(q, 0))
			}
			for i, u := range c.Units {
				at := s.v[u]
				if gate.follows() {
					at = s.ca[u]
				}
				x, inf := &s.gates[plane][u], gate.Steady(at)
				*x = inf + (*x-inf)*math.Exp(-n.Dt*g.Speed/gate.Tau(at))
				open[i] *= math.Pow(*x, float64(g.Power))
			}
			plane++
		}
		for i, u := range c.Units {
			e, d := s.of(c.Reversal, 0), s.of(c.Density, i)*open[i]
			g := d * n.Area[u] * 1e-2
			leak[u], side[u] = leak[u]+g, side[u]+g*e
			if c.Calcium {
				calcium[u], slope[u] = calcium[u]-d*e, slope[u]+d
			}
		}
	}
	arrived := make([][]float64, len(n.Receptors))
	for r := range arrived {
		arrived[r] = make([]float64, units)
	}
	for i, join := range n.Inputs {
		if w := s.of(join.Weight, i) * in[join.From]; join.Receptor < 0 {
			side[join.Unit] += w
		} else {
			arrived[join.Receptor][join.Unit] += w
		}
	}
	for r, c := range n.Receptors {
		for u, w := range arrived[r] {
			g := s.synapse(r, u, s.of(c.Rise, 0), s.of(c.Decay, 0), w)
			leak[u], side[u] = leak[u]+g, side[u]+g*s.of(c.Reversal, 0)
		}
	}
	s.solve(n.Tree, leak, off, side)
	if p := n.Calcium; p != nil {
		gain, rest, tau := s.of(p.Gain, 0), s.of(p.Rest, 0), s.of(p.Tau, 0)
		for u := range s.ca {
			inf := rest - gain*tau*(calcium[u]+slope[u]*s.v[u])
			s.ca[u] = inf + (s.ca[u]-inf)*math.Exp(-n.Dt/tau)
		}
	}
}

// synapse advances the two planes of a receptor and returns its conductance. What arrives does so at the
// end of the step.
func (s *stepper) synapse(r, u int, rise, decay, arrived float64) float64 {
	dt := s.Neuron.Dt
	x, y := &s.x[r][u], &s.y[r][u]
	before := *x
	*x = before*math.Exp(-dt/decay) + arrived
	if rise == 0 {
		return *x
	}
	*y = *y*math.Exp(-dt/rise) + before*between(rise, decay, dt)
	top := rise
	if rise != decay {
		top = math.Log(decay/rise) * rise * decay / (decay - rise)
	}
	return *y / between(rise, decay, top)
}

// between is ∫ e^{−(t−s)/rise} e^{−s/decay} ds from 0 to t.
func between(rise, decay, t float64) float64 {
	if rise == decay {
		return t * math.Exp(-t/decay)
	}
	return (math.Exp(-t/decay) - math.Exp(-t/rise)) / (1/rise - 1/decay)
}

// solve sets the voltages.
func (s *stepper) solve(tree sparse.Tree, leak, off, side []float64) {
	l, b := make([]float64, len(leak)), make([]float64, len(leak))
	for k, u := range tree.Unit {
		l[k], b[k] = leak[u], side[u]
		if e := tree.Edge[k]; e >= 0 {
			off[k] = s.of(s.Neuron.Axial, int(e))
		}
	}
	tree.Solve(l, off, b)
	for k, u := range tree.Unit {
		s.v[u] = b[k]
	}
}
