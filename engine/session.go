package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"galvani/data"
	"galvani/engine/group"
	"galvani/engine/hostmem"
	"galvani/kernels"
)

// Config is what a Session is made of.
type Config struct {
	Net     Network
	Task    *data.Task
	Device  kernels.Device // nil runs the unrolled graph
	Options Options
	// Memory is how many bytes a training step may keep of its sequences, 0 for no limit; see
	// kernels.ScanConfig.
	Memory int64
	// Group is the ranks of the run, among which Options.Shards are divided; nil for one rank.
	Group group.Group
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
	narrow   *data.Batch     // of its last, narrower batches
	others   map[widthOf]*Graph[float32]
	kept     *kept     // the set of evaluations on the device, or nil
	onDevice bool      // the batch of the evaluation is there, and not in batch
	backup   []float32 // learned parameters before an update
	steps    stepper
	shards   *shards          // nil where a batch is taken as a whole
	dev      kernels.Resident // account of parameters and optimiser; nil in host memory
	progress Progress
	files    *string // digest of the data files, once it is known
}

// Progress counts what a session has done. With the tensors of State it is all that training
// needs to go on bit for bit.
type Progress struct {
	Step    int      `json:"step"`            // updates made
	Epoch   int      `json:"epoch"`           // of the next batch
	Batch   int      `json:"batch"`           // next batch within the epoch
	Running Metrics  `json:"running"`         // over the batches of this epoch so far
	Pending bool     `json:"pending"`         // an evaluation is due
	Best    *Metrics `json:"best,omitempty"`  // of all evaluations so far, on the set of Session.selection
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
	if net, ok := cfg.Net.(Irregular); t.Irregular && !(ok && net.Irregular()) {
		return nil, fmt.Errorf("engine: task %s has steps of different lengths, which model %s does not take; set irregular = true on a model that has it, or make the steps alike: %w",
			t.Name, cfg.Net.Name(), ErrOption)
	}
	if t.Train.Len() < 1 {
		return nil, fmt.Errorf("engine: task %s has no training samples: %w", t.Name, kernels.ErrShape)
	}
	if room, known := hostmem.There(); known {
		if err := cfg.fits(room); err != nil {
			return nil, err
		}
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
	parts, err := params.parts(o)
	if err != nil {
		return nil, err
	}
	if s.opt, err = NewOptimizer(o, learned, parts); err != nil {
		return nil, err
	}
	if s.schedule, err = NewSchedule(o, s.Steps(), s.BatchesPerEpoch()); err != nil {
		return nil, err
	}
	if s.shards, err = newShards(s); err != nil {
		return nil, err
	}
	if err := s.place(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// place compiles the training graph and puts parameters and optimiser where updates are made.
func (s *Session) place() error {
	_, dev, err := fork(s.cfg.Device)
	if err != nil {
		return err
	}
	if s.dev = dev; dev != nil {
		if err := s.params.Hold(dev); err != nil {
			return err
		}
	}
	if s.train, err = NewGraph(s.graphConfig(), s.params); err != nil {
		return err
	}
	if dev == nil {
		s.steps = &hostSteps{Session: s}
		return nil
	}
	if _, err = s.graph(s.train, s.cfg.Options.widest(s.trainPlan().lastWidth())); err != nil {
		return err
	}
	if s.steps, err = newDeviceSteps(s, dev); err != nil {
		return err
	}
	return s.prepareTest() // so that too little memory shows at the start
}

func (s *Session) graphConfig() GraphConfig {
	t := s.cfg.Task
	return GraphConfig{Net: s.cfg.Net, Device: s.cfg.Device, T: t.T, B: s.cfg.Options.widest(s.fullWidth(t.Train)), I: t.I,
		Goal: t.Goal, Every: t.Every, Masked: t.Masked, Grad: true, Memory: s.cfg.Memory}
}

// selection returns the set that tells which network is the best and when to stop, and its name.
func (s *Session) selection() (data.Set, string) {
	if set := s.cfg.Task.Validation; set != nil {
		return set, "validation"
	}
	return s.cfg.Task.Test, "test"
}

// BatchesPerEpoch returns the number of batches, the last of which may be incomplete.
func (s *Session) BatchesPerEpoch() int { return s.trainPlan().batches() }

// Steps returns the number of updates of the whole run.
func (s *Session) Steps() int { return s.cfg.Options.steps(s.BatchesPerEpoch()) }

// steps returns the number of updates of a run with perEpoch updates in an epoch.
func (o Options) steps(perEpoch int) int {
	n := o.Epochs * perEpoch
	if o.MaxSteps > 0 {
		n = min(n, o.MaxSteps)
	}
	return n
}

// Rescheduled compares the learning rate of the session with that of the options it had before it
// was restored. It returns a line where the course of the rate is another one, as when cosine has
// more updates to run over, and otherwise nothing.
func (s *Session) Rescheduled(before Options) string {
	per, done := s.BatchesPerEpoch(), s.progress.Step
	old, err := NewSchedule(before, before.steps(per), per)
	if err != nil || done == 0 || old(done-1) == s.schedule(done-1) {
		return ""
	}
	return fmt.Sprintf("learning rate: %s now runs over %d updates instead of %d; it was %.3g at update %d and goes on with %.3g",
		s.cfg.Options.Schedule, s.Steps(), before.steps(per), old(done-1), done, s.schedule(done))
}

// Usage returns the account of the device's memory; false for a device that computes in host
// memory.
func (s *Session) Usage() (kernels.Usage, bool) {
	dev, ok := s.cfg.Device.(kernels.Resident)
	if !ok {
		return kernels.Usage{}, false
	}
	return dev.Usage(), true
}

// Close gives back what the session holds of its device.
func (s *Session) Close() error {
	var err error
	for _, g := range append(slices.Collect(maps.Values(s.others)), s.train, s.test) {
		if g != nil {
			err = errors.Join(err, g.Close())
		}
	}
	if s.dev != nil {
		err = errors.Join(err, s.dev.Close())
	}
	return err
}

// Params returns the parameters. On a device with memory of its own their present values are
// there; State fetches them.
func (s *Session) Params() *Params[float32] { return s.params }

// Progress returns the counters.
func (s *Session) Progress() Progress { return s.progress }

// Step makes one update and waits for it. A batch that makes anything not finite changes no
// parameter.
//
// Errors: *NotFiniteError, kernels.ErrShape, and those of the device.
func (s *Session) Step(b *data.Batch) (StepResult, error) {
	r, err := s.Repeat(b, 1)
	if err != nil {
		return StepResult{}, err
	}
	return r[0], nil
}

// Repeat makes n updates with one batch and waits at the end. On a device with memory of its own
// they are queued like those of Train, so that it seldom waits before.
//
// Errors: those of Step.
func (s *Session) Repeat(b *data.Batch, n int) ([]StepResult, error) {
	var all []StepResult
	for i := range n {
		if err := s.steps.queue(b, place{}); err != nil {
			return nil, err
		}
		if i < n-1 && !s.steps.due() {
			continue
		}
		done, err := s.steps.finished(true)
		var r *refused
		if errors.As(err, &r) {
			err = s.explain(r, b)
		}
		if err != nil {
			return nil, err
		}
		for _, m := range done {
			all = append(all, m.StepResult)
		}
	}
	return all, nil
}

// Evaluate measures the network on a whole set.
//
// Errors: ctx.Err() when cancelled between two batches, and those of Set.Fill and the device.
func (s *Session) Evaluate(ctx context.Context, set data.Set) (Metrics, error) {
	if err := s.prepareTest(); err != nil {
		return Metrics{}, err
	}
	if err := s.test.ResetState(); err != nil {
		return Metrics{}, err
	}
	p := plan{set: set, batch: s.batch.B, stateful: s.cfg.Options.Stateful}
	var total Metrics
	for k := range p.batches() {
		if err := ctx.Err(); err != nil {
			return Metrics{}, err
		}
		g, b, err := s.forTest(p.width(k))
		if err != nil {
			return Metrics{}, err
		}
		if err := s.loadTest(g, b, p, k); err != nil {
			return Metrics{}, err
		}
		m, err := s.forward(g, b)
		if err != nil {
			return Metrics{}, err
		}
		total.Add(m)
	}
	return total, nil
}

// loadTest brings batch k of an evaluation into the graph.
func (s *Session) loadTest(g *Graph[float32], b *data.Batch, p plan, k int) error {
	if s.kept != nil && p.set == s.kept.plan.set && g == s.test {
		s.onDevice = true
		err := s.kept.take(place{0, k})
		s.kept.decisions(s.batch.Decisions)
		return err
	}
	s.onDevice = false
	if err := p.fill(b, nil, 0, k); err != nil {
		return err
	}
	return g.Load(b)
}

// forward measures the batch of the evaluation.
func (s *Session) forward(g *Graph[float32], b *data.Batch) (Metrics, error) {
	if err := g.Run(); err != nil {
		return Metrics{}, err
	}
	m, err := g.measure(b)
	if err != nil {
		return Metrics{}, err
	}
	if !finite(m.LossSum) {
		if s.onDevice {
			return Metrics{}, fmt.Errorf("engine: loss of the evaluation is %v: %w", m.Loss(), ErrNotFinite)
		}
		return Metrics{}, s.diagnose(g, b)
	}
	if s.cfg.Options.Stateful {
		if err := s.test.CarryState(); err != nil {
			return Metrics{}, err
		}
	}
	return m, nil
}

// prepareTest compiles the forward graph unless it is there.
func (s *Session) prepareTest() error {
	if s.test != nil {
		return nil
	}
	cfg := s.graphConfig()
	cfg.Grad = false
	set, _ := s.selection()
	cfg.B = s.fullWidth(set)
	var err error
	if s.test, err = NewGraph(cfg, s.params); err != nil {
		return err
	}
	s.batch = data.NewBatch(s.cfg.Task, cfg.B)
	if set != nil && set.Len() > 0 {
		p := plan{set: set, batch: cfg.B, stateful: s.cfg.Options.Stateful}
		if s.dev != nil { // so that too little memory shows at the start
			if _, _, err = s.forTest(p.lastWidth()); err != nil {
				return err
			}
		}
		s.kept, err = keep(s.test, s.cfg.Task, p, true) // evaluations always see epoch 0
	}
	return err
}
