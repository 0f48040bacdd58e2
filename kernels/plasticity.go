package kernels

import (
	"math"
	"slices"
)

// Plasticity changes the weights of a projection at the spikes of its two ends. With the magnitude m of a
// weight, the trace x of its source and y of its target, in units of the weights,
//
//	a spike of the source: m += (Pre.A + Pre.B y) (Pre.C + Pre.D m)
//	a spike of the target: m += (Post.A + Post.B x) (Post.C + Post.D m)
//
// and then 0 ≤ m ≤ Most. In one step the source comes first; both traces are those before the spikes of
// the step, so that two spikes in one step are no pair. A spike is delivered with the weight before it.
// Spikes pair when the units spike, whatever the delay of the projection.
type Plasticity struct {
	// Sign is that of every weight, 1 or -1: a weight is Sign m.
	Sign float64
	// Most is the largest m, NoBound for none.
	Most           float64
	Source, Target Pairing
	Pre, Post      Change
}

// NoBound is the Most of weights without an upper bound.
const NoBound = math.MaxFloat32

// Pairing is the trace of a unit: it decays with the time constant Tau, and each spike adds Jump, or with
// Nearest makes it Jump, so that only the last spike counts.
type Pairing struct {
	Tau, Jump float64 // ms, a unit of the rule's
	Nearest   bool
}

// Change is what a spike adds to m: (A + B trace) (C + D m).
type Change struct{ A, B, C, D float64 }

// Scaled returns the change of weights of which each is multiplied by a factor.
func (c Change) Scaled(factor float64) Change { return Change{c.A, c.B, c.C * factor, c.D} }

// Decay returns what a step leaves of the trace.
func (p Pairing) Decay(step float64) float64 { return math.Exp(-step / p.Tau) }

// PlasticState is the state of a plastic projection between two steps.
type PlasticState struct {
	Projection int
	// Weights are what a spike adds to the synapse, for each entry of the matrix: the weight times the jump
	// of Decay.
	Weights []float32
	// Source and Target are the traces of the units before the spikes of the next step.
	Source, Target []float32
}

// Plastic returns which projections are plastic.
func (c *Circuit) Plastic() (all []int) {
	for i, p := range c.Projections {
		if p.Plasticity != nil {
			all = append(all, i)
		}
	}
	return all
}

// WeightsNow returns the weights of the entries of plastic projection i of a state.
//
// Shape: an entry of the matrix each. Units: those of Projection.Weight.
func (c *Circuit) WeightsNow(s *CircuitState, i int) []float64 {
	at := slices.IndexFunc(s.Plastic, func(p PlasticState) bool { return p.Projection == i })
	if at < 0 {
		return nil
	}
	p := c.Projections[i]
	_, jump := Decay(c.Step, c.Populations[p.To].Synapses[p.Synapse])
	all := make([]float64, len(s.Plastic[at].Weights))
	for k, w := range s.Plastic[at].Weights {
		all[k] = float64(w) / jump
	}
	return all
}

// check refuses what is no plasticity of a projection.
func (p *Plasticity) check(at string, step float64, weights []float64) error {
	if p.Sign != 1 && p.Sign != -1 {
		return circuitError("%s: the sign of plastic weights is %g, want 1 or -1", at, p.Sign)
	}
	if !(p.Most > 0 && p.Most <= NoBound) {
		return circuitError("%s: the largest plastic weight is %g, want more than 0", at, p.Most)
	}
	for _, t := range []Pairing{p.Source, p.Target} {
		if !(t.Tau >= step && t.Tau <= 1e9) || !finite(t.Jump) {
			return circuitError("%s: a trace has the time constant %g ms and the jump %g, want the step, %g, to 1e9 and a finite one", at, t.Tau, t.Jump, step)
		}
	}
	for _, c := range []Change{p.Pre, p.Post} {
		for _, v := range []float64{c.A, c.B, c.C / step, c.D} {
			if !finite(v) {
				return circuitError("%s: a plastic weight changes by (%g + %g trace) (%g + %g m), want finite numbers", at, c.A, c.B, c.C, c.D)
			}
		}
	}
	for k, w := range weights {
		if m := w * p.Sign; !(m >= 0 && m <= p.Most) {
			return circuitError("%s: plastic weight %d is %g, want one of the sign %g and at most %g", at, k, w, p.Sign, p.Most)
		}
	}
	return nil
}
