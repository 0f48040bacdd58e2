package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"galvani/kernels"
	"galvani/models"
	"galvani/models/event"
)

// caseEvents is the evaluation of a charged RNN from events against the clocked one.
const caseEvents = "events"

// What is timed of events.
const (
	onlyTraces = "traces"          // input products and synaptic traces, read at the end
	wholeCell  = "cell"            // with the voltages at every step
	inBurst    = "cell, one burst" // all events in the first part of the sequence
)

// eventTolerance bounds the deviation of what events give from the clocked scan in float64: both
// compute the same numbers in another order.
const eventTolerance = 1e-12

// burst is the part of a sequence that all events of inBurst come in.
const burst = 1. / 20

// coupling is the spectral radius of what is added to recurrent matrices.
const coupling = 0.1

// Events says what is timed: every combination.
type Events struct {
	Models    []string
	Inputs    []int
	Densities []float64 // share of inputs that have an event in a step
	Links     []float64 // share of input weights that are not zero
	Steps     int
	Hidden    int
}

// EventWork is what events come to: what the subject computed, and what clocked evaluation does.
type EventWork struct {
	Density float64    `json:"density"`
	Links   float64    `json:"links"`
	Done    event.Work `json:"done"`
	Clocked event.Work `json:"clocked"`
}

// RunEvents measures evaluation from events, one sequence at a time on one thread. The references
// are the same code given every input at every step as an event, so that the ratio is that of the
// work alone, and the fused scan in float64 and in float32. Events is timed after all its voltages
// were found within 1e-12 of the fused scan in float64.
//
// Errors: kernels.ErrNoDevice in a binary without cgo; ErrWrong; the cause of ctx when cancelled
// between two timings; those of cfg.Each; models that are no charged RNNs.
func RunEvents(ctx context.Context, cfg Config, e Events) error {
	cfg.Threads = 1
	r, stop, err := start(cfg)
	if err != nil {
		return err
	}
	defer stop()
	if !cfg.Quick {
		r.effort = effort{quads: 5, block: 30 * time.Millisecond, calm: 40 * time.Millisecond, wake: 20 * time.Millisecond}
	}
	for _, model := range e.Models {
		for _, inputs := range e.Inputs {
			for _, links := range e.Links {
				for _, density := range e.Densities {
					for _, what := range []string{onlyTraces, wholeCell, inBurst} {
						if what == inBurst && density > burst {
							continue // they do not fit
						}
						if err := context.Cause(ctx); err != nil {
							return err
						}
						s := Shape{T: e.Steps, B: 1, I: inputs, H: e.Hidden}
						if err := r.events(model, what, s, density, links); err != nil {
							return err
						}
					}
				}
			}
		}
	}
	return nil
}

// events times one combination.
func (r *runner) events(model, what string, s Shape, density, links float64) error {
	p, err := newEventProblem(model, s, density, links, what == inBurst)
	if err != nil {
		return err
	}
	row := r.head
	row.Case, row.Model, row.What, row.Shape = caseEvents, model, what, s
	run, work, gate := p.runCell, p.net.Work, p.gateCell
	if what == onlyTraces {
		run, work, gate = p.runTraces, p.traces.Work, p.gateTraces
	}
	worst, err := gate(r.dev)
	if err != nil {
		return err
	}
	before := work()
	if err := run(p.sparse)(); err != nil {
		return err
	}
	row.Gate = &worst
	row.Events = &EventWork{Density: density, Links: links, Done: work().Minus(before), Clocked: p.net.Clocked(s.T)}
	all := []contestant{averaged(contestant{name: "events", run: timed(run(p.sparse))}),
		averaged(contestant{name: "clocked, same code", run: timed(run(p.full))})}
	if what == onlyTraces {
		row.Events.Clocked.Coupling, row.Events.Clocked.Units = 0, 0
	} else {
		scans, err := p.scans(r.dev)
		if err != nil {
			return err
		}
		all = append(all, scans...)
	}
	samples, err := interleave(r.effort, all)
	if err != nil {
		return err
	}
	row.Subject = all[0].timing(samples[0])
	for i, c := range all[1:] {
		ref := c.timing(samples[i+1])
		row.Reference, row.Ratio = &ref, compare(SpeedUp, 0, all[0], c, samples[0], samples[i+1])
		if err := r.Each(row); err != nil {
			return err
		}
	}
	return nil
}

// input is a number at an input in one step.
type input struct {
	at     int
	weight float64
}

// eventProblem is a cell, its numbers and one sequence as frames and as events.
type eventProblem struct {
	*problem[float64]
	model        string
	shape        Shape
	net          *event.Net
	traces       *event.Traces
	sparse, full [][]input // [T], the events, and all inputs as events
}

