package bench

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"galvani/kernels/devices"
)

// caseNeuron is a neuron of compartments against other simulators.
const caseNeuron = "neuron"

// first is what is timed of a neuron beside forward and both: from the start of a program to its first
// gradient, of one cell.
const first = "first gradient"

// oneThread is what cells on several threads are held against besides: the same on one.
const oneThread = "one"

// NeuronParts are the values of Cables.Parts.
var NeuronParts = []string{"forward", "gradient", "thread", "first"}

// Cables says what is timed of neurons: cells of the built-in neuron hh-cable side by side, each with a
// current of its own.
type Cables struct {
	Cells, Steps int // steps of 0.025 ms
	Parts        []string
	Against      []string // of Simulators
	// Self is the command of a program that computes FirstGradient and ends. Without it the part first is
	// left out.
	Self []string
}

// asks tells whether something is to be timed.
func (c Cables) asks(what string) bool {
	part := map[string]string{forward: "forward", both: "gradient", first: "first", oneThread: "thread"}[what]
	return slices.Contains(c.Parts, part)
}

// Simulators are the peers that simulate neurons.
var Simulators = []string{"neuron", "jaxley"}

// neuronAims are the least speed-ups, by what is timed and simulator, and of two threads over one. Forward and backward
// takes at most gradientAim times forward alone, a first gradient at most firstAim seconds, a step of a compartment on one
// thread at most threadAims ns.
var (
	neuronAims = map[string]map[string]float64{forward: {"neuron": 15, "jaxley": 8, oneThread: 1.8}, both: {"jaxley": 8, oneThread: 1.8}}
	threadAims = map[string]float64{forward: 10, both: 48}
)

const (
	gradientAim = 4.5
	firstAim    = 0.5
)

// The efforts of a run: a repeat of a simulator takes seconds, a first gradient of one half a minute.
var neuronEffort, firstEffort = effort{quads: 3}, effort{quads: 1}

// simulation is one thing of neurons that is timed.
type simulation struct {
	contestant
	what, simulator string // simulator is empty for the kernels here
	gate            float64
	note            string
}

// RunNeurons measures cables of Hodgkin and Huxley in float32, forward and with the gradient of the mean
// square of V at both ends, against the simulators that cfg.Python has, all in turns. The kernels are timed
// after V and gradient were held to float64, a simulator after its V was.
//
// Errors: kernels.ErrNoDevice in a binary without cgo; ErrWrong; the cause of ctx when cancelled between
// two repeats; those of cfg.Each.
func RunNeurons(ctx context.Context, cfg Config, c Cables) error {
	r, stop, err := start(cfg)
	if err != nil {
		return err
	}
	defer stop()
	if !cfg.Quick {
		r.effort = neuronEffort
	}
	if c.asks(forward) || c.asks(both) {
		if err := r.neurons(ctx, c); err != nil {
			return err
		}
	}
	if c.asks(first) && c.Self != nil {
		return r.firstGradients(ctx, c)
	}
	return nil
}

// neurons times what runs again and again.
func (r *runner) neurons(ctx context.Context, c Cables) error {
	q, exact, err := newCables(c.Cells, c.Steps, r.dev)
	if err != nil {
		return err
	}
	gates, err := q.gate(exact)
	if err != nil {
		return err
	}
	var all []simulation
	for _, what := range []string{forward, both} {
		if c.asks(what) {
			run := map[string]func() error{forward: q.forward, both: q.gradient}[what]
			all = append(all, simulation{contestant{name: r.dev.Name(), run: timed(run)}, what, "", gates[what], ""})
		}
	}
	if c.asks(oneThread) && r.Threads > 1 {
		more, stop, err := r.onOneThread(c)
		if err != nil {
			return err
		}
		defer stop()
		all = append(all, more...)
	}
	for _, name := range c.Against {
		for _, what := range []string{forward, both} {
			if r.Python == "" || !c.asks(what) || name == "neuron" && what == both {
				continue
			}
			p, err := openPeer(r.Python, name, r.Threads, onCPU)
			if err != nil {
				r.Log("without %s: %v", name, err)
				break
			}
			defer p.close()
			s, err := p.simulation(name, what, exact)
			if err != nil {
				return stopped(ctx, err)
			}
			all = append(all, s)
		}
	}
	samples, err := r.inTurns(ctx, r.effort, all)
	if err != nil {
		return err
	}
	return r.tellNeurons(q.shape(), all, samples)
}

