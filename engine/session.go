package engine

import (
	"context"
	"errors"
	"fmt"

	"galvani/data"
	"galvani/engine/group"
	"galvani/engine/hostmem"
	"galvani/kernels"
)

// Config is what a Session is made of.
type Config struct {
	Net     Model
	Task    *data.Task
	Device  kernels.Device // nil runs the unrolled graph
	Options Options
	// Curriculum comes before Task; none without levels.
	Curriculum Curriculum
	// Learner makes what learns, nil for gradient descent, which needs a Network.
	Learner func(Setup) (Learner, error)
	// Memory is how many bytes a training step may keep of its sequences, 0 for no limit; see
	// kernels.ScanConfig.
	Memory int64
	// Group is the ranks of the run, among which Options.Shards are divided; nil for one rank.
	Group group.Group
	// Exact is a network with the parameter table of Net whose gradient is that of the loss; nil where that of Net is.
	Exact Network
	// Compare asks every evaluation for the directions of updates beside the gradient; nil for none.
	Compare *Comparison
	// Source and Version go into every checkpoint: the whole config.toml, and what wrote it.
	Source, Version string
}

// Session is a model in training: its parameters, its Learner and counters. It is for one goroutine at a
// time.
type Session struct {
	cfg      Config
	params   *Params[float32]
	schedule Schedule
	learner  Learner
	steps    stepper     // updates of the learner
	batch    *data.Batch // of the evaluation
	narrow   *data.Batch // of its last, narrower batches
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
	Stale   int      `json:"stale,omitempty"` // evaluations since the best one, or the last rise
	Flat    int      `json:"flat,omitempty"`  // the same, or since the last drop of schedule plateau
	Drops   int      `json:"drops,omitempty"` // of the rate by that schedule
	// Level is that of Config.Curriculum, BestLevel the one that Best was measured on.
	Level     int `json:"level,omitempty"`
	BestLevel int `json:"best_level,omitempty"`
}

// StepResult is what one update tells.
type StepResult struct {
	Step     int // updates made, this one included
	Metrics  Metrics
	GradNorm float64 // before clipping
	LR       float64
}