// newEventProblem draws the sequence: every input has an event of weight 0.5 to 1.5 in a step with
// the probability density, or with as much more in the steps of a burst. It keeps a
// share of links of the input weights.
func newEventProblem(model string, s Shape, density, links float64, inOneBurst bool) (*eventProblem, error) {
	cell, _, err := bind(model, s)
	if err != nil {
		return nil, err
	}
	p, params := &eventProblem{model: model, shape: s}, map[string][]float64{}
	if p.problem, err = newProblem[float64](model, s); err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(seed, uint64(s.T*s.I)))
	for i, spec := range p.cfg.Params {
		v := p.args.Params[i].Data().([]float64)
		for j := range v {
			switch {
			case spec.Role == kernels.In && r.Float64() >= links:
				v[j] = 0
			case spec.Role == kernels.Rec: // as after training, not the identity that it begins with
				v[j] += coupling * r.NormFloat64() / math.Sqrt(float64(s.H))
			}
		}
		params[spec.Name] = v
	}
	steps := s.T
	if inOneBurst {
		steps = max(1, int(math.Round(burst*float64(s.T))))
		density *= float64(s.T) / float64(steps)
	}
	clear(p.x)
	for n := range p.x[:steps*s.I] {
		if r.Float64() < density {
			p.x[n] = float64(float32(0.5 + r.Float64()))
		}
	}
	for t := range s.T {
		var few, all []input
		for i, x := range p.x[t*s.I : (t+1)*s.I] {
			all = append(all, input{i, x})
			if x != 0 {
				few = append(few, input{i, x})
			}
		}
		p.sparse, p.full = append(p.sparse, few), append(p.full, all)
	}
	d := models.Dims{I: s.I, H: s.H, O: outputs}
	if p.net, err = event.New(cell, d, params); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	p.traces, err = event.TracesOf(cell, d, params)
	return p, err
}

// runCell returns one run of the cell from rest.
func (p *eventProblem) runCell(frames [][]input) func() error {
	return func() error { return p.follow(frames, func(int, []float64) {}) }
}

// follow runs the cell from rest and shows h after every step.
func (p *eventProblem) follow(frames [][]input, show func(step int, h []float64)) error {
	p.net.Reset()
	for t, frame := range frames {
		for _, e := range frame {
			if err := p.net.Event(e.at, e.weight); err != nil {
				return err
			}
		}
		if err := p.net.Step(1); err != nil {
			return err
		}
		show(t, p.net.H())
	}
	return nil
}

// runTraces returns one run of the traces from rest, read at its end.
func (p *eventProblem) runTraces(frames [][]input) func() error {
	return func() error {
		_, _, err := p.finalTraces(frames)
		return err
	}
}

func (p *eventProblem) finalTraces(frames [][]input) (fast, slow []float64, err error) {
	p.traces.Reset()
	for t, frame := range frames {
		for _, e := range frame {
			if err := p.traces.Event(float64(t+1), e.at, e.weight); err != nil {
				return nil, nil, err
			}
		}
	}
	return p.traces.Read(float64(len(frames)))
}

// gateCell holds h at all steps, and the traces at the end, to the fused scan in float64.
//
// Errors: ErrWrong.
func (p *eventProblem) gateCell(dev kernels.Device) (float64, error) {
	h := make([]float64, p.shape.T*p.shape.H)
	if err := p.follow(p.sparse, func(t int, now []float64) { copy(h[t*p.shape.H:], now) }); err != nil {
		return 0, err
	}
	fast, slow := p.net.Traces()
	want, state, err := p.clocked(dev)
	if err != nil {
		return 0, err
	}
	return p.judge(dev, fast, slow, state, pair{"h from events", h, want})
}

// gateTraces holds the traces at the end to those of the fused scan in float64.
//
// Errors: ErrWrong.
func (p *eventProblem) gateTraces(dev kernels.Device) (float64, error) {
	fast, slow, err := p.finalTraces(p.sparse)
	if err != nil {
		return 0, err
	}
	_, state, err := p.clocked(dev)
	if err != nil {
		return 0, err
	}
	return p.judge(dev, fast, slow, state)
}

// clocked returns h [T,H] and the final state [S,H] of the fused scan.
func (p *eventProblem) clocked(dev kernels.Device) (h, state []float64, err error) {
	run, err := p.open(dev)
	if err != nil {
		return nil, nil, err
	}
	if err := run.forward(); err != nil {
		return nil, nil, err
	}
	return run.plan.H().Data().([]float64), run.plan.Final().Data().([]float64), nil
}

// judge holds the traces to the planes of a state, which are h, then two traces for each
// conductance, and takes further pairs along.
func (p *eventProblem) judge(dev kernels.Device, fast, slow, state []float64, pairs ...pair) (float64, error) {
	h := p.shape.H
	for k := 0; k < len(fast); k += h {
		at := h + 2*k
		pairs = append(pairs, pair{"fast trace", fast[k : k+h], state[at : at+h]}, pair{"slow trace", slow[k : k+h], state[at+h : at+2*h]})
	}
	return judge(p.model, p.shape, dev, eventTolerance, pairs)
}

// scans returns the fused scan of the same sequence in float64 and in float32.
func (p *eventProblem) scans(dev kernels.Device) ([]contestant, error) {
	double, err := p.open(dev)
	if err != nil {
		return nil, err
	}
	q, err := newProblem[float32](p.model, p.shape)
	if err != nil {
		return nil, err
	}
	copy(q.x, convert[float32](p.x))
	for i, v := range p.args.Params {
		copy(q.args.Params[i].Data().([]float32), convert[float32](v.Data().([]float64)))
	}
	single, err := q.open(dev)
	if err != nil {
		return nil, err
	}
	return []contestant{averaged(contestant{name: "fused scan, float64", run: timed(double.forward)}),
		averaged(contestant{name: "fused scan, float32, " + dev.Name(), run: timed(single.forward)})}, nil
}