// onOneThread returns the same cells on one thread, after a run. Stop frees it.
func (r *runner) onOneThread(c Cables) (all []simulation, stop func(), err error) {
	dev, err := devices.OpenCPU(1)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	stop = func() { dev.Close() }
	q, err := newCable[float32](c.Cells, c.Steps, dev)
	for _, what := range []string{forward, both} {
		run := map[string]func() error{forward: q.forward, both: q.gradient}[what]
		if err == nil && c.asks(what) {
			all, err = append(all, simulation{contestant{name: oneThread + " thread, " + dev.Name(), run: timed(run)}, what, oneThread, 0, ""}), run()
		}
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	return all, stop, nil
}

// inTurns times simulations that have run before, which ends between two repeats where ctx does.
func (r *runner) inTurns(ctx context.Context, e effort, all []simulation) ([]sample, error) {
	list := make([]contestant, len(all))
	for i, s := range all {
		list[i] = s.contestant
		list[i].repeats = 1
		list[i].run = func(n int) ([]float64, error) {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
			return s.run(n)
		}
	}
	samples, err := alternate(e, list)
	return samples, stopped(ctx, err)
}

// stopped returns the cause of ctx where it has ended: whoever stopped this may have stopped the peers too.
func stopped(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// tellNeurons makes a row of the kernels with each simulator that does the same, and of the gradient with
// forward alone; or one without a reference.
func (r *runner) tellNeurons(s Shape, all []simulation, samples []sample) error {
	for i, a := range all {
		if a.simulator != "" {
			break
		}
		row := r.head
		row.Case, row.Model, row.What, row.Shape, row.Gate = caseNeuron, cableName, a.what, s, &a.gate
		row.Subject = a.timing(samples[i])
		told := 0
		for k, b := range all {
			kind, bound := SpeedUp, neuronAims[a.what][b.simulator]
			switch {
			case b.simulator == "" && a.what == both && b.what == forward:
				kind, bound = Cost, gradientAim
			case b.simulator == "" || b.what != a.what:
				continue
			}
			if r.Quick || b.simulator == oneThread && r.Threads != 2 {
				bound = 0
			}
			ref := b.timing(samples[k])
			if b.simulator == "" {
				ref.Name += ", " + b.what
			}
			row.Reference, row.Ratio, row.Note = &ref, compare(kind, bound, a.contestant, b.contestant, samples[i], samples[k]), b.note
			told++
			if err := r.Each(row); err != nil {
				return err
			}
		}
		if told == 0 {
			if err := r.Each(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// firstGradients times from the start of a program to the gradient of one cell of 100 ms: of this one, and
// of Python with Jaxley.
func (r *runner) firstGradients(ctx context.Context, cables Cables) error {
	q, exact, err := newCables(1, r.firstSteps(), r.dev)
	if err != nil {
		return err
	}
	gates, err := q.gate(exact)
	if err != nil {
		return err
	}
	all := []simulation{{contestant{name: r.dev.Name(), run: timed(func() error {
		self := cables.Self
		c := exec.CommandContext(ctx, self[0], self[1:]...)
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(self, " "), err, out)
		}
		return nil
	})}, first, "", gates[both], ""}}
	if p, err := r.openJaxley(cables); err != nil {
		r.Log("without jaxley: %v", err)
	} else if p != nil {
		s := simulation{contestant{name: p.name}, first, "jaxley", 0, ""}
		p.close()
		s.run = timed(func() error {
			p, err := r.openJaxley(cables)
			if err != nil {
				return err
			}
			defer p.close()
			_, err = p.simulation("jaxley", both, exact)
			return err
		})
		all = append(all, s)
	}
	samples, err := r.inTurns(ctx, firstEffort, all)
	if err != nil {
		return err
	}
	return r.tellNeurons(q.shape(), all, samples)
}

// openJaxley starts it; nil where it is not asked for.
func (r *runner) openJaxley(c Cables) (*peer, error) {
	if r.Python == "" || !slices.Contains(c.Against, "jaxley") {
		return nil, nil
	}
	return openPeer(r.Python, "jaxley", r.Threads, onCPU)
}

// firstSteps is the length of the cable of a first gradient.
func (r *runner) firstSteps() int {
	if r.Quick {
		return 80
	}
	return 4000
}

// FirstGradient computes the gradient of one cell, as a program does that is started for it.
//
// Errors: kernels.ErrNoDevice in a binary without cgo; those of the device.
func FirstGradient(cfg Config) error {
	r, stop, err := start(cfg)
	if err != nil {
		return err
	}
	defer stop()
	q, err := newCable[float32](1, r.firstSteps(), r.dev)
	if err != nil {
		return err
	}
	return q.gradient()
}

// neuronRows tell the newest row of each thing that was timed of neurons, by what it is held against.
var neuronRows = versus{
	of: caseNeuron, head: []string{"what", "cells", "steps"},
	about: func(r Row) []string { return []string{r.What, fmt.Sprint(r.Shape.B), fmt.Sprint(r.Shape.T)} },
	time:  Row.cableTime,
	aim: func(r Row) string {
		if r.What == first {
			return atMost(r.Subject.Median, firstAim, "s")
		}
		if bound := threadAims[r.What]; program(r) == oneThread {
			own := r
			own.Subject = *r.Reference
			return aimOf(r) + ", of one " + atMost(own.NsPerUnitStep(), bound, "ns")
		}
		return aimOf(r)
	},
	brief: func(r Row) string {
		if r.What == first {
			return "the first gradient of a cable"
		}
		return "a step of a compartment of `cable`, " + r.What
	},
}

// cableTime is a time per step of a compartment, and that of a first gradient as it is.
func (r Row) cableTime(t Timing) string {
	if r.What == first {
		return fmt.Sprintf("%.3g s", t.Median)
	}
	r.Subject = t
	return fmt.Sprintf("%.3g ns", r.NsPerUnitStep())
}
