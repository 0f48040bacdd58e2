package layered

import (
	"fmt"
	"math"

	"galvani/kernels"
	"galvani/kernels/random"
	"galvani/models/rules"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// plan computes a network for batches of one size. It implements kernels.Composite. Inputs are x [B,I] and the
// parameters in the order of Network.Specs.
type plan[F kernels.Float] struct {
	net    *Network
	batch  int
	phi    activation
	stages []*stage[F]
	moment func() (seed, update uint64)
}

// stage is layer l of a plan: the weights below its units, and the way back to the units below them.
type stage[F kernels.Float] struct {
	layer  int
	linear kernels.LinearPlan
	below  gorgonia.Value // rates [B,K] in the last Forward
	rate   *field[F]      // rates [B,M]; nil for the output
	err    *field[F]      // errors [B,M] of the units; nil for the output, which is given its own

	direct kernels.LinearPlan // of the error of the output to the units; nil where errors come from above
	signed *field[F]          // weights [M,K] of the way back, made of signs; nil for other rules
	mirror *mirror[F]         // nil for other rules
	none   *field[F]          // the gradient of weights of the way back that have none; nil for other networks
}

// newPlan allocates a plan. A nil device multiplies in Go.
func newPlan[F kernels.Float](n *Network, dev kernels.Device, in kernels.Sequence, dt tensor.Dtype) (*plan[F], error) {
	p := &plan[F]{net: n, batch: in.B, phi: activations[n.cfg.Activation], moment: in.Update}
	if p.moment == nil {
		p.moment = func() (uint64, uint64) { return 0, 0 }
	}
	place := placeOn(dev)
	for l := range n.layers() {
		s, err := newStage[F](n, place, l, in, dt)
		if err != nil {
			return nil, err
		}
		p.stages = append(p.stages, s)
	}
	return p, nil
}

func newStage[F kernels.Float](n *Network, at place, l int, in kernels.Sequence, dt tensor.Dtype) (*stage[F], error) {
	k, m, last := n.sizes[l], n.sizes[l+1], n.layers()-1
	s := &stage[F]{layer: l}
	direct := n.rule.Direct && !n.exact
	cfg := kernels.LinearConfig{N: in.B, K: k, M: m, Dtype: dt, Given: l == 0 || direct}
	var err error
	if s.linear, err = at.linear(cfg); err != nil {
		return nil, err
	}
	if l < last {
		if s.rate, err = newField[F](at, in.B, m); err != nil {
			return nil, err
		}
		if s.err, err = newField[F](at, in.B, m); err != nil {
			return nil, err
		}
		if direct && !in.ForwardOnly {
			back := kernels.LinearConfig{N: in.B, K: m, M: n.Outputs(), Dtype: dt, Fixed: true}
			if s.direct, err = at.linear(back); err != nil {
				return nil, err
			}
		}
	}
	if l == 0 || in.ForwardOnly {
		return s, nil
	}
	return s, s.wayBack(n, at, cfg)
}

// wayBack allocates what the rule asks for between layer l and the one below it.
func (s *stage[F]) wayBack(n *Network, at place, cfg kernels.LinearConfig) (err error) {
	_, signs := n.rule.Back.(rules.Signs)
	_, mirrors := n.rule.Learn.(rules.Mirror)
	switch {
	case n.exact && n.rule.Learn != nil:
		s.none, err = newField[F](at, cfg.M*cfg.K)
	case n.exact:
	case signs:
		s.signed, err = newField[F](at, cfg.M, cfg.K)
	case mirrors:
		s.mirror, err = newMirror[F](at, cfg)
	}
	return err
}

// Forward returns the logits [B,O].
func (p *plan[F]) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	r := in[0]
	for l, s := range p.stages {
		s.below = r
		w := in[2*l+1]
		a, err := s.linear.Forward(r, w, in[2*l+2])
		if err != nil || s.rate == nil {
			return a, err
		}
		sums, err := elements[F](a)
		if err != nil {
			return nil, err
		}
		apply(p.phi, s.rate.buf, sums)
		if r, err = s.rate.value(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("models: %s has no layers: %w", p.net.name, kernels.ErrShape)
}

// Backward returns the gradients of weight and bias of each layer, packed, and of the weights of the way back
// where they learn.
func (p *plan[F]) Backward(in []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	if err := p.answer(in); err != nil {
		return nil, err
	}
	last := len(p.stages) - 1
	packed := make([]gorgonia.Value, len(p.stages), 2*len(p.stages))
	e := grad
	for l := last; l >= 0; l-- {
		s := p.stages[l]
		back, err := p.back(in, s)
		if err != nil {
			return nil, err
		}
		down, own, err := s.linear.Backward(s.below, back, e)
		if err != nil {
			return nil, err
		}
		if packed[l] = own; l == 0 {
			break
		}
		if e, err = p.stages[l-1].receive(p, in, down, grad); err != nil {
			return nil, err
		}
	}
	if p.net.rule.Learn == nil {
		return packed, nil
	}
	for _, s := range p.stages[1:] {
		g, err := s.learn(p, in, packed[s.layer])
		if err != nil {
			return nil, err
		}
		packed = append(packed, g)
	}
	return packed, nil
}

// receive makes the error of the units: what comes down from the layer above, or from the output, times
// the slope of the activation.
func (s *stage[F]) receive(p *plan[F], in []gorgonia.Value, down, output gorgonia.Value) (gorgonia.Value, error) {
	if s.direct != nil {
		var err error
		if down, _, err = s.direct.Backward(p.stages[s.layer+1].below, in[p.net.feedback(s.layer+1)+1], output); err != nil {
			return nil, err
		}
	}
	e, err := elements[F](down)
	if err != nil {
		return nil, err
	}
	copy(s.err.buf, e)
	multiply(p.phi, s.err.buf, s.rate.buf)
	return s.err.value()
}

// back returns the weights through which the error comes down to the units below layer l. What this
// function hands to a rule is all that the way back of the rule reads.
func (p *plan[F]) back(in []gorgonia.Value, s *stage[F]) (gorgonia.Value, error) {
	w := in[2*s.layer+1]
	if s.layer == 0 || p.net.exact {
		return w, nil
	}
	switch way := p.net.rule.Back.(type) {
	case rules.Own:
		if p.net.rule.Direct {
			return w, nil // and nothing comes down
		}
		return in[p.net.feedback(s.layer)+1], nil
	case rules.Signs:
		return p.signs(w, s, way)
	}
	return w, nil
}

// signs makes weights of the signs of w.
func (p *plan[F]) signs(w gorgonia.Value, s *stage[F], way rules.Signs) (gorgonia.Value, error) {
	values, err := elements[F](w)
	if err != nil {
		return nil, err
	}
	size := p.sizes(s)
	kernels.InChunks(len(values), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			sign := 0.0
			if v := values[i]; v > 0 {
				sign = 1
			} else if v < 0 {
				sign = -1
			}
			s.signed.buf[i] = F(way.Weight(sign, size(i)))
		}
	})
	return s.signed.value()
}

