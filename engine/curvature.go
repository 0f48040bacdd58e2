package engine

import (
	"fmt"
	"math"

	"galvani/data"
	"galvani/kernels"
	"galvani/kernels/random"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Curvature is the ends of the spectrum of the Hessian of a loss, by the method of Lanczos.
type Curvature struct {
	// Smallest lies above or at the smallest eigenvalue, Largest below or at the largest.
	Smallest, Largest float64
	// SmallestError and LargestError bound how far the nearest eigenvalue is from each.
	SmallestError, LargestError float64
	Steps                       int // products of the Hessian with a vector
}

const (
	// curvatureStep is by how much parameters move along a vector of length 1. Differences of gradients in float64 are
	// off by about its square from the fourth derivative of the loss, and by 1e-16 over it from rounding.
	curvatureStep = 1e-5
	// krylovEnd is the length of a new vector, in that of the product that it is of, from which on there is none.
	krylovEnd = 1e-10
)

// Curvature returns the ends of the spectrum of the Hessian of the mean loss of a batch, without penalties, at the
// parameters as they are, after up to so many steps of Lanczos from a random vector. What it is of are the learned
// parameters whose gradient is one of the loss. Products are central differences of gradients in float64, which a
// device with a memory of its own leaves to the graph.
//
// Source: Lanczos (1950), doi:10.6028/jres.045.026; with all vectors orthogonalised anew, as Paige (1972) asks for.
//
// Errors: kernels.ErrShape for a model that is no Network; those of NewGraph.
func (s *Session) Curvature(b *data.Batch, steps int) (Curvature, error) {
	if err := s.steps.pull(); err != nil {
		return Curvature{}, err
	}
	cfg, err := s.batchConfig(b)
	if err != nil {
		return Curvature{}, err
	}
	if cfg.Net = s.cfg.exact(); cfg.Net == nil {
		return Curvature{}, fmt.Errorf("engine: model %s has no gradient, so its loss has no Hessian: %w", s.cfg.Net.Name(), kernels.ErrShape)
	}
	if _, far := cfg.Device.(kernels.Resident); far {
		cfg.Device, cfg.Memory = nil, 0
	}
	params, err := NewParams[float64](cfg.Net, s.cfg.Options.Seed)
	if err != nil {
		return Curvature{}, err
	}
	for i, v := range s.params.flat {
		params.flat[i] = float64(v)
	}
	g, err := NewGraph(cfg, params)
	if err != nil {
		return Curvature{}, err
	}
	defer g.Close()
	if err := g.Load(b); err != nil {
		return Curvature{}, err
	}
	h := newHessian(g)
	return lanczos(h.n, steps, newStream(s.cfg.Options.Seed, "curvature"), h.times)
}

// exact returns the network whose gradient is that of the loss, nil for none.
func (c Config) exact() Network {
	if c.Exact != nil {
		return c.Exact
	}
	net, _ := c.Net.(Network)
	return net
}

// curvature measures what the option hessian asks for, on the first samples of the training set.
func (s *Session) curvature() (*Curvature, error) {
	steps := s.cfg.Options.Hessian
	if steps == 0 {
		return nil, nil
	}
	b, err := s.first()
	if err != nil {
		return nil, err
	}
	c, err := s.Curvature(b, steps)
	return &c, err
}

// hessian multiplies vectors by the Hessian of the loss of a graph.
type hessian struct {
	g     *Graph[float64]
	parts [][]float64 // of the parameters that it is of
	grads [][2]int    // where their gradients lie
	n     int
}

func newHessian(g *Graph[float64]) *hessian {
	h := &hessian{g: g}
	p := g.params
	for _, i := range p.learnedIndex {
		if p.specs[i].Clip != kernels.Counted {
			continue // a gradient that is none of the loss
		}
		part := p.slice(i)
		h.parts, h.grads = append(h.parts, part), append(h.grads, [2]int{p.offset[i], p.offset[i] + len(part)})
		h.n += len(part)
	}
	return h
}

// times writes the product with v, whose length is 1, to dst.
func (h *hessian) times(dst, v []float64) error {
	var before [][]float64
	for _, part := range h.parts {
		before = append(before, append([]float64(nil), part...))
	}
	defer func() {
		for i, part := range h.parts {
			copy(part, before[i])
		}
	}()
	clear(dst)
	for _, sign := range []float64{1, -1} {
		at := 0
		for i, part := range h.parts {
			floats.AddScaledTo(part, before[i], sign*curvatureStep, v[at:at+len(part)])
			at += len(part)
		}
		if err := h.g.Run(); err != nil {
			return err
		}
		grad, err := h.g.Grad()
		if err != nil {
			return err
		}
		at = 0
		for _, where := range h.grads {
			own := grad[where[0]:where[1]]
			floats.AddScaled(dst[at:at+len(own)], sign/(2*curvatureStep), own)
			at += len(own)
		}
	}
	return nil
}

// lanczos returns the ends of the spectrum of a symmetric map of n numbers, which writes the product with a vector of
// length 1.
func lanczos(n, steps int, start random.Stream, times func(dst, v []float64) error) (Curvature, error) {
	v := make([]float64, n)
	for i := range v {
		v[i] = start.Normal(uint64(i))
	}
	floats.Scale(1/floats.Norm(v, 2), v)
	var basis [][]float64
	var diagonal, beside []float64
	for range min(steps, n) {
		basis = append(basis, v)
		w := make([]float64, n)
		if err := times(w, v); err != nil {
			return Curvature{}, err
		}
		length := floats.Norm(w, 2)
		diagonal = append(diagonal, floats.Dot(w, v))
		for range 2 { // once leaves a part of what rounding adds
			for _, q := range basis {
				floats.AddScaled(w, -floats.Dot(w, q), q)
			}
		}
		b := floats.Norm(w, 2)
		if beside = append(beside, b); b <= krylovEnd*length {
			break
		}
		floats.Scale(1/b, w)
		v = w
	}
	k := len(diagonal)
	if k == 0 {
		return Curvature{}, fmt.Errorf("engine: no parameter has a gradient of the loss: %w", kernels.ErrShape)
	}
	t := mat.NewSymDense(k, nil)
	for i, d := range diagonal {
		t.SetSym(i, i, d)
		if i+1 < k {
			t.SetSym(i, i+1, beside[i])
		}
	}
	var e mat.EigenSym
	if !e.Factorize(t, true) {
		return Curvature{}, fmt.Errorf("engine: the eigenvalues of the Hessian do not converge: %w", ErrNotFinite)
	}
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	values, left := e.Values(nil), beside[k-1]
	return Curvature{Smallest: values[0], Largest: values[k-1], Steps: k,
		SmallestError: left * math.Abs(vectors.At(k-1, 0)), LargestError: left * math.Abs(vectors.At(k-1, k-1))}, nil
}