// NewSession draws the initial parameters and makes the Learner: for a Network it compiles the training
// graph.
//
// Errors: ErrOption, also for a Config without Net or Task and for a task without a goal, kernels.ErrShape for a network and a task that do not fit
// each other and for a task without training samples, and those of NewGraph.
func NewSession(cfg Config) (*Session, error) {
	if err := cfg.Options.Validate(); err != nil {
		return nil, err
	}
	if cfg.Net == nil || cfg.Task == nil {
		return nil, fmt.Errorf("engine: Config has no Net or no Task; set both: %w", ErrOption)
	}
	cfg.Options.Divide(cfg.group().Size() > 1)
	t, o := cfg.Task, cfg.Options
	if t.O != cfg.Net.Outputs() {
		return nil, fmt.Errorf("engine: model %s has %d outputs, task %s wants %d: %w", cfg.Net.Name(), cfg.Net.Outputs(), t.Name, t.O, kernels.ErrShape)
	}
	if t.Goal != data.Classify && t.Goal != data.Regress {
		return nil, fmt.Errorf("engine: task %s has the goal %d, want data.Classify or data.Regress: %w", t.Name, t.Goal, ErrOption)
	}
	if net, ok := cfg.Net.(Irregular); t.Irregular && !(ok && net.Irregular()) {
		return nil, fmt.Errorf("engine: task %s has steps of different lengths, which model %s does not take; set irregular = true on a model that has it, or make the steps alike: %w",
			t.Name, cfg.Net.Name(), ErrOption)
	}
	if t.Goal == data.Classify && o.StopAt > 1 {
		return nil, fmt.Errorf("engine: stop_at is %v, and task %s is measured by its accuracy, which is at most 1: %w", o.StopAt, t.Name, ErrOption)
	}
	if t.Train == nil || t.Train.Len() < 1 {
		return nil, fmt.Errorf("engine: task %s has no training samples: %w", t.Name, kernels.ErrShape)
	}
	if room, known := hostmem.There(); known {
		_, ranks := cfg.group().Local()
		if err := cfg.fits(room.Among(ranks)); err != nil {
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
	s := &Session{cfg: cfg, params: params}
	if s.schedule, err = NewSchedule(o, s.Steps(), s.BatchesPerEpoch()); err != nil {
		return nil, err
	}
	if s.learner, s.steps, err = s.newLearner(); err != nil {
		return nil, err
	}
	return s, nil
}

// selection returns the set that tells which network is the best and when to stop, and its name.
func (c Config) selection() (data.Set, string) {
	if set := c.Task.Validation; set != nil {
		return set, "validation"
	}
	return c.Task.Test, "test"
}

// BatchesPerEpoch returns the number of batches, the last of which may be incomplete.
func (s *Session) BatchesPerEpoch() int { return s.cfg.trainPlan().batches() }

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
	per, done, drops := s.BatchesPerEpoch(), s.progress.Step, s.progress.Drops
	old, err := NewSchedule(before, before.steps(per), per)
	if err != nil || done == 0 || old(done-1, drops) == s.schedule(done-1, drops) && old(done, drops) == s.schedule(done, drops) {
		return ""
	}
	return fmt.Sprintf("learning rate: %s now runs over %d updates instead of %d; it was %.3g at update %d and goes on with %.3g",
		s.cfg.Options.Schedule, s.Steps(), before.steps(per), old(done-1, drops), done, s.schedule(done, drops))
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

// Close gives back what the session holds of its device. What needs that returns ErrClosed from then on.
func (s *Session) Close() error {
	err := s.learner.Close()
	s.learner, s.steps = closed{}, closed{}
	return err
}

// Params returns the parameters. On a device with memory of its own their present values are
// there; State fetches them.
func (s *Session) Params() *Params[float32] { return s.params }

// Progress returns the counters.
func (s *Session) Progress() Progress { return s.progress }

// ForgetBest has the next Train begin with an evaluation, which is the best so far: where the checkpoint of the best one is
// gone, none that is worse would be saved in its place.
func (s *Session) ForgetBest() {
	s.progress.Best, s.progress.BestLevel, s.progress.Pending = nil, 0, true
}

// Step makes one update and waits for it. A batch that makes anything not finite changes no
// parameter.
//
// Errors: *NotFiniteError, kernels.ErrShape, ErrClosed, and those of the device.
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
		if err := s.queue(b, place{}); err != nil {
			return nil, err
		}
		if i < n-1 && !s.steps.due() {
			continue
		}
		done, err := s.finished(true)
		var r *refused
		if errors.As(err, &r) {
			err = r.explain(b)
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

// queue makes the next update, or starts to.
func (s *Session) queue(b *data.Batch, at place) error {
	p := &s.progress
	if err := s.steps.queue(b, at, Update{Step: p.Step + 1, LR: s.schedule(p.Step, p.Drops)}); err != nil {
		return err
	}
	p.Step++
	return nil
}

// finished returns the updates that came to their end since the last call; see stepper.
func (s *Session) finished(wait bool) ([]made, error) {
	done, err := s.steps.finished(wait)
	if r := (*refused)(nil); errors.As(err, &r) {
		s.progress.Step = r.made
	}
	return done, err
}

// Evaluate measures the model on a whole set.
//
// Errors: kernels.ErrShape without a set, data.ErrConfig for a target with a negative weight, ErrClosed, ctx.Err() when cancelled
// between two batches, and those of Set.Fill and the device.
func (s *Session) Evaluate(ctx context.Context, set data.Set) (Metrics, error) {
	if set == nil {
		return Metrics{}, fmt.Errorf("engine: there is no set to evaluate; give one of the task's: %w", kernels.ErrShape)
	}
	if err := s.learner.Rest(Evaluation); err != nil {
		return Metrics{}, err
	}
	p := s.cfg.testPlan(set)
	kept, err := s.steps.keptTest()
	if err != nil {
		return Metrics{}, err
	}
	var total Metrics
	for k := range p.batches() {
		if err := ctx.Err(); err != nil {
			return Metrics{}, err
		}
		b := s.forTest(p, p.width(k))
		if kept != nil && p.set == kept.plan.set && b.B == p.batch {
			b, err = kept.take(place{0, k})
		} else {
			err = p.fill(b, nil, 0, k)
		}
		if err != nil {
			return Metrics{}, err
		}
		m, err := s.learner.Measure(b)
		if err != nil {
			return Metrics{}, err
		}
		total.Add(m)
	}
	return total, nil
}

// testPlan is the order of the samples of an evaluation, whose batches are as wide as those of the set
// that tells which network is the best.
func (c Config) testPlan(set data.Set) plan {
	best, _ := c.selection()
	return plan{set: set, batch: c.fullWidth(best), stateful: c.Options.Stateful}
}
