package engine

import (
	"math"

	"galvani/kernels"
)

// Optimizer moves a flat parameter vector against its gradient. Its state lies in flat slots
// of the same length, which checkpoints save by name.
type Optimizer struct {
	rule  kernels.Rule
	parts []kernels.Part
	slots []Slot
}

// Slot is one state vector of an optimiser, laid out like the learned parameters.
type Slot struct {
	Name string
	Data []float32
}

// NewOptimizer returns the optimiser named in o for n parameters. Parts, n elements in all, say on
// which of them weight decay acts; nil is all of them.
//
// The rules are those of torch.optim, with the same place for eps and weight decay. Sums and
// products are rounded to float32 one by one, so that every platform gives the same bits.
func NewOptimizer(o Options, n int, parts []kernels.Part) (*Optimizer, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if parts == nil {
		parts = []kernels.Part{{Len: n, Decays: true}}
	}
	opt := &Optimizer{rule: rules[o.Optimizer](o), parts: parts}
	for _, name := range opt.rule.Slots() {
		opt.slots = append(opt.slots, Slot{Name: name, Data: make([]float32, n)})
	}
	return opt, nil
}

// Rule returns the optimiser as data.
func (o *Optimizer) Rule() kernels.Rule { return o.rule }

// Parts returns the runs of parameters that weight decay acts on or not.
func (o *Optimizer) Parts() []kernels.Part { return o.parts }

// Slots returns the state of the optimiser.
func (o *Optimizer) Slots() []Slot { return o.slots }

// Update makes update number step, counted from 1, at learning rate lr: it changes p and the
// slots. p and grad have the length that the optimiser was made for. The elements are
// independent of each other, so the result does not depend on the number of goroutines.
func (o *Optimizer) Update(p, grad []float32, lr float64, step int) {
	f, c := updates[o.rule.Kind], o.rule.At(lr, step)
	s := make([][]float32, len(o.slots))
	for i := range s {
		s[i] = o.slots[i].Data
	}
	at := 0
	for _, part := range o.parts {
		c := c
		if !part.Decays {
			c = c.Undecayed()
		}
		from := at
		inChunks(part.Len, func(lo, hi int) { f(c, p, grad, s, from+lo, from+hi) })
		at += part.Len
	}
}

// rules are the optimisers by name.
var rules = map[string]func(Options) kernels.Rule{
	"adam": func(o Options) kernels.Rule {
		return kernels.Rule{Kind: kernels.Adam, Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Eps, Decay: o.WeightDecay}
	},
	"adamw": func(o Options) kernels.Rule {
		return kernels.Rule{Kind: kernels.Adam, Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Eps, Decay: o.WeightDecay, Decoupled: true}
	},
	"rmsprop": func(o Options) kernels.Rule {
		return kernels.Rule{Kind: kernels.RMSProp, Alpha: o.RMSAlpha, Eps: o.Eps, Decay: o.WeightDecay}
	},
	"sgd": func(o Options) kernels.Rule {
		return kernels.Rule{Kind: kernels.SGD, Momentum: o.Momentum, Nesterov: o.Nesterov, Decay: o.WeightDecay}
	},
}

// update makes the update of the elements lo ≤ i < hi.
type update func(c kernels.Coefs, p, grad []float32, slots [][]float32, lo, hi int)

// updates are the loops behind the rules.
var updates = map[kernels.RuleKind]update{kernels.Adam: adam, kernels.RMSProp: rmsprop, kernels.SGD: sgd}

// adam is
//
//	m ← β₁ m + (1−β₁) g,  v ← β₂ v + (1−β₂) g²
//	p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + eps)
//
// Where it acts, weight decay λ adds λp to g first or, decoupled, takes lr·λ·p from p first.
//
// Source: Kingma and Ba (2015), arXiv:1412.6980; decoupled: Loshchilov and Hutter (2019),
// arXiv:1711.05101.
func adam(c kernels.Coefs, p, grad []float32, slots [][]float32, lo, hi int) {
	m, v := slots[0], slots[1]
	for i := lo; i < hi; i++ {
		g := grad[i] + float32(c.Decay*p[i])
		m[i] = float32(c.Beta1*m[i]) + float32(c.C1*g)
		v[i] = float32(c.Beta2*v[i]) + float32(c.C2*float32(g*g))
		step := m[i] / (float32(sqrt(v[i])*c.Root) + c.Eps)
		p[i] = float32(c.Keep*p[i]) - float32(c.Rate*step)
	}
}

// rmsprop is
//
//	v ← α v + (1−α) g²,  p ← p − lr g/(√v + eps)
//
// with λp added to g first.
//
// Source: Tieleman and Hinton (2012), lecture 6.5 of Neural Networks for Machine Learning;
// eps outside the root as in torch.optim.RMSprop.
func rmsprop(c kernels.Coefs, p, grad []float32, slots [][]float32, lo, hi int) {
	v := slots[0]
	for i := lo; i < hi; i++ {
		g := grad[i] + float32(c.Decay*p[i])
		v[i] = float32(c.Beta2*v[i]) + float32(c.C2*float32(g*g))
		p[i] -= float32(c.Rate * (g / (sqrt(v[i]) + c.Eps)))
	}
}

// sgd is
//
//	b ← μ b + g,  p ← p − lr b, or p ← p − lr (g + μ b) in Nesterov's form
//
// with λp added to g first.
//
// Source: Sutskever et al. (2013), in the form of torch.optim.SGD.
func sgd(c kernels.Coefs, p, grad []float32, slots [][]float32, lo, hi int) {
	b := slots[0]
	for i := lo; i < hi; i++ {
		g := grad[i] + float32(c.Decay*p[i])
		b[i] = float32(c.Momentum*b[i]) + g
		step := b[i]
		if c.Nesterov {
			step = g + float32(c.Momentum*b[i])
		}
		p[i] -= float32(c.Rate * step)
	}
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
