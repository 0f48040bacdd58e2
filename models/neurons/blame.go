package neurons

import (
	"fmt"
	"math"

	"galvani/kernels"
	"galvani/kernels/compartments"
)

// Farthest is a potential in mV that no membrane has.
const Farthest = 1e4

// lost returns the error of neurons whose recorded V left ±Farthest in the last stretch, of steps behind done. It goes
// through the stretch again, step by step, to name the compartment where V did so first, and what pulled the most there.
func (n *Neuron) lost(r *runner, all []*Compiled, done int) error {
	x, steps := r.numbers, r.cfg.T
	if err := r.state.fill(r.before); err != nil {
		return err
	}
	state := r.before
	row := r.cfg.B * r.cfg.I
	for k := range steps {
		if _, err := r.step(x[k*row : (k+1)*row]); err != nil {
			return err
		}
		next := r.after
		units := r.cfg.Cell.Neuron.Units()
		for i, v := range next[:r.cfg.B*units] {
			if !(math.Abs(v) <= Farthest) {
				b, u := i/units, i%units
				in := x[k*row+b*r.cfg.I : k*row+(b+1)*r.cfg.I]
				at := func(s []float64, plane int) float64 { return s[(plane*r.cfg.B+b)*units+u] }
				place := n.unitName(u)
				if r.cfg.B > 1 {
					place += fmt.Sprintf(" of neuron %d", b+1)
				}
				return fmt.Errorf("neurons: V of %s is %.4g mV at %.6g ms, beyond %g mV; %s; take a weaker input or a shorter step: %w", place, v,
					float64(done+k+1)*all[b].Neuron.Dt, Farthest,
					all[b].strongest(u, at(state, 0), func(plane int) float64 { return at(next, plane) }, in), kernels.ErrNotFinite)
			}
		}
		state = next
	}
	return fmt.Errorf("neurons: V is beyond %g mV behind %g ms: %w", Farthest, float64(done)*all[0].Neuron.Dt, kernels.ErrNotFinite)
}

// unitName is the name of a compartment, or of a node.
func (n *Neuron) unitName(u int) string {
	if places := n.Places(); u < len(places) {
		return places[u]
	}
	return "a point where sections meet"
}

// strongest says which channel or input carries the most current at a unit, given V before a step, the planes of gates
// after it, and the input.
func (c *Compiled) strongest(unit int, v float64, gate func(plane int) float64, x []float64) string {
	number := func(q compartments.Quantity, place int) float64 {
		if q.Param < 0 {
			return q.Value
		}
		return c.Values[q.Param][q.Element(place)]
	}
	most, text := 0.0, "no channel is open there"
	take := func(nA float64, format string, args ...any) {
		if math.IsNaN(nA) {
			nA = math.Inf(1)
		}
		if math.Abs(nA) > most {
			most, text = math.Abs(nA), fmt.Sprintf(format, args...)
		}
	}
	plane := 1
	for _, ch := range c.Neuron.Channels {
		open := 1.0
		for _, g := range ch.Gates {
			open *= math.Pow(gate(plane), float64(g.Power))
			plane++
		}
		for place, u := range ch.Units {
			if int(u) == unit {
				nA := number(ch.Density, place) * c.Neuron.Area[unit] * 1e-2 * open * (number(ch.Reversal, 0) - v)
				take(nA, "the largest current there is %.3g nA of channel %s", nA, ch.Name)
			}
		}
	}
	sum := 0.0
	for i, in := range c.Neuron.Inputs {
		if in.Receptor < 0 && in.Unit == unit {
			sum += number(in.Weight, i) * x[in.From]
		}
	}
	take(sum, "the largest current there is %.3g nA from outside", sum)
	return text
}
