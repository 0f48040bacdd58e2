package engine

import (
	"errors"
	"math"
	"slices"

	"galvani/data"
)

// Comparison asks a session to compare what its network learns by with the gradient (Config.Exact).
type Comparison struct {
	// Pairs are names of two parameters each that are compared as directions, too.
	Pairs [][2]string
}

// Direction says how one vector points beside another.
type Direction struct {
	Name    string  // of the parameter
	Degrees float64 // between the vectors
	Ratio   float64 // of their lengths
}

// newDirection compares v with a reference, false where one of them is zero.
func newDirection(name string, v, reference []float32) (Direction, bool) {
	var dot, own, other float64
	for i, x := range v {
		r := float64(reference[i])
		dot += float64(x) * r
		own += float64(x) * float64(x)
		other += r * r
	}
	if own == 0 || other == 0 {
		return Direction{}, false
	}
	cosine := dot / math.Sqrt(own) / math.Sqrt(other)
	return Direction{name, math.Acos(min(1, max(-1, cosine))) * 180 / math.Pi, math.Sqrt(own / other)}, true
}

// against compares the network's updates of its matrices with the gradient, on the first samples of the training
// set, and pairs of parameters.
func (s *Session) against() (list []Direction, err error) {
	c := s.cfg.Compare
	if c == nil {
		return nil, nil
	}
	if err := s.steps.pull(); err != nil {
		return nil, err
	}
	b, err := s.first()
	if err != nil {
		return nil, err
	}
	grad, err := s.gradientOf(s.cfg.Net, b)
	if err != nil {
		return nil, err
	}
	reference, err := s.gradientOf(s.cfg.exact(), b)
	if err != nil {
		return nil, err
	}
	add := func(name string, v, reference []float32) {
		if d, ok := newDirection(name, v, reference); ok {
			list = append(list, d)
		}
	}
	p := s.params
	for _, i := range p.learnedIndex {
		if spec := p.specs[i]; len(spec.Shape) == 2 {
			add(spec.Name, p.part(grad, i), p.part(reference, i))
		}
	}
	for _, pair := range c.Pairs {
		if a, b := p.index(pair[0]), p.index(pair[1]); a >= 0 && b >= 0 {
			add(pair[0], p.slice(a), p.slice(b))
		}
	}
	return list, nil
}

// gradientOf returns what a network with the parameters of the session gives for the gradient of a batch.
func (s *Session) gradientOf(net Model, b *data.Batch) ([]float32, error) {
	cfg, err := s.batchConfig(b)
	if err != nil {
		return nil, err
	}
	cfg.Net, _ = net.(Network)
	made := uint64(s.progress.Step)
	cfg.Update = func() (uint64, uint64) { return s.cfg.Options.Seed, made }
	g, err := runOnce(cfg, s.params, b)
	if err != nil {
		return nil, err
	}
	grad, err := g.Grad()
	return slices.Clone(grad), errors.Join(err, g.Close())
}

// index returns the number of a parameter, negative for none.
func (p *Params[F]) index(name string) int {
	for i, s := range p.specs {
		if s.Name == name {
			return i
		}
	}
	return -1
}
