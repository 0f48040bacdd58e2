package engine

import (
	"maps"
	"math"
	"slices"
)

// Optimizer moves a flat parameter vector against its gradient. Its state lies in flat slots
// of the same length, which checkpoints save by name.
type Optimizer struct {
	rule  rule
	slots []Slot
}

// Slot is one state vector of an optimiser, laid out like the learned parameters.
type Slot struct {
	Name string
	Data []float32
}

// NewOptimizer returns the optimiser named in o for n parameters.
//
// The rules are those of torch.optim, with the same place for eps and weight decay. Sums and
// products are rounded to float32 one by one, so that every platform gives the same bits.
func NewOptimizer(o Options, n int) (*Optimizer, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	r := rules[o.Optimizer](o)
	opt := &Optimizer{rule: r}
	for _, name := range r.slots {
		opt.slots = append(opt.slots, Slot{Name: name, Data: make([]float32, n)})
	}
	return opt, nil
}

// Slots returns the state of the optimiser.
func (o *Optimizer) Slots() []Slot { return o.slots }

// Update makes update number step, counted from 1, at learning rate lr: it changes p and the
// slots. p and grad have the length that the optimiser was made for. The elements are
// independent of each other, so the result does not depend on the number of goroutines.
func (o *Optimizer) Update(p, grad []float32, lr float64, step int) {
	f := o.rule.at(lr, step)
	s := make([][]float32, len(o.slots))
	for i := range s {
		s[i] = o.slots[i].Data
	}
	inChunks(len(p), func(lo, hi int) { f(p, grad, s, lo, hi) })
}

// rule is one way to update: its slots, and the update of the elements lo ≤ i < hi at a given
// rate and step.
type rule struct {
	slots []string
	at    func(lr float64, step int) update
}

type update func(p, grad []float32, slots [][]float32, lo, hi int)

// rules are the optimisers by name.
var rules = map[string]func(Options) rule{
	"adam":    func(o Options) rule { return adam(o, false) },
	"adamw":   func(o Options) rule { return adam(o, true) },
	"rmsprop": rmsprop,
	"sgd":     sgd,
}

func optimizerNames() []string { return slices.Sorted(maps.Keys(rules)) }

// adam returns the rule
//
//	m ← β₁ m + (1−β₁) g,  v ← β₂ v + (1−β₂) g²
//	p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + eps)
//
// Weight decay λ adds λp to g first or, decoupled, takes lr·λ·p from p first.
//
// Source: Kingma and Ba (2015), arXiv:1412.6980; decoupled: Loshchilov and Hutter (2019),
// arXiv:1711.05101.
func adam(o Options, decoupled bool) rule {
	b1, b2 := float32(o.Beta1), float32(o.Beta2)
	c1, c2 := float32(1-o.Beta1), float32(1-o.Beta2)
	eps := float32(o.Eps)
	return rule{slots: []string{"exp_avg", "exp_avg_sq"}, at: func(lr float64, step int) update {
		rate := float32(lr / (1 - math.Pow(o.Beta1, float64(step))))
		root := float32(1 / math.Sqrt(1-math.Pow(o.Beta2, float64(step))))
		decay, keep := float32(o.WeightDecay), float32(1)
		if decoupled {
			decay, keep = 0, float32(1-lr*o.WeightDecay)
		}
		return func(p, grad []float32, slots [][]float32, lo, hi int) {
			m, v := slots[0], slots[1]
			for i := lo; i < hi; i++ {
				g := grad[i] + float32(decay*p[i])
				m[i] = float32(b1*m[i]) + float32(c1*g)
				v[i] = float32(b2*v[i]) + float32(c2*float32(g*g))
				step := m[i] / (float32(sqrt(v[i])*root) + eps)
				p[i] = float32(keep*p[i]) - float32(rate*step)
			}
		}
	}}
}

// rmsprop returns the rule
//
//	v ← α v + (1−α) g²,  p ← p − lr g/(√v + eps)
//
// with λp added to g first.
//
// Source: Tieleman and Hinton (2012), lecture 6.5 of Neural Networks for Machine Learning;
// eps outside the root as in torch.optim.RMSprop.
func rmsprop(o Options) rule {
	a, c := float32(o.RMSAlpha), float32(1-o.RMSAlpha)
	eps, decay := float32(o.Eps), float32(o.WeightDecay)
	return rule{slots: []string{"square_avg"}, at: func(lr float64, _ int) update {
		rate := float32(lr)
		return func(p, grad []float32, slots [][]float32, lo, hi int) {
			v := slots[0]
			for i := lo; i < hi; i++ {
				g := grad[i] + float32(decay*p[i])
				v[i] = float32(a*v[i]) + float32(c*float32(g*g))
				p[i] -= float32(rate * (g / (sqrt(v[i]) + eps)))
			}
		}
	}}
}

// sgd returns the rule
//
//	b ← μ b + g,  p ← p − lr b, or p ← p − lr (g + μ b) in Nesterov's form
//
// with λp added to g first.
//
// Source: Sutskever et al. (2013), in the form of torch.optim.SGD.
func sgd(o Options) rule {
	mu, decay := float32(o.Momentum), float32(o.WeightDecay)
	return rule{slots: []string{"momentum_buffer"}, at: func(lr float64, _ int) update {
		rate := float32(lr)
		return func(p, grad []float32, slots [][]float32, lo, hi int) {
			b := slots[0]
			for i := lo; i < hi; i++ {
				g := grad[i] + float32(decay*p[i])
				b[i] = float32(mu*b[i]) + g
				step := b[i]
				if o.Nesterov {
					step = g + float32(mu*b[i])
				}
				p[i] -= float32(rate * step)
			}
		}
	}}
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
