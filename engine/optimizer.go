package engine

import (
	"fmt"

	"galvani/kernels"
	"galvani/kernels/optimisers"
)

// Optimizer moves a flat parameter vector against its gradient. Its state lies in flat slots
// of the same length, which checkpoints save by name.
type Optimizer struct {
	rule  kernels.Rule
	parts []kernels.Part
	// counted is how many elements of a gradient its norm is made of.
	counted int
	slots   []Slot
}

// Slot is one state vector of an optimiser, laid out like the learned parameters.
type Slot struct {
	Name string
	Data []float32
}

// NewOptimizer returns the optimiser named in o for n parameters. Parts, n elements in all, say on
// which of them weight decay and the limit on the norm of the gradient act; nil is all of them.
//
// The rules (package optimisers) are those of torch.optim, with the same place for eps and weight decay.
func NewOptimizer(o Options, n int, parts []kernels.Part) (*Optimizer, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if parts == nil {
		parts = []kernels.Part{{Len: n, Decays: true}}
	}
	rule, err := ruleOf(o)
	if err != nil {
		return nil, err
	}
	opt := &Optimizer{rule: rule, parts: parts}
	if opt.counted, err = kernels.CountedLen(parts); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	for _, name := range rule.Slots {
		opt.slots = append(opt.slots, Slot{Name: name, Data: make([]float32, n)})
	}
	return opt, nil
}

// Rule returns the optimiser as data.
func (o *Optimizer) Rule() kernels.Rule { return o.rule }

// Parts returns the runs of parameters that are treated alike.
func (o *Optimizer) Parts() []kernels.Part { return o.parts }

// Slots returns the state of the optimiser.
func (o *Optimizer) Slots() []Slot { return o.slots }

// Update makes update number step, counted from 1, at learning rate lr: it changes p and the
// slots. p and grad have the length that the optimiser was made for. The elements are
// independent of each other, so the result does not depend on the number of goroutines.
func (o *Optimizer) Update(p, grad []float32, lr float64, step int) {
	f, c := o.rule.Update, o.rule.At(lr, step)
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
		kernels.InChunks(part.Len, func(lo, hi int) { f(c, p, grad, s, from+lo, from+hi) })
		at += part.Len
	}
}

// ruleOf returns the rule named in o, with its settings.
func ruleOf(o Options) (kernels.Rule, error) {
	rule, err := optimisers.Of(o.Optimizer, optimisers.Settings{Beta1: o.Beta1, Beta2: o.Beta2, Alpha: o.RMSAlpha,
		Momentum: o.Momentum, Eps: o.Eps, Decay: o.WeightDecay, Nesterov: o.Nesterov})
	if err != nil {
		return rule, fmt.Errorf("engine: %w: %w", err, ErrOption)
	}
	return rule, nil
}
