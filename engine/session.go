package engine

import (
	"context"
	"fmt"

	"galvani/data"
	"galvani/kernels"
)

// Config is what a Session is made of.
type Config struct {
	Net     Network
	Task    *data.Task
	Device  kernels.Device // nil runs the unrolled graph
	Options Options
	// Source and Version go into every checkpoint: the whole config.toml, and what wrote it.
	Source, Version string
}

// Session is a network in training: compiled graphs, parameters, optimiser and counters. It
// is for one goroutine at a time.
type Session struct {
	cfg      Config
	params   *Params[float32]
	opt      *Optimizer
	schedule Schedule
	train    *Graph[float32]
	test     *Graph[float32] // forward only; made at the first evaluation
	batch    *data.Batch     // of the evaluation
	backup   []float32       // learned parameters before an update
	progress Progress
}

// Progress counts what a session has done. With the tensors of State it is all that training
// needs to go on bit for bit.
type Progress struct {
	Step    int      `json:"step"`            // updates made
	Epoch   int      `json:"epoch"`           // of the next batch
	Batch   int      `json:"batch"`           // next batch within the epoch
	Running Metrics  `json:"running"`         // over the batches of this epoch so far
	Pending bool     `json:"pending"`         // an evaluation is due
	Best    *Metrics `json:"best,omitempty"`  // of all evaluations so far
	Stale   int      `json:"stale,omitempty"` // evaluations since the best one
}

// StepResult is what one update tells.
type StepResult struct {
	Step     int // updates made, this one included
	Metrics  Metrics
	GradNorm float64 // before clipping
	LR       float64
}

// NewSession compiles the training graph and draws the initial parameters.
//
// Errors: ErrOption, kernels.ErrShape for a network and a task that do not fit each other, and
// those of NewGraph.
func NewSession(cfg Config) (*Session, error) {
	if err := cfg.Options.Validate(); err != nil {
		return nil, err
	}
	t, o := cfg.Task, cfg.Options
	if t.O != cfg.Net.Outputs() {
		return nil, fmt.Errorf("engine: model %s has %d outputs, task %s wants %d: %w", cfg.Net.Name(), cfg.Net.Outputs(), t.Name, t.O, kernels.ErrShape)
	}
	if t.Train.Len() < 1 {
		return nil, fmt.Errorf("engine: task %s has no training samples: %w", t.Name, kernels.ErrShape)
	}
	params, err := NewParams[float32](cfg.Net, o.Seed)
	if err != nil {
		return nil, err
	}
	learned, _ := params.Len()
	if learned == 0 {
		return nil, fmt.Errorf("engine: model %s has no learned parameters: %w", cfg.Net.Name(), kernels.ErrShape)
	}
	s := &Session{cfg: cfg, params: params, backup: make([]float32, learned)}
	if s.opt, err = NewOptimizer(o, learned); err != nil {
		return nil, err
	}
	if s.schedule, err = NewSchedule(o, s.Steps(), s.BatchesPerEpoch()); err != nil {
		return nil, err
	}
	s.train, err = NewGraph(s.graphConfig(), params)
	return s, err
}

func (s *Session) graphConfig() GraphConfig {
	t := s.cfg.Task
	return GraphConfig{Net: s.cfg.Net, Device: s.cfg.Device, T: t.T, B: s.cfg.Options.Batch, I: t.I,
		Goal: t.Goal, Every: t.Every, Masked: t.Masked, Grad: true}
}

// BatchesPerEpoch returns the number of batches, the last of which may be incomplete.
func (s *Session) BatchesPerEpoch() int { return s.trainPlan().batches() }

// Steps returns the number of updates of the whole run.
func (s *Session) Steps() int {
	n := s.cfg.Options.Epochs * s.BatchesPerEpoch()
	if m := s.cfg.Options.MaxSteps; m > 0 {
		n = min(n, m)
	}
	return n
}

// Params returns the parameters.
func (s *Session) Params() *Params[float32] { return s.params }

// Progress returns the counters.
func (s *Session) Progress() Progress { return s.progress }

// Step makes one update. A batch that makes anything not finite changes no parameter.
//
// Errors: *NotFiniteError, kernels.ErrShape, and those of the device.
func (s *Session) Step(b *data.Batch) (StepResult, error) {
	g := s.train
	if err := g.Load(b); err != nil {
		return StepResult{}, err
	}
	if err := g.Run(); err != nil {
		return StepResult{}, err
	}
	r := StepResult{LR: s.schedule(s.progress.Step)}
	r.GradNorm = clip(g.grad, s.cfg.Options.Clip)
	if !finite(g.Loss()) || !finite(r.GradNorm) {
		return StepResult{}, s.diagnose(g, b)
	}
	var err error
	if r.Metrics, err = g.measure(b); err != nil {
		return StepResult{}, err
	}
	if err := s.commit(g.grad, r.LR); err != nil {
		return StepResult{}, err
	}
	if s.cfg.Options.Stateful {
		if err := g.CarryState(); err != nil {
			return StepResult{}, err
		}
	}
	s.progress.Step++
	r.Step = s.progress.Step
	return r, nil
}

// Evaluate measures the network on a whole set. The last, incomplete batch is filled up with
// sequences of weight 0.
//
// Errors: ctx.Err() when cancelled between two batches, and those of Set.Fill and the device.
func (s *Session) Evaluate(ctx context.Context, set data.Set) (Metrics, error) {
	if err := s.prepareTest(); err != nil {
		return Metrics{}, err
	}
	s.test.ResetState()
	p := plan{set: set, batch: s.batch.B, stateful: s.cfg.Options.Stateful}
	var total Metrics
	for k := range p.batches() {
		if err := ctx.Err(); err != nil {
			return Metrics{}, err
		}
		if err := p.fill(s.batch, nil, 0, k); err != nil {
			return Metrics{}, err
		}
		m, err := s.forward()
		if err != nil {
			return Metrics{}, err
		}
		total.Add(m)
	}
	return total, nil
}

// forward measures the batch of the evaluation.
func (s *Session) forward() (Metrics, error) {
	if err := s.test.Load(s.batch); err != nil {
		return Metrics{}, err
	}
	if err := s.test.Run(); err != nil {
		return Metrics{}, err
	}
	if !finite(s.test.Loss()) {
		return Metrics{}, s.diagnose(s.test, s.batch)
	}
	if s.cfg.Options.Stateful {
		if err := s.test.CarryState(); err != nil {
			return Metrics{}, err
		}
	}
	return s.test.measure(s.batch)
}

// prepareTest compiles the forward graph unless it is there.
func (s *Session) prepareTest() error {
	if s.test != nil {
		return nil
	}
	cfg := s.graphConfig()
	cfg.Grad = false
	var err error
	s.test, err = NewGraph(cfg, s.params)
	s.batch = data.NewBatch(s.cfg.Task, cfg.B)
	return err
}
