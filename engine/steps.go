package engine

import (
	"errors"
	"fmt"
	"math"
	"time"

	"galvani/data"
	"galvani/kernels"

	"gorgonia.org/tensor"
)

// made is an update and the place of its batch.
type made struct {
	StepResult
	at place
}

// stepper makes the updates of a session.
type stepper interface {
	// queue makes an update, or starts to.
	queue(b *data.Batch, at place, u Update) error
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
	// keepTraining returns the training set where the updates are made, nil where it is not kept there,
	// keptTest that of evaluations.
	keepTraining() (*kept, error)
	keptTest() (*kept, error)
}

// hostSteps are the updates of a Learner in host memory, where each is finished when queue returns.
type hostSteps struct {
	learner Learner
	done    []made
}

func (h *hostSteps) queue(b *data.Batch, at place, u Update) error {
	m, norm, err := h.learner.Learn(b, u)
	if err == nil {
		h.done = append(h.done, made{StepResult{Step: u.Step, Metrics: m, GradNorm: norm, LR: u.LR}, at})
	}
	return err
}

func (h *hostSteps) finished(bool) ([]made, error) {
	done := h.done
	h.done = nil
	return done, nil
}

func (h *hostSteps) due() bool                    { return true }
func (h *hostSteps) pull() error                  { return nil }
func (h *hostSteps) push() error                  { return nil }
func (h *hostSteps) keepTraining() (*kept, error) { return nil, nil }
func (h *hostSteps) keptTest() (*kept, error)     { return nil, nil }

// reportEvery is the longest time that an update on a device waits to be told.
const reportEvery = 100 * time.Millisecond

// deviceSteps updates on a device with memory of its own: gradient, clip, optimiser and
// projection stay there, and the host waits only to report.
type deviceSteps struct {
	*graphs
	opt     *Optimizer
	plan    kernels.UpdatePlan
	slots   mirrors
	waiting []made // queued, without their results
	told    time.Time
}

func newDeviceSteps(g *graphs, opt *Optimizer) (*deviceSteps, error) {
	d := &deviceSteps{graphs: g, opt: opt, slots: mirrors{dev: g.dev}, told: time.Now()}
	p := g.Params
	learned, _ := p.Len()
	cfg := kernels.UpdateConfig{Rule: opt.Rule(), Clip: g.Options.Clip, Learned: learned,
		Params: p.held.of(p.all), Bounds: p.spans(), Parts: opt.Parts()}
	for _, slot := range opt.Slots() {
		t := tensor.New(tensor.WithShape(learned), tensor.WithBacking(slot.Data))
		if err := d.slots.add(t); err != nil {
			return nil, err
		}
		cfg.Slots = append(cfg.Slots, d.slots.of(t))
	}
	var err error
	if d.plan, err = g.dev.NewUpdate(cfg); err != nil || g.shards == nil {
		return d, err
	}
	sums, err := d.plan.NewSums(len(g.shards.sums))
	g.shards.grad = &deviceSums{GradientSums: sums, host: make([]float32, learned)}
	return d, err
}

func (d *deviceSteps) queue(b *data.Batch, at place, u Update) error {
	gather := d.gather
	if d.shards != nil {
		gather = d.gatherShards
	}
	m, err := gather(b)
	if err != nil {
		return err
	}
	if err := d.plan.Apply(u.LR, u.Step); err != nil {
		return err
	}
	if err := d.Moved(Training); err != nil {
		return err
	}
	d.waiting = append(d.waiting, made{StepResult{Step: u.Step, Metrics: m, LR: u.LR}, at})
	return nil
}

// gather queues the gradient of a batch. What its loss is made of is reported later.
func (d *deviceSteps) gather(b *data.Batch) (m Metrics, err error) {
	g, err := d.graph(d.train, b.B)
	if err != nil {
		return m, err
	}
	if err := g.Load(b); err != nil {
		return m, err
	}
	if err := g.Run(); err != nil {
		return m, err
	}
	return m, d.plan.Gather(g.gradVals, g.lossVal, g.record.Away()...)
}

// gatherShards queues the sum of the gradients of the shards.
func (d *deviceSteps) gatherShards(b *data.Batch) (Metrics, error) {
	_, m, err := d.shards.of(b)
	return m, err
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
			d.waiting = nil // nothing has changed since
			return done, &refused{made: r.Step - 1, at: m.at, explain: func(b *data.Batch) error { return d.explain(r.State, b) }}
		}
		m.GradNorm = r.GradNorm
		if d.shards == nil {
			m.Metrics = Metrics{LossSum: r.Loss, Weight: r.Weight, Correct: r.Correct, Count: r.Count}
			if d.Task.Trials {
				m.Metrics = m.Metrics.ofTrials() // the logits stay on the device
			}
			m.Metrics.penalise(r.Penalised)
		}
		done, d.waiting = append(done, m), d.waiting[1:]
	}
	return done, nil
}

func (d *deviceSteps) due() bool {
	// Ranks exchange gradients in one order, so all of them learn of a refused update at once.
	return d.shards != nil || len(d.waiting) >= d.plan.Capacity() || time.Since(d.told) >= reportEvery
}

func (d *deviceSteps) pull() error {
	return errors.Join(d.slots.pull(), d.graphs.pull())
}

func (d *deviceSteps) push() error {
	return errors.Join(d.slots.push(), d.graphs.push())
}

// explain returns the error behind a refused update, given its batch: it runs the batch once
// more, with the parameters that it met.
func (d *deviceSteps) explain(state kernels.UpdateState, b *data.Batch) error {
	if err := d.pull(); err != nil {
		return err
	}
	if state != kernels.BadParameter {
		return d.Examine(Training, b)
	}
	if err := Accuse(d.Made(), slotSuspects(d.Params, d.opt)...); err != nil {
		return err
	}
	return &NotFiniteError{Step: d.Made(), Tensor: "an updated parameter", Value: math.NaN()}
}

// refused says that the device did not make an update, nor any after it.
type refused struct {
	made    int // updates before
	at      place
	explain func(b *data.Batch) error // returns the error behind it, given its batch
}

func (r *refused) Error() string {
	return fmt.Sprintf("engine: batch %d of epoch %d: update refused", r.at.batch, r.at.epoch)
}
