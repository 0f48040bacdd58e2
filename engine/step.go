package engine

import (
	"errors"
	"fmt"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// StepMap is one step of a network as a map of its state, for given inputs, with its derivative:
//
//	s' = F(s; x),  vᵀ ∂F/∂s
//
// It is the unrolled graph in float64, for a number of states at once, in which a device may compute the steps of
// integration of a neuron. A state is S·H numbers in a
// row, one state plane after the other. It is for one goroutine at a time.
type StepMap struct {
	net            Network
	units          []int // of each plane
	ends           []int // units of each plane and those before
	batch, inputs  int
	seq            kernels.Sequence
	x, state, pull []float64 // [B,I], and [S,B,H] twice: s and v
	nodes          *gorgonia.ExprGraph
	vm             gorgonia.VM
	next, back     []gorgonia.Value // [B,H] each: F and vᵀ ∂F/∂s
	logits         gorgonia.Value   // [B,O]
	plane          []float64        // scratch
	dirty          bool
}

// NewStepMap compiles the step of a network with the given number of inputs, for up to batch
// states at once. The device computes in float64 what the graph has too many steps for, nil to refuse that.
//
// Errors: kernels.ErrShape for impossible sizes, what Network.Build returns, and a network that
// does not name the nodes of its state.
func NewStepMap(net Network, params *Params[float64], inputs, batch int, dev kernels.Device) (*StepMap, error) {
	return newStepMap(net, params, inputs, batch, dev, true)
}

// NewSteps is NewStepMap without the derivative, which steps then do not take time for.
func NewSteps(net Network, params *Params[float64], inputs, batch int, dev kernels.Device) (*StepMap, error) {
	return newStepMap(net, params, inputs, batch, dev, false)
}

func newStepMap(net Network, params *Params[float64], inputs, batch int, dev kernels.Device, derivative bool) (*StepMap, error) {
	if inputs < 1 || batch < 1 {
		return nil, fmt.Errorf("engine: step: I=%d B=%d, want at least 1 each: %w", inputs, batch, kernels.ErrShape)
	}
	m := &StepMap{net: net, units: PlaneUnits(net), batch: batch, inputs: inputs}
	for _, h := range m.units {
		m.ends = append(m.ends, m.Dim()+h)
	}
	m.seq = kernels.Sequence{T: 1, B: batch, I: inputs, ForwardOnly: !derivative, Within: dev}
	m.seq.X, m.x = buffer[float64](1, batch, inputs)
	m.seq.State, m.state = buffer[float64](kernels.StateShape(m.units, batch)...)
	m.pull = make([]float64, len(m.state))
	m.plane = make([]float64, len(m.state))
	err := salted(net.Name(), func(salt int) (*gorgonia.ExprGraph, error) {
		err := m.build(params, salt)
		return m.nodes, err
	}, func() { m.vm = gorgonia.NewTapeMachine(m.nodes) })
	if err != nil {
		return nil, err
	}
	return m, nil
}

// build adds the step and its derivative to a new graph.
func (m *StepMap) build(params *Params[float64], salt int) error {
	m.nodes = gorgonia.NewGraph()
	inputs := make([]*gorgonia.Node, len(params.specs))
	for i, s := range params.specs {
		inputs[i] = input(m.nodes, params.value(i), s.Name, salt)
	}
	out, err := m.net.Build(m.nodes, nil, m.seq, inputs)
	if err != nil {
		return err
	}
	var from, to gorgonia.Nodes // the planes before and after the step
	for _, l := range out.Layers() {
		if u, ok := l.(kernels.Unrolled); ok {
			before, after := u.Ends()
			from, to = append(from, before...), append(to, after...)
		}
	}
	if planes := len(m.units); len(from) != planes || len(to) != planes || out.Logits() == nil {
		return fmt.Errorf("there are nodes for %d planes before and %d after the step, want %d", len(from), len(to), planes)
	}
	m.next = make([]gorgonia.Value, len(from))
	gorgonia.Read(out.Logits(), &m.logits)
	var along *gorgonia.Node // Σ v∘F
	for i, after := range to {
		gorgonia.Read(after, &m.next[i])
		if m.seq.ForwardOnly {
			continue
		}
		v := tensor.New(tensor.WithShape(after.Shape()...), tensor.WithBacking(m.part(m.pull, i)))
		part, err := gorgonia.HadamardProd(after, input(m.nodes, v, fmt.Sprintf("v %d", i), salt))
		if err == nil {
			part, err = gorgonia.Sum(part)
		}
		if err == nil && along != nil {
			part, err = gorgonia.Add(along, part)
		}
		if err != nil {
			return err
		}
		along = part
	}
	if m.seq.ForwardOnly {
		return kernels.Distinct(m.nodes)
	}
	m.back = make([]gorgonia.Value, len(from))
	one := m.nodes.AddNode(gorgonia.NewConstant(1.0, gorgonia.WithName("gradient of v∘F")))
	grads, err := gorgonia.Backpropagate(gorgonia.Nodes{along}, gorgonia.Nodes{one}, from)
	if err != nil {
		return fmt.Errorf("derivative of a step: %w", err)
	}
	for i, g := range grads {
		gorgonia.Read(g, &m.back[i])
	}
	return kernels.Distinct(m.nodes)
}

// part returns plane i of [S,B,H].
func (m *StepMap) part(v []float64, i int) []float64 {
	from, to := m.batch*(m.ends[i]-m.units[i]), m.batch*m.ends[i]
	return v[from:to:to]
}

// Dim returns the number S·H of elements of a state.
func (m *StepMap) Dim() int {
	if len(m.ends) == 0 {
		return 0
	}
	return m.ends[len(m.ends)-1]
}

// Units returns the number of units of each plane.
func (m *StepMap) Units() []int { return m.units }

// Batch returns the number of states that one call takes at most.
func (m *StepMap) Batch() int { return m.batch }

// Input sets the inputs of the steps to come: [I] for all states, or [B,I], one row for each.
//
// Errors: kernels.ErrShape.
func (m *StepMap) Input(x []float64) error {
	if len(x) != m.inputs && len(x) != len(m.x) {
		return fmt.Errorf("engine: step: %d inputs, want %d or %d: %w", len(x), m.inputs, len(m.x), kernels.ErrShape)
	}
	for at := 0; at < len(m.x); at += len(x) {
		copy(m.x[at:], x)
	}
	return nil
}

// Step writes the states that follow the states s [n,S·H] to next, which may be s.
//
// Errors: kernels.ErrShape for anything but 1 to Batch states.
func (m *StepMap) Step(next, s []float64) error {
	if err := m.run(s, nil, len(next)); err != nil {
		return err
	}
	return m.gather(next, m.next)
}

// Pull writes vᵀ ∂F/∂s for each of the states s and its v, [n,S·H] each, to back.
//
// Errors: those of Step; a map of NewSteps.
func (m *StepMap) Pull(back, s, v []float64) error {
	if m.back == nil {
		return errors.New("engine: step: the map has no derivative")
	}
	if err := m.run(s, v, len(back)); err != nil {
		return err
	}
	return m.gather(back, m.back)
}

// Logits writes the read-out [B,O] of the states after the last call of Step or Pull to dst;
// rows that had no state mean nothing.
func (m *StepMap) Logits(dst []float64) error { return unpack(dst, m.logits) }

// run evaluates the graph. States that are not given repeat the first.
func (m *StepMap) run(s, v []float64, want int) error {
	dim := m.Dim()
	n := len(s) / dim
	if n < 1 || n > m.batch || len(s) != n*dim || want != len(s) || v != nil && len(v) != len(s) {
		return fmt.Errorf("engine: step: %d numbers in, %d out, want both the same multiple of %d, up to %d times: %w", len(s), want, dim, m.batch, kernels.ErrShape)
	}
	clear(m.pull)
	for p, hidden := range m.units {
		state, pull := m.part(m.state, p), m.part(m.pull, p)
		for b := range m.batch {
			from := m.ends[p] - hidden
			if b < n {
				from += b * dim
			}
			copy(state[b*hidden:(b+1)*hidden], s[from:])
			if b < n && v != nil {
				copy(pull[b*hidden:(b+1)*hidden], v[from:])
			}
		}
	}
	if m.dirty {
		m.vm.Reset()
	}
	m.dirty = true
	if err := m.vm.RunAll(); err != nil {
		return fmt.Errorf("engine: step: %w", err)
	}
	return nil
}

// gather puts planes [B,H] into rows [n,S·H].
func (m *StepMap) gather(rows []float64, planes []gorgonia.Value) error {
	for p, v := range planes {
		hidden := m.units[p]
		if err := unpack(m.plane[:m.batch*hidden], v); err != nil {
			return fmt.Errorf("engine: step: plane %d: %w", p, err)
		}
		for b := range len(rows) / m.Dim() {
			copy(rows[b*m.Dim()+m.ends[p]-hidden:], m.plane[b*hidden:(b+1)*hidden])
		}
	}
	return nil
}

// Close gives the memory back.
func (m *StepMap) Close() error { return closeMachine(m.vm) }

// Widen returns the parameters of a model in float64.
//
// Errors: those of NewParams.
func Widen(net Model, params *Params[float32]) (*Params[float64], error) {
	wide, err := NewParams[float64](net, 0)
	if err != nil {
		return nil, err
	}
	if len(wide.flat) != len(params.flat) {
		return nil, errors.New("engine: the parameters belong to another network")
	}
	for i, v := range params.flat {
		wide.flat[i] = float64(v)
	}
	return wide, nil
}
