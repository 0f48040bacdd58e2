package event

import (
	"fmt"
	"math"
	"slices"

	"galvani/kernels"
	"galvani/models"
)

// Net is one sequence of a charged RNN with numbers for its parameters, evaluated in float64.
type Net struct {
	// Still is the change of h in a step, and the conductance, up to which a unit counts as at
	// rest. What a sleeping unit misses is of the order of Still/(1 − ρ), where ρ is the factor
	// by which a step brings it closer to rest: fifty times Still at a leak of 0.02 per step.
	// With 0 sleep is exact to the last bit, but then some units never sleep, for the last bit of
	// their h goes on to flicker.
	Still float64

	traces   *Traces
	membrane membrane
	reads    columns // column u: the units that act on u, and how
	readers  columns // column u: the units that u acts on
	rest     float64
	h, next  []float64 // [H]
	x        []float64 // [P]
	awake    units     // those that the next step may change
	stepped  []int32   // those of the last one
	length   float64   // of the last step
	work     Work
}

// still is the default of Net.Still, some units in the last place of an h of 1. Leaks as small as
// the cells take, 0.001 per step, make less than 1e-12 of it.
const still = 0x1p-50

// Work counts what has been computed.
type Work struct {
	Events   int `json:"events"`   // taken in
	Input    int `json:"input"`    // multiply-adds of the input products
	Traces   int `json:"traces"`   // pairs of traces moved
	Coupling int `json:"coupling"` // multiply-adds of axial or recurrent coupling
	Units    int `json:"units"`    // voltages stepped
}

// Minus returns the work done since before.
func (w Work) Minus(before Work) Work {
	return Work{w.Events - before.Events, w.Input - before.Input, w.Traces - before.Traces, w.Coupling - before.Coupling, w.Units - before.Units}
}

// perTraces is the multiply-adds that a pair of traces costs: models.Synapse.Step has a product
// for each of its coefficients.
const perTraces = 7

// MultiplyAdds returns the multiply-adds of products and traces. The voltages, whose exponential
// functions are the greater part, are counted by Units.
func (w Work) MultiplyAdds() int { return w.Input + perTraces*w.Traces + w.Coupling }

// New returns the net at rest. Cell is a *models.CRNN or *models.CRNNSimple; params holds the
// values of its parameter table by name, without the prefix "cell.", as the cell uses them.
//
// Errors: another cell; settings that the cell refuses; kernels.ErrShape for a parameter that is
// missing, unknown or of another length.
func New(cell models.Cell, d models.Dims, params map[string][]float64) (*Net, error) {
	traces, err := TracesOf(cell, d, params)
	if err != nil {
		return nil, err
	}
	scan, err := cell.Scan(d)
	if err != nil {
		return nil, err
	}
	n := &Net{Still: still, traces: traces, rest: scan.Rest[0], x: make([]float64, len(traces.weights)),
		h: make([]float64, d.H), next: make([]float64, d.H), awake: newUnits(d.H)}
	coupling := params["W"]
	switch c := cell.(type) {
	case *models.CRNN:
		coupling = axialMatrix(scan.Axial, params["g_axial"], d.H)
		n.membrane = newCompartments(c, params, coupling)
	case *models.CRNNSimple:
		n.membrane = newSimple(c, params)
	}
	n.readers = newColumns(coupling, d.H, d.H)
	n.reads = newRows(coupling, d.H, d.H)
	n.Reset()
	return n, nil
}

// TracesOf returns the synaptic traces of a cell alone, at rest. Arguments and errors are those of
// New.
func TracesOf(cell models.Cell, d models.Dims, params map[string][]float64) (*Traces, error) {
	specs, err := cell.Params(d)
	if err != nil {
		return nil, err
	}
	filter, weights, err := synapses(cell)
	if err != nil {
		return nil, err
	}
	if err := checkParams(specs, params); err != nil {
		return nil, err
	}
	filters := make([]models.Synapse, d.H)
	for u := range filters {
		if filters[u], err = filter(params, u); err != nil {
			return nil, err
		}
	}
	matrices := make([][]float64, len(weights))
	for k, name := range weights {
		matrices[k] = params[name]
	}
	return NewTraces(filters, d.I, matrices...), nil
}

// synapses returns how a cell filters the input of unit u, and the names of its input weights.
func synapses(cell models.Cell) (filter func(p map[string][]float64, u int) (models.Synapse, error), weights []string, err error) {
	switch c := cell.(type) {
	case *models.CRNN:
		return func(p map[string][]float64, u int) (models.Synapse, error) {
			return models.NewSynapse(c.SynKernel, p["tau_s"][u], p["tau_l"][u])
		}, []string{"U_exc", "U_inh"}, nil
	case *models.CRNNSimple:
		return func(map[string][]float64, int) (models.Synapse, error) {
			return models.NewSynapse(c.SynKernel, c.TauS, c.TauL)
		}, []string{"U"}, nil
	}
	return nil, nil, fmt.Errorf("event: %T has no synaptic traces to evaluate from events, want *models.CRNN or *models.CRNNSimple", cell)
}

