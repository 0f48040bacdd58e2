package circuits

import (
	"slices"

	"galvani/kernels/neurons"
	"galvani/models/description"
	"galvani/models/rates"
)

// Unit returns what the units of a header are: a neuron of kernels/neurons, or a rate unit; false means that this binary
// has no kernel for it.
func Unit(header string) (neurons.Neuron, bool) {
	if header == rates.Header {
		return rates.Unit(), true
	}
	return neurons.Of(header)
}

// StartUnit returns what the state before the first step is measured in: a potential, or of rate units a rate.
func (p Population) StartUnit() description.Dimension {
	if p.Header == rates.Header {
		return frequency
	}
	return description.Voltage
}

// Rates reports whether the network is one of rate units, which no device steps.
func (b *Blueprint) Rates() bool {
	return slices.ContainsFunc(b.Populations, func(p Population) bool { return p.Header == rates.Header })
}

// ofRates refuses in a network of rate units what those have not.
func (r *reader) ofRates() {
	of, other := -1, -1
	for i, p := range r.b.Populations {
		switch {
		case p.Header == rates.Header && of < 0:
			of = i
		case p.Header != rates.Header && !p.Source():
			other = i
		}
	}
	if of < 0 || r.Err() != nil {
		return
	}
	name := r.b.Populations[of].Name
	if other >= 0 {
		r.Fail("population", "has rate units, %s, and spiking neurons, %s; make all of them the same", name, r.b.Populations[other].Name)
	}
	for _, p := range r.b.Populations {
		if p.Header == rates.Header && p.Params[0] < r.b.Step {
			r.Fail("population", "%s has the tau %g ms, shorter than the step, %g ms; give a longer one or a shorter step", p.Name, p.Params[0], r.b.Step)
		}
		if p.Header == rates.Header {
			if wrong := rates.Sigmoid(p.Params); wrong != "" {
				r.Fail("population", "%s has %s", p.Name, wrong)
			}
		}
		if len(p.Trains) > 0 {
			r.Fail("population", "%s has trains of spikes, which have no rate; give rate units a source of a rate", p.Name)
		}
	}
	for _, q := range r.b.Connections {
		if q.Delay.Form != Same || r.b.steps(q.Delay.A) != 1 {
			r.Fail("projection", "%s has a delay, and rates act at once; leave it out", q.Name())
		}
	}
}
