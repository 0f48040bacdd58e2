package event

import (
	"errors"
	"fmt"
	"math"

	"galvani/models"
)

// ErrEvent marks an event that does not fit the layer or comes too late.
var ErrEvent = errors.New("bad event")

// Traces are the synaptic traces of H units under events at I inputs. An event moves only the
// units that its input reaches, each from the time at which it was moved last, by the closed
// form of the decay (models.Synapse.Over). Until then a trace costs nothing.
//
// Events at one time count as one input: their weighted sum is taken in at once, as the clocked
// cell takes in a frame. The frame of step n, from 0, is events at time n+1, the end of the step.
//
// Units: times in steps of the clocked cell, from 0; they need not be whole.
type Traces struct {
	inputs, units int
	weights       []columns // of each conductance
	filters       []filter  // the distinct ones
	filterOf      []int32   // [H], number in filters
	p, q          []float64 // [P,H]
	drive         []float64 // [P,H], events of the time now that the traces have not taken in
	at            []float64 // [H], the time that the traces of a unit stand at
	touched       units     // those with events of the time now
	now           float64
	work          Work
}

// NewTraces returns the traces at rest of units with the given filters, one per unit. Each of
// weights is the input matrix [H,I] of one conductance; its zeros are left out.
func NewTraces(filters []models.Synapse, inputs int, weights ...[]float64) *Traces {
	h := len(filters)
	t := &Traces{inputs: inputs, units: h, filterOf: make([]int32, h), at: make([]float64, h), touched: newUnits(h),
		p: make([]float64, len(weights)*h), q: make([]float64, len(weights)*h), drive: make([]float64, len(weights)*h)}
	for _, w := range weights {
		t.weights = append(t.weights, newColumns(w, h, inputs))
	}
	known := map[models.Synapse]int32{}
	for u, s := range filters {
		n, ok := known[s]
		if !ok {
			n = int32(len(t.filters))
			known[s] = n
			t.filters = append(t.filters, filter{once: s})
		}
		t.filterOf[u] = n
	}
	return t
}

// filter is a synapse and its forms for other lengths of step.
type filter struct {
	once  models.Synapse
	whole [mostWhole]models.Synapse // of k steps, those made so far
	made  [mostWhole]bool
	steps float64 // length of any other step that was asked for last
	over  models.Synapse
}

// mostWhole is how many whole steps are kept: on a grid most events of a unit are fewer apart.
const mostWhole = 32

// of returns the filter for a step of the given length.
func (f *filter) of(steps float64) *models.Synapse {
	if k := int(steps); k < mostWhole && float64(k) == steps {
		if !f.made[k] {
			f.made[k], f.whole[k] = true, f.once.Over(steps)
		}
		return &f.whole[k]
	}
	if steps != f.steps {
		f.steps, f.over = steps, f.once.Over(steps)
	}
	return &f.over
}

// Event takes in an event.
//
// Errors: ErrEvent for a time before that of an earlier event or reading, an input that does
// not exist, a weight that is not finite.
func (t *Traces) Event(time float64, input int, weight float64) error {
	if !(time >= t.now) || math.IsInf(time, 1) {
		return fmt.Errorf("event: time is %v, want at least %v and finite: %w", time, t.now, ErrEvent)
	}
	if err := t.check(input, weight); err != nil {
		return err
	}
	if time > t.now {
		t.settle()
		t.now = time
	}
	t.add(input, weight)
	return nil
}

func (t *Traces) check(input int, weight float64) error {
	if input < 0 || input >= t.inputs {
		return fmt.Errorf("event: input is %d, want 0 to %d: %w", input, t.inputs-1, ErrEvent)
	}
	if math.IsNaN(weight) || math.IsInf(weight, 0) {
		return fmt.Errorf("event: weight is %v, want a finite number: %w", weight, ErrEvent)
	}
	return nil
}

// Read moves all traces to a time and returns them, each [P,H] with P conductances. The slices
// belong to t and are right until the next call.
//
// Errors: ErrEvent for a time before the last event.
func (t *Traces) Read(time float64) (p, q []float64, err error) {
	if !(time >= t.now) || math.IsInf(time, 1) {
		return nil, nil, fmt.Errorf("event: time is %v, want at least %v and finite: %w", time, t.now, ErrEvent)
	}
	t.settle()
	t.now = time
	for u, at := range t.at {
		if at < time {
			t.advance(u, nil)
		}
	}
	return t.p, t.q, nil
}

// Work returns what has been computed since the traces were made.
func (t *Traces) Work() Work { return t.work }

// add weighs an event of the time now.
func (t *Traces) add(input int, weight float64) {
	t.work.Events++
	for k := range t.weights {
		drive := t.drive[k*t.units : (k+1)*t.units]
		units, values := t.weights[k].column(input)
		t.work.Input += len(values)
		if len(values) == t.units {
			drive = drive[:len(values)] // spares the loop its bounds checks
			for u, w := range values {
				drive[u] += weight * w
			}
			t.touched.addAll()
			continue
		}
		for e, u := range units {
			drive[u] += weight * values[e]
			t.touched.add(u)
		}
	}
}

// settle takes the events of the time now into the traces of the units that they reach.
func (t *Traces) settle() {
	for _, u := range t.touched.list {
		t.advance(int(u), nil)
	}
	t.touched.clear()
}

// advance moves the traces of unit u to the time now, with the events of that time, and puts its
// conductances in x, [P], unless that is nil.
func (t *Traces) advance(u int, x []float64) {
	s := t.filters[t.filterOf[u]].of(t.now - t.at[u])
	for k := range t.weights {
		i := k*t.units + u
		var xbar float64
		xbar, t.p[i], t.q[i] = s.Step(t.drive[i], t.p[i], t.q[i])
		t.drive[i] = 0
		if x != nil {
			x[k] = xbar
		}
	}
	t.at[u] = t.now
	t.work.Traces += len(t.weights)
}

// most returns a bound that the conductances of unit u keep until its next event.
func (t *Traces) most(u int) float64 {
	s := &t.filters[t.filterOf[u]].once
	most := 0.0
	for i := u; i < len(t.p); i += t.units {
		most = max(most, s.Most(t.p[i], t.q[i]))
	}
	return most
}

// Reset brings the traces to rest at time 0.
func (t *Traces) Reset() {
	clear(t.p)
	clear(t.q)
	clear(t.drive)
	clear(t.at)
	t.touched.clear()
	t.now = 0
}