// checkParams holds the values to the parameter table.
func checkParams(specs []kernels.Spec, params map[string][]float64) error {
	for _, s := range specs {
		if v, ok := params[s.Name]; !ok || len(v) != s.Len() {
			return fmt.Errorf("event: parameter %s has %d elements, want %d: %w", s.Name, len(v), s.Len(), kernels.ErrShape)
		}
	}
	for name := range params {
		if !slices.ContainsFunc(specs, func(s kernels.Spec) bool { return s.Name == name }) {
			return fmt.Errorf("event: the cell has no parameter %s: %w", name, kernels.ErrShape)
		}
	}
	return nil
}

// axialMatrix returns the coupling g_ij [H,H], symmetric with an empty diagonal.
func axialMatrix(a *kernels.Axial, g []float64, h int) []float64 {
	m := make([]float64, h*h)
	for e := range a.Edges() {
		i, j := int(a.I[e]), int(a.J[e])
		m[i*h+j] += g[e]
		m[j*h+i] += g[e]
	}
	return m
}

// Reset brings the net to rest.
func (n *Net) Reset() {
	n.traces.Reset()
	for u := range n.h {
		n.h[u] = n.rest
	}
	n.length = 0
	n.awake.addAll()
}

// Event adds an event to the step that the next call of Step makes. A frame x is an event of
// weight x_i at every input i.
//
// Errors: ErrEvent for an input that does not exist or a weight that is not finite.
func (n *Net) Event(input int, weight float64) error {
	if err := n.traces.check(input, weight); err != nil {
		return err
	}
	n.traces.add(input, weight)
	return nil
}

// Step makes a step of the given length, at the end of which its events arrive. Steps of length
// 1 are those of the clocked cell. In others the traces decay for that long, in closed form, and
// h makes one step of dt times that length, with the conductances at its end.
//
// A step longer than the one before wakes all units: they were found at rest at shorter ones.
//
// Units: steps of the clocked cell, above 0.
//
// Errors: ErrEvent for a length that is not positive and finite.
func (n *Net) Step(length float64) error {
	if !(length > 0) || math.IsInf(length, 1) {
		return fmt.Errorf("event: length of a step is %v, want a positive number: %w", length, ErrEvent)
	}
	t := n.traces
	t.now += length
	if length > n.length {
		n.awake.addAll()
	}
	n.length = length
	for _, u := range t.touched.list {
		n.awake.add(u)
	}
	for _, u := range n.awake.list {
		t.advance(int(u), n.x)
		n.next[u] = n.membrane.next(int(u), n.h[u], n.x, n.reads.dot(int(u), n.h), length)
		n.work.Coupling += n.reads.count(int(u))
	}
	n.work.Units += len(n.awake.list)
	t.touched.clear()
	n.commit()
	return nil
}

// commit takes over the new voltages and finds the units that can change in the next step.
func (n *Net) commit() {
	n.stepped = n.awake.take(n.stepped)
	for _, u := range n.stepped {
		changed := !(math.Abs(n.next[u]-n.h[u]) <= n.Still) // true for a number that is none
		n.h[u] = n.next[u]
		if changed {
			n.awake.add(u)
			units, _ := n.readers.column(int(u))
			for _, v := range units {
				n.awake.add(v)
			}
		} else if !(n.traces.most(int(u)) <= n.Still) {
			n.awake.add(u)
		}
	}
}

// H returns the voltages after the last step, [H]. The slice belongs to n.
func (n *Net) H() []float64 { return n.h }

// Traces returns the traces after the last step, each [P,H] with P conductances; slices as of
// Traces.Read.
func (n *Net) Traces() (p, q []float64) {
	p, q, _ = n.traces.Read(n.traces.now) // its own time is never too early
	return p, q
}

// Awake returns how many units the next step computes, events aside.
func (n *Net) Awake() int { return len(n.awake.list) }

// Work returns what has been computed since the net was made.
func (n *Net) Work() Work {
	w := n.work
	w.Events, w.Input, w.Traces = n.traces.work.Events, n.traces.work.Input, n.traces.work.Traces
	return w
}

// Clocked returns what the clocked cell computes in as many steps: every input, trace and unit
// at each of them.
func (n *Net) Clocked(steps int) Work {
	h, p := len(n.h), len(n.x)
	return Work{Events: steps * n.traces.inputs, Input: steps * p * h * n.traces.inputs, Traces: steps * p * h,
		Coupling: steps * len(n.reads.value), Units: steps * h}
}
