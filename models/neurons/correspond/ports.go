package correspond

import (
	"math"
	"slices"

	"galvani/models/neurons"
)

// port is how input comes into a compartment of a charged RNN: by two conductances, one towards each potential in
// mV, of one time course: a rise and a decay in ms, 0 and 0 for a conductance that follows its input at once.
type port struct {
	Exc, Inh    float64
	Rise, Decay float64
}

// apart is how far in mV from rest the potentials of a port are at least where the neuron tells none.
const apart = 50

// ports returns the port of each compartment. Receptors say towards which potentials: the mean of those that
// excite, by their weights, and of those that inhibit; where there are none, currents are conductances towards the
// highest and the lowest reversal potential of the neuron. The time course is that of the receptor with the
// greatest effect, of those driven by facets where there are any.
func ports(n *neurons.Neuron, rest float64) []port {
	hi, lo := rest+apart, rest-apart
	for _, ch := range n.Channels {
		for i, r := range n.Regions {
			if _, ok := r.Densities[ch.Name]; ok {
				hi, lo = max(hi, n.Reversal(i, ch)), min(lo, n.Reversal(i, ch))
			}
		}
	}
	list := make([]port, n.Compartments())
	for u := range list {
		p := port{Exc: hi, Inh: lo}
		var exc, inh, wExc, wInh, most float64
		eyes := slices.ContainsFunc(n.Inputs, func(in neurons.Input) bool { return in.Facets != nil && slices.Contains(in.Units, u) })
		for _, in := range n.Inputs {
			if in.Receptor < 0 || !slices.Contains(in.Units, u) {
				continue
			}
			r := n.Receptors[in.Receptor]
			effect := in.Weight * course(r.Rise, r.Decay)
			if r.Reversal > rest {
				exc, wExc = exc+in.Weight*r.Reversal, wExc+in.Weight
			} else {
				inh, wInh = inh+in.Weight*r.Reversal, wInh+in.Weight
			}
			if effect > most && (in.Facets != nil || !eyes) {
				most, p.Rise, p.Decay = effect, r.Rise, r.Decay
			}
		}
		if wExc > 0 {
			p.Exc = exc / wExc
		}
		if wInh > 0 {
			p.Inh = inh / wInh
		}
		list[u] = p
	}
	return list
}

// course returns the area in ms of the time course of a receptor, whose peak is 1.
func course(rise, decay float64) float64 {
	switch {
	case rise == 0:
		return decay
	case math.Abs(rise/decay-1) < 1e-6:
		return rise * math.E
	}
	a, b := 1/rise, 1/decay
	top := math.Log(a/b) / (a - b)
	return rise * decay * (a - b) / (math.Exp(-b*top) - math.Exp(-a*top))
}

// column is a conductance of a compartment that an input drives: by Scale µS for each 1 of a wave, or µS ms for
// each event. A wave of a current drives one column with what is above 0 and one with what is below.
type column struct {
	input, at, unit int
	inhibits        bool
	sign            float64 // 1 or -1 of a current, 0 of events
	scale           float64
}

// columns returns the conductances that the inputs of a neuron drive.
func columns(n *neurons.Neuron, rest float64, ports []port) (list []column) {
	for i, in := range n.Inputs {
		for at, u := range in.Units {
			p := ports[u]
			if in.Receptor >= 0 {
				r := n.Receptors[in.Receptor]
				list = append(list, column{i, at, u, r.Reversal <= rest, 0, in.Weight * course(r.Rise, r.Decay)})
				continue
			}
			list = append(list, column{i, at, u, false, 1, in.Weight / (p.Exc - rest)}, column{i, at, u, true, -1, in.Weight / (rest - p.Inh)})
		}
	}
	return list
}

// part returns what of a value drives the column.
func (c column) part(x float64) float64 {
	if c.sign == 0 {
		return x
	}
	return max(0, c.sign*x)
}

// byConductance returns a neuron whose inputs are those of a charged RNN, and the stimulus for it.
func byConductance(n *neurons.Neuron, s neurons.Stimulus, dt float64, ports []port, list []column) (*neurons.Neuron, neurons.Stimulus) {
	c := n.Clone()
	c.Receptors, c.Inputs = nil, nil
	out := neurons.Stimulus{Waves: map[int]neurons.Wave{}, Events: map[int][]neurons.Event{}}
	for _, col := range list {
		p := ports[col.unit]
		r := neurons.Receptor{Rise: p.Rise, Decay: p.Decay, Reversal: p.Exc}
		if col.inhibits {
			r.Reversal = p.Inh
		}
		gain, area := 1.0, course(p.Rise, p.Decay)
		if p.Decay == 0 {
			r.Decay = dt * atOnce
			area = dt
		} else {
			gain = area / dt
		}
		k := slices.Index(c.Receptors, r)
		if k < 0 {
			k, c.Receptors = len(c.Receptors), append(c.Receptors, r)
		}
		in := neurons.Input{Receptor: k, Units: []int{col.unit}, Weight: col.scale / area, Delay: n.Inputs[col.input].Delay}
		if col.sign != 0 {
			in.Weight = col.scale / gain
		}
		i := len(c.Inputs)
		if w := s.Waves[col.input]; w != nil {
			out.Waves[i] = func(ms float64) float64 { return col.part(w(ms)) }
		}
		for _, e := range s.Events[col.input] {
			if e.At < 0 || e.At == col.at {
				out.Events[i] = append(out.Events[i], neurons.Event{Ms: e.Ms, At: 0, Size: e.Size})
			}
		}
		if out.Waves[i] == nil && out.Events[i] == nil {
			continue
		}
		c.Inputs = append(c.Inputs, in)
	}
	return c, out
}
