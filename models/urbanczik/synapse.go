package urbanczik

import (
	"math"
)

// Integrals are those that a change of a weight is made of, over the product f of error and input:
//
//	I1(a,b) = ∫ f dt,  I2(a,b) = ∫ exp(−(b−t)/τ_Δ) f dt,  Δw(0,t) = η [I1(0,t) − I2(0,t)]
type Integrals struct{ I1, I2 float64 }

// Then returns the integrals up to a later time, given those of the time between, dt, alone.
func (i Integrals) Then(next Integrals, dt, tau float64) Integrals {
	return Integrals{i.I1 + next.I1, math.Exp(-dt/tau)*i.I2 + next.I2}
}

// Archive is the errors of a neuron in all steps that some synapse has not read yet.
type Archive struct {
	first  int // step of the first error that is kept
	errors []float64
	read   []int // steps that each synapse has read
}

// NewArchive returns an archive that is read by a number of synapses.
func NewArchive(synapses int) *Archive { return &Archive{read: make([]int, synapses)} }

// Add notes the error of the next step.
func (a *Archive) Add(wrong float64) { a.errors = append(a.errors, wrong) }

// Len returns the number of errors that are kept.
func (a *Archive) Len() int { return len(a.errors) }

// take returns the errors of steps from which a synapse has not read, before step end, and the step of the first; what all
// have read is forgotten.
func (a *Archive) take(synapse, end int) ([]float64, int) {
	from := a.read[synapse]
	end = min(end, a.first+len(a.errors))
	if end <= from {
		return nil, from
	}
	list := a.errors[from-a.first : end-a.first]
	a.read[synapse] = end
	return list, from
}

// Prune forgets what all synapses have read.
func (a *Archive) Prune() {
	least := a.first + len(a.errors)
	for _, r := range a.read {
		least = min(least, r)
	}
	if least > a.first {
		a.errors = append(a.errors[:0], a.errors[least-a.first:]...)
		a.first = least
	}
}

// Synapse changes its weight at its own spikes alone. The error of step n meets the input of step n + delay.
type Synapse struct {
	W         float64
	p         Params
	w0        float64
	number    int
	delay     int // steps
	last      int // step of the last spike
	slow, now float64
	sum       Integrals
}

// NewSynapse returns synapse number of those that read an archive. Delay is in steps.
func NewSynapse(p Params, number int, w float64, delay int) *Synapse {
	return &Synapse{p: p, w0: w, W: w, number: number, delay: delay}
}

// Spike reads the errors up to the step of a spike, and changes the weight.
func (s *Synapse) Spike(a *Archive, step int) {
	s.Read(a, step)
	dt := float64(step-s.last) * s.p.Step
	s.slow = s.slow*math.Exp(-dt/s.p.TauL()) + 1
	s.now = s.now*math.Exp(-dt/s.p.TauS) + 1
	s.last = step
}

// Read changes the weight by the errors before a step without a spike there.
func (s *Synapse) Read(a *Archive, step int) {
	list, from := a.take(s.number, step-s.delay)
	var next Integrals
	for i, wrong := range list {
		age := float64(from+i+s.delay+1-s.last) * s.p.Step // at the end of the step
		pi := (s.slow*math.Exp(-age/s.p.TauL()) - s.now*math.Exp(-age/s.p.TauS)) * wrong
		next.I1 += pi
		next.I2 += math.Exp(-float64(len(list)-1-i)*s.p.Step/s.p.TauDelta) * pi
	}
	s.sum = s.sum.Then(next, float64(len(list))*s.p.Step, s.p.TauDelta)
	s.W = s.weight(s.sum.I1 - s.sum.I2)
}

func (s *Synapse) weight(change float64) float64 {
	return min(max(s.w0+s.p.Eta*s.p.scale()*change, s.p.WMin), s.p.WMax)
}
