package engine

import (
	"errors"
	"fmt"
	"math"
	"time"

	"galvani/data"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// made is an update and the place of its batch.
type made struct {
	StepResult
	at place
}

// stepper makes the updates of a session.
type stepper interface {
	// queue makes an update, or starts to. A nil batch is in the inputs of the graph already.
	queue(b *data.Batch, at place) error
	// finished returns the updates that came to their end since the last call, in order; with
	// wait it waits for all that were queued.
	//
	// Errors: *refused for an update that was not made.
	finished(wait bool) ([]made, error)
	// due reports whether it is time to call finished and wait.
	due() bool
	// pull brings parameters, slots and carried state on the host up to date, push those on
	// the device.
	pull() error
	push() error
}

// hostSteps updates in host memory, where each update is finished when queue returns.
type hostSteps struct {
	*Session
	done []made
}

func (h *hostSteps) queue(b *data.Batch, at place) error {
	r, err := h.update(b)
	if err == nil {
		h.done = append(h.done, made{r, at})
	}
	return err
}

func (h *hostSteps) finished(bool) ([]made, error) {
	done := h.done
	h.done = nil
	return done, nil
}

func (h *hostSteps) due() bool   { return true }
func (h *hostSteps) pull() error { return nil }
func (h *hostSteps) push() error { return nil }

// update makes one update with the gradient of a batch, taken as a whole or from its shards.
func (s *Session) update(b *data.Batch) (StepResult, error) {
	gradient := s.gradient
	if s.shards != nil {
		gradient = s.shards.of
	}
	grad, m, err := gradient(b)
	if err != nil {
		return StepResult{}, err
	}
	r := StepResult{Step: s.progress.Step + 1, Metrics: m, GradNorm: clip(grad, s.cfg.Options.Clip), LR: s.schedule(s.progress.Step)}
	if !finite(m.LossSum) || !finite(r.GradNorm) {
		return StepResult{}, s.examine(b)
	}
	if err := s.commit(grad, r.LR); err != nil {
		return StepResult{}, err
	}
	if s.cfg.Options.Stateful {
		if err := s.train.CarryState(); err != nil { // such a session has no other graph
			return StepResult{}, err
		}
	}
	s.progress.Step++
	return r, nil
}

// gradient returns the gradient of the mean loss of a batch, which stays valid until the next call, and
// what the loss is made of.
func (s *Session) gradient(b *data.Batch) ([]float32, Metrics, error) {
	g, m, err := s.whole(b)
	if err != nil {
		return nil, m, err
	}
	return g.grad, m, nil
}

// whole runs a batch as a whole.
func (s *Session) whole(b *data.Batch) (*Graph[float32], Metrics, error) {
	g, err := s.graph(s.train, b.B)
	if err != nil {
		return nil, Metrics{}, err
	}
	if err := g.Load(b); err != nil {
		return nil, Metrics{}, err
	}
	if err := g.Run(); err != nil {
		return nil, Metrics{}, err
	}
	m, err := g.measure(b)
	return g, m, err
}

// examine runs a batch once more and returns an error that names the first tensor that is not finite.
func (s *Session) examine(b *data.Batch) error {
	if s.shards != nil {
		return s.shards.examine(b)
	}
	g, _, err := s.whole(b)
	if err != nil {
		return err
	}
	return s.diagnose(g, b)
}

// reportEvery is the longest time that an update on a device waits to be told.
const reportEvery = 100 * time.Millisecond

// deviceSteps updates on a device with memory of its own: gradient, clip, optimiser and
// projection stay there, and the host waits only to report.
type deviceSteps struct {
	*Session
	plan    kernels.UpdatePlan
	slots   mirrors
	waiting []made // queued, without their results
	told    time.Time
}

func newDeviceSteps(s *Session, dev kernels.Resident) (*deviceSteps, error) {
	d := &deviceSteps{Session: s, slots: mirrors{dev: dev}, told: time.Now()}
	p := s.params
	learned, _ := p.Len()
	cfg := kernels.UpdateConfig{Rule: s.opt.Rule(), Clip: s.cfg.Options.Clip, Learned: learned,
		Params: p.held.of(p.all), Bounds: p.spans(), Parts: s.opt.Parts()}
	for _, slot := range s.opt.Slots() {
		t := tensor.New(tensor.WithShape(learned), tensor.WithBacking(slot.Data))
		if err := d.slots.add(t); err != nil {
			return nil, err
		}
		cfg.Slots = append(cfg.Slots, d.slots.of(t))
	}
	var err error
	d.plan, err = dev.NewUpdate(cfg)
	if s.shards != nil {
		s.shards.gradient = func(g *Graph[float32], dst []float32) error {
			return errors.Join(d.plan.Gather(g.gradVals, g.lossVal), d.plan.Gradient(dst))
		}
	}
	return d, err
}

func (d *deviceSteps) queue(b *data.Batch, at place) error {
	gather := d.gather
	if d.shards != nil {
		gather = d.gatherShards
	}
	m, err := gather(b)
	if err != nil {
		return err
	}
	r := StepResult{Step: d.progress.Step + 1, Metrics: m, LR: d.schedule(d.progress.Step)}
	if err := d.plan.Apply(r.LR, r.Step); err != nil {
		return err
	}
	if d.cfg.Options.Stateful {
		if err := d.train.CarryState(); err != nil { // such a session has no other graph
			return err
		}
	}
	d.progress.Step++
	d.waiting = append(d.waiting, made{r, at})
	return nil
}

// gather queues the gradient of a batch. What its loss is made of is reported later.
func (d *deviceSteps) gather(b *data.Batch) (m Metrics, err error) {
	g := d.train
	if b != nil {
		if g, err = d.graph(g, b.B); err != nil {
			return m, err
		}
		if err := g.Load(b); err != nil {
			return m, err
		}
	}
	if err := g.Run(); err != nil {
		return m, err
	}
	return m, d.plan.Gather(g.gradVals, g.lossVal)
}

// gatherShards adds the gradients of the shards on the host, and queues their sum.
func (d *deviceSteps) gatherShards(b *data.Batch) (Metrics, error) {
	grad, m, err := d.shards.of(b)
	if err != nil {
		return m, err
	}
	return m, d.plan.Replace(grad, m.lossSums())
}

func (d *deviceSteps) finished(wait bool) ([]made, error) {
	d.told = time.Now()
	if len(d.waiting) == 0 {
		return nil, nil
	}
	reports, err := d.plan.Reports(wait)
	if err != nil {
		return nil, err
	}
	var done []made
	for _, r := range reports {
		if len(d.waiting) == 0 || d.waiting[0].Step != r.Step {
			return done, fmt.Errorf("engine: the device reports update %d, which is not the next", r.Step)
		}
		m := d.waiting[0]
		if r.State != kernels.Updated {
			d.waiting, d.progress.Step = nil, r.Step-1 // nothing has changed since
			return done, &refused{at: m.at, state: r.State}
		}
		m.GradNorm = r.GradNorm
		if d.shards == nil {
			m.Metrics = Metrics{LossSum: r.Loss, Weight: r.Weight, Correct: r.Correct, Count: r.Count}
			if d.cfg.Task.Trials {
				m.Metrics = m.Metrics.ofTrials() // the logits stay on the device
			}
		}
		done, d.waiting = append(done, m), d.waiting[1:]
	}
	return done, nil
}

func (d *deviceSteps) due() bool {
	// Ranks exchange gradients in one order, so all of them learn of a refused update at once.
	return d.shards != nil || len(d.waiting) >= d.plan.Capacity() || time.Since(d.told) >= reportEvery
}

// carried is the state that one batch leaves to the next, where there is such.
func (d *deviceSteps) carried() kernels.Mirror {
	if !d.cfg.Options.Stateful {
		return nil
	}
	return d.train.inputs.of(d.train.seq.State)
}

func (d *deviceSteps) pull() error {
	err := errors.Join(d.params.held.pull(), d.slots.pull())
	if m := d.carried(); m != nil && err == nil {
		err = m.Pull()
	}
	return err
}

func (d *deviceSteps) push() error {
	err := errors.Join(d.params.held.push(), d.slots.push())
	if m := d.carried(); m != nil && err == nil {
		err = m.Push()
	}
	return err
}

// refused says that the device did not make an update, nor any after it.
type refused struct {
	at    place
	state kernels.UpdateState
}

func (r *refused) Error() string {
	return fmt.Sprintf("engine: batch %d of epoch %d: update refused", r.at.batch, r.at.epoch)
}

// explain returns the error behind a refused update, given its batch: it runs the batch once
// more, with the parameters that it met.
func (s *Session) explain(r *refused, b *data.Batch) error {
	if err := s.steps.pull(); err != nil {
		return err
	}
	if r.state == kernels.BadParameter {
		var suspects []suspect
		for _, slot := range s.opt.Slots() {
			suspects = append(suspects, s.perParam("optimiser slot "+slot.Name+" of", slot.Data)...)
		}
		if err := accuse(s.progress.Step, suspects); err != nil {
			return err
		}
		return &NotFiniteError{Step: s.progress.Step, Tensor: "an updated parameter", Value: math.NaN()}
	}
	return s.examine(b)
}

// sums returns what the loss of the last run is made of, where the loss itself knows.
func sums(loss gorgonia.Value) (m Metrics, ok bool, err error) {
	known, ok := loss.(kernels.Measured)
	if !ok {
		return m, false, nil
	}
	s, err := known.Sums()
	return Metrics{LossSum: s.Loss, Weight: s.Weight, Correct: s.Correct, Count: s.Count}, true, err
}
