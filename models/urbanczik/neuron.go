package urbanczik

import (
	"errors"
	"fmt"
	"math"

	"galvani/kernels/random"
)

// ErrParams means that parameters are out of range or do not fit each other.
var ErrParams = errors.New("urbanczik: parameters")

// Params are those of a neuron and its synapses.
type Params struct {
	C          float64 // capacity of each compartment
	GL, GD     float64 // leak, and from dendrite to soma, 1/ms
	EE, EI     float64 // reversal potentials of what teaches
	TauS       float64 // of synaptic currents, ms
	TauDelta   float64 // of the low-pass before changes, ms
	PhiMax     float64 // largest intensity, 1/ms
	K          float64
	Beta       float64 // steepness
	Theta      float64 // threshold
	Refractory float64 // ms
	Eta        float64 // learning rate
	WMin, WMax float64
	Step       float64 // ms
}

// Default returns the parameters of the source.
func Default() Params {
	return Params{C: 1, GL: 0.1, GD: 2, EE: 14.0 / 3, EI: -1.0 / 3, TauS: 3, TauDelta: 100, PhiMax: 0.15, K: 0.5, Beta: 5, Theta: 1,
		Refractory: 3, Eta: 0.07, WMin: -1, WMax: 1, Step: 0.1}
}

// Check refuses parameters with which the neuron cannot be computed.
//
// Errors: ErrParams.
func (p Params) Check() error {
	for _, v := range []struct {
		name  string
		value float64
	}{{"capacity", p.C}, {"leak", p.GL}, {"conductance from dendrite to soma", p.GD}, {"time constant of currents", p.TauS},
		{"time constant of the low-pass", p.TauDelta}, {"largest intensity", p.PhiMax}, {"k", p.K}, {"beta", p.Beta}, {"step", p.Step}} {
		if !(v.value > 0) || math.IsInf(v.value, 0) {
			return fmt.Errorf("%w: the %s is %g, want it positive", ErrParams, v.name, v.value)
		}
	}
	switch {
	case p.TauS == p.TauL():
		return fmt.Errorf("%w: currents and membrane have the same time constant of %g ms; make one a little longer", ErrParams, p.TauS)
	case p.Step*(p.GL+p.GD) > p.C:
		return fmt.Errorf("%w: a step of %g ms is too long for the soma, want at most %.3g", ErrParams, p.Step, p.C/(p.GL+p.GD))
	case p.WMin > p.WMax:
		return fmt.Errorf("%w: weights from %g to %g, want the least first", ErrParams, p.WMin, p.WMax)
	}
	return nil
}

// TauL is the time constant of the dendrite.
func (p Params) TauL() float64 { return p.C / p.GL }

// Phi is the intensity of spikes at a potential, 1/ms.
func (p Params) Phi(u float64) float64 { return p.PhiMax / (1 + p.K*math.Exp(p.Beta*(p.Theta-u))) }

// H is the derivative of the logarithm of Phi.
func (p Params) H(u float64) float64 { return p.Beta / (1 + math.Exp(p.Beta*(u-p.Theta))/p.K) }

// Predicted is what a dendrite at v predicts of the soma.
func (p Params) Predicted(v float64) float64 { return p.GD * v / (p.GL + p.GD) }

// scale is the height of what a spike adds to V, in differences of two exponentials, for a weight of 1.
func (p Params) scale() float64 { return p.TauS / (p.GL * (p.TauL() - p.TauS)) }

// Neuron is a neuron in time.
type Neuron struct {
	p       Params
	U, V    float64
	current float64
	until   float64 // end of the refractory time, in steps
	step    int
	chance  random.Stream
}

// NewNeuron returns a neuron at rest, whose spikes are drawn from a seed.
//
// Errors: ErrParams.
func NewNeuron(p Params, seed uint64) (*Neuron, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	return &Neuron{p: p, chance: random.New(seed).Named("spikes of the soma")}, nil
}

// Receive adds a spike that arrives with a weight.
func (n *Neuron) Receive(w float64) { n.current += w }

// Step moves the neuron by one step with conductances that teach, and returns the spikes in it, 0 or 1, and the error of the
// prediction: [spikes − φ(V*) dt] h(V*).
func (n *Neuron) Step(ge, gi float64) (spikes int, wrong float64) {
	p, dt := n.p, n.p.Step
	// Dendrite and current are linear, and moved exactly.
	a, b := math.Exp(-dt/p.TauL()), math.Exp(-dt/p.TauS)
	n.V = n.V*a + n.current*p.scale()*(a-b)
	n.current *= b
	total := p.GL + p.GD + ge + gi
	in := p.GD*n.V + ge*p.EE + gi*p.EI
	n.U = in/total + (n.U-in/total)*math.Exp(-dt*total/p.C)
	if float64(n.step) >= n.until && n.chance.Uniform(uint64(n.step)) < -math.Expm1(-p.Phi(n.U)*dt) {
		spikes, n.until = 1, float64(n.step)+p.Refractory/dt
	}
	n.step++
	predicted := p.Predicted(n.V)
	return spikes, (float64(spikes) - p.Phi(predicted)*dt) * p.H(predicted)
}
