package engine

import (
	"errors"
	"fmt"
	"slices"

	"galvani/data"
	"galvani/engine/safetensors"
	"galvani/kernels"
)

// Batch returns the first n samples of a set as a batch, for Trace; where the set has fewer,
// the rest has weight 0.
func (s *Session) Batch(set data.Set, n int) (*data.Batch, error) {
	if n < 1 {
		return nil, fmt.Errorf("engine: a batch of %d sequences, want at least 1: %w", n, kernels.ErrShape)
	}
	b := data.NewBatch(s.cfg.Task, n)
	return b, plan{set: set, batch: n}.fill(b, nil, 0, 0)
}

// Tracer is a Learner or a Rule that tells what it computes.
type Tracer interface {
	// Trace answers one batch from rest, without an update, and returns copies of what there is to see,
	// under the names that its variables have in its equations.
	Trace(b *data.Batch) ([]safetensors.Tensor, error)
}

// TraceOf returns what a trace begins with, the input x [T,B,I] of a batch and its targets y, and the shape of its rows of
// answers: [T,B] with a target at each step, otherwise [B].
func TraceOf(b *data.Batch) (list []safetensors.Tensor, rows []int) {
	rows = []int{b.B}
	if b.Every {
		rows = []int{b.T, b.B}
	}
	list = []safetensors.Tensor{safetensors.Float32("x", []int{b.T, b.B, b.I}, b.X)}
	if b.Label == nil {
		return append(list, safetensors.Float32("y", append(slices.Clone(rows), b.O), b.Value)), rows
	}
	labels := make([]int64, len(b.Label))
	for i, v := range b.Label {
		labels[i] = int64(v)
	}
	return append(list, safetensors.Int64("y", rows, labels)), rows
}

// Trace runs one batch forward and backward from rest, without an update, and returns what
// there is to see, in this order: x [T,B,I], y, weight, mask [T,B] where there is one,
// h [T,B,H] of each layer (h_l0, h_l1 and so on below the last), state.<plane> [T,B,H] of each plane behind h
// (state.<plane>_l0 and so on), logits, loss, and grad.<param> for every learned parameter (not clipped). With a
// target at each step y, weight and logits start with T, otherwise with B.
//
// A model with a Learner of its own returns what that tells as a Tracer.
//
// Errors: kernels.ErrShape for a model that is neither a Network nor a Tracer.
func (s *Session) Trace(b *data.Batch) ([]safetensors.Tensor, error) {
	if t, ok := s.learner.(Tracer); ok {
		return t.Trace(b)
	}
	if d, ok := s.learner.(*descent); ok {
		if t, ok := d.rule.(Tracer); ok {
			return t.Trace(b)
		}
	}
	cfg, err := s.batchConfig(b)
	if err != nil {
		return nil, err
	}
	g, err := runOnce(cfg, s.params, b)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	outputs := s.cfg.Net.Outputs()
	logits := make([]float32, g.rows()*outputs)
	if err := g.Logits(logits); err != nil {
		return nil, err
	}
	list, rows := TraceOf(b)
	list = append(list, safetensors.Float32("weight", rows, b.Weight))
	if b.Mask != nil {
		list = append(list, safetensors.Float32("mask", []int{b.T, b.B}, b.Mask))
	}
	for layer := range g.Layers() {
		h, shape, err := g.LayerH(layer)
		if err != nil {
			return nil, err
		}
		list = append(list, safetensors.Float32(g.named(layer, "h"), shape, h))
	}
	planes, err := s.planes(cfg, g.out.Layers(), b)
	if err != nil {
		return nil, err
	}
	list = append(list, planes...)
	list = append(list,
		safetensors.Float32("logits", append(rows, outputs), logits),
		safetensors.Float32("loss", nil, []float32{float32(g.Loss())}))
	grad, err := g.Grad()
	if err != nil {
		return nil, err
	}
	for _, i := range s.params.learnedIndex {
		spec := s.params.specs[i]
		list = append(list, safetensors.Float32("grad."+spec.Name, spec.Shape, s.params.part(grad, i)))
	}
	return list, nil
}

// named returns the name of a plane of a layer: those without suffix are of the layer that the read-out
// sees.
func (g *Graph[F]) named(layer int, plane string) string {
	if layer == g.Layers()-1 {
		return plane
	}
	return fmt.Sprintf("%s_l%d", plane, layer)
}

// StepGradients returns ‖∂L/∂h_t‖ over the batch and all layers for each step t: how far the gradient
// reaches back in time. Without a device the graph is unrolled, so T and B are best small.
//
// Source: Pascanu, Mikolov and Bengio (2013), arXiv:1211.5063, section 2.
func (s *Session) StepGradients(b *data.Batch) ([]float64, error) {
	cfg, err := s.batchConfig(b)
	if err != nil {
		return nil, err
	}
	cfg.Steps = true
	g, err := runOnce(cfg, s.params, b)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	return g.StepNorms()
}

// runOnce compiles a graph and runs it on a batch; the caller closes it.
func runOnce[F kernels.Float](cfg GraphConfig, params *Params[F], b *data.Batch) (*Graph[F], error) {
	g, err := NewGraph(cfg, params)
	if err != nil {
		return nil, err
	}
	if err = g.Load(b); err == nil {
		err = g.Run()
	}
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// batchConfig is the training graph's configuration for the shape of a batch.
//
// Errors: kernels.ErrShape for a model that is no Network; ErrClosed.
func (s *Session) batchConfig(b *data.Batch) (GraphConfig, error) {
	if err := s.open(); err != nil {
		return GraphConfig{}, err
	}
	cfg := s.cfg.graphConfig()
	if cfg.Net == nil {
		return cfg, fmt.Errorf("engine: model %s has no graph that could be traced: %w", s.cfg.Net.Name(), kernels.ErrShape)
	}
	cfg.T, cfg.B, cfg.Masked = b.T, b.B, b.Mask != nil
	return cfg, nil
}
