package layered

import (
	"fmt"

	"galvani/kernels"
)

// builder writes a network that is stepped in time as a program.
type builder struct {
	p kernels.Program
	// Arrays that all networks have: what is shown, what outputs are pulled to, and the part of each pattern in the
	// changes, which add up to 1.
	x, pull, share int
	phi            kernels.Function
	low            float64 // part of a step in the time constant of the low-pass before changes; 0 for none
	rest           float64 // rate at rest
	ops            []kernels.ProgramOp
}

// functions are the activations as programs name them.
var functions = map[string]kernels.Function{"relu": kernels.ReLU, "tanh": kernels.Tanh, "sigmoid": kernels.Sigmoid, "softplus": kernels.Softplus,
	"soft-rectifier": kernels.SoftRectifier}

// newBuilder begins a program for a width of patterns. Rates are made by an activation.
func newBuilder(s *sized, width int, name string) *builder {
	b := &builder{phi: functions[name], rest: activations[name].rate(0)}
	b.p.N = width
	for _, p := range s.specs {
		w := kernels.ProgramWeight{M: p.Shape[0], K: 1}
		if len(p.Shape) > 1 {
			w.K = p.Shape[1]
		}
		b.p.Weights = append(b.p.Weights, w)
	}
	b.x, b.pull, b.share = b.kept("x", s.sizes[0]), b.kept("pull", s.Outputs()), b.kept("share", 1)
	return b
}

func (b *builder) array(name string, units int) int {
	b.p.Arrays = append(b.p.Arrays, kernels.ProgramArray{Name: name, Units: units})
	return len(b.p.Arrays) - 1
}

// kept adds an array that is seen from outside, and at rest 0.
func (b *builder) kept(name string, units int) int {
	i := b.array(name, units)
	b.p.Arrays[i].Kept = true
	return i
}

// rates adds an array of rates that goes on from one presentation to the next.
func (b *builder) rates(name string, units int) int {
	i := b.kept(name, units)
	b.p.Arrays[i].Rest = b.rest
	return i
}

func (b *builder) add(o kernels.ProgramOp) { b.ops = append(b.ops, o) }

// done returns the operations since the last call.
func (b *builder) done() []kernels.ProgramOp {
	list := b.ops
	b.ops = nil
	return list
}

// follow moves an array towards another by a part, 1 for a copy.
func (b *builder) follow(to, from int, part float64) {
	o := kernels.NewOp(kernels.Follow, to)
	o.From[0], o.Part = from, part
	b.add(o)
}

// product writes base + W x, without base W x.
func (b *builder) product(to, w, x, base int) {
	o := kernels.NewOp(kernels.Product, to)
	o.W, o.From[0], o.From[1] = w, x, base
	b.add(o)
}

// rate writes the rates of potentials.
func (b *builder) rate(to, from int) {
	o := kernels.NewOp(kernels.Rate, to)
	o.From[0], o.By[0], o.Phi = from, 1, b.phi
	b.add(o)
}

// term is an array times a number.
type term struct {
	array int
	by    float64
}

// drive says how the potentials u of somata move: by dt (in − total u), in the sum of the terms. Ahead becomes where they are
// heading, in / total, for neurons that look there, and where they are after the step for others.
type drive struct {
	u, ahead  int
	total, dt float64
	looks     bool
	in        []term
	// Tau are two vectors of time constants, of units: in the first u follows, by the second it looks ahead; dt is then a
	// time, and looks has no effect. Nil for none.
	tau []int
}

func (b *builder) soma(d drive) {
	o := kernels.NewOp(kernels.Soma, d.u)
	o.Also, o.Total, o.Part, o.Ahead = d.ahead, d.total, d.dt, d.looks
	for i, t := range d.in {
		o.From[i], o.By[i] = t.array, t.by
	}
	if d.tau != nil {
		o.W, o.Bias = d.tau[0], d.tau[1]
	}
	b.add(o)
}

// lesson is all that the synapses of one kind read: what is there in the neuron behind them, and the rates before them.
type lesson struct {
	w, bias int        // what changes
	err     int        // array for the error
	soma    int        // of the neuron behind the synapse, or None
	dend    int        // potential of its dendrite, or None
	by      [2]float64 // of soma and dendrite in the error
	factor  float64    // of dend before phi
	phi     kernels.Function
	before  int
	rate    float64 // in learning rates
}

// learn writes errors of the neurons behind synapses, and changes these.
func (b *builder) learn(l lesson) {
	if l.rate == 0 {
		return
	}
	e := kernels.NewOp(kernels.Error, l.err)
	e.From, e.By, e.Phi, e.Learning, e.Scale = [3]int{l.soma, l.dend, b.share}, [3]float64{l.by[0], l.by[1], l.factor}, l.phi, true, l.rate
	o := kernels.NewOp(kernels.Learn, kernels.None)
	o.W, o.Bias, o.From = l.w, l.bias, [3]int{l.err, l.before, kernels.None}
	if b.low > 0 {
		b.p.Weights[l.w].Traced = true
		e.Learning, e.Scale, o.Scale, o.Part = false, 1, l.rate, b.low
	}
	b.add(e)
	b.add(o)
}

func named(l int, part string) string { return fmt.Sprintf("layer%d.%s", l+1, part) }
