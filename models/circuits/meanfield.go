package circuits

import (
	"fmt"
	"math"

	"galvani/kernels"
	"galvani/kernels/neurons"
	"galvani/models/meanfield"
)

// Firing returns the numbers of the populations of neurons, in their order.
func (b *Blueprint) Firing() (all []int) {
	for i, p := range b.Populations {
		if !p.Source() {
			all = append(all, i)
		}
	}
	return all
}

// MeanField returns the network in the mean, of the populations of neurons: what rates of 1 Hz add to the
// input of each in mV, and its input from sources and from currents that have no end.
//
// Errors: for conductances, whose current is no multiple of the rates, and for trains of a file.
func (b *Blueprint) MeanField() (meanfield.Linear, error) {
	firing := b.Firing()
	place := map[int]int{}
	l := meanfield.Linear{W: make([][]float64, len(firing)), X: make([]float64, len(firing))}
	for i, p := range firing {
		place[p], l.W[i] = i, make([]float64, len(firing))
	}
	for _, q := range b.Connections {
		from, to := b.Populations[q.From], b.Populations[q.To]
		if _, conductance := to.Reversal(q.Synapse); conductance {
			return l, fmt.Errorf("circuits: population %s has conductances, whose current is no multiple of the rates; the theory is of networks of currents", to.Name)
		}
		perHz := b.perHz(q)
		if from.Header == kernels.Trains {
			return l, fmt.Errorf("circuits: population %s has trains of a file, whose rate is not known; the theory is of sources of a rate", from.Name)
		}
		if from.Source() {
			l.X[place[q.To]] += perHz * from.Params[0]
		} else {
			l.W[place[q.To]][place[q.From]] += perHz
		}
	}
	for _, q := range b.Currents {
		if q.Last == math.MaxInt64 {
			l.X[place[q.Population]] += q.Amplitude
		}
	}
	return l, nil
}

// Single returns the neuron of a population as the exact rate needs it; false where nobody knows it.
func (p Population) Single() (n meanfield.Neuron, ok bool) {
	h, ok := neurons.Of(p.Header)
	if !ok {
		return n, false
	}
	to := map[string]*float64{"tau_m": &n.Tau, "E_L": &n.EL, "V_T": &n.VT, "D_T": &n.DT, "V_th": &n.Vth, "V_re": &n.Vre, "t_ref": &n.Tref}
	for i, q := range h.Params {
		if x := to[q.Name]; x != nil {
			*x = p.Params[i]
		}
	}
	return n, p.Header == "lif" || p.Header == "eif"
}