// sizes returns the sizes of weights of the way back: those of first weights.
func (p *plan[F]) sizes(s *stage[F]) func(i int) float64 {
	k, m := p.net.sizes[s.layer], p.net.sizes[s.layer+1]
	largest := p.net.cfg.gain() * p.net.cfg.FeedbackScale * math.Sqrt(6/float64(k+m))
	seed, update := p.moment()
	stream := random.New(seed).Named(fmt.Sprintf("sizes of layer %d", s.layer+1))
	switch p.net.cfg.Symmetry {
	case "brsf":
		stream = stream.Stream(update)
	case "usf":
		mean := largest / math.Sqrt(3) // root of the mean square
		return func(int) float64 { return mean }
	}
	return func(i int) float64 { return largest * stream.Uniform(uint64(i)) }
}

// learn returns the gradient of the weights of the way back to the units below layer l, given that of the
// weights and biases of the layer.
func (s *stage[F]) learn(p *plan[F], in []gorgonia.Value, own gorgonia.Value) (gorgonia.Value, error) {
	n := p.net.sizes[s.layer] * p.net.sizes[s.layer+1]
	switch {
	case s.none != nil:
		return s.none.value()
	case s.mirror != nil:
		way, _ := p.net.rule.Learn.(rules.Mirror)
		return s.mirror.gradient(way, in[p.net.feedback(s.layer)+1], p.batch, p.net.cfg.MirrorRate)
	}
	return part[F](own, n)
}

// answer shows noise to the layers above hidden ones, where the rule asks for it.
func (p *plan[F]) answer(in []gorgonia.Value) error {
	for _, s := range p.stages {
		if s.mirror == nil {
			continue
		}
		seed, update := p.moment()
		noise := random.New(seed).Named(fmt.Sprintf("noise of layer %d", s.layer)).Stream(update)
		if err := s.mirror.show(noise, in[2*s.layer+1]); err != nil {
			return err
		}
	}
	return nil
}
