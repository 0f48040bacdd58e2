package models

import (
	"fmt"
	"reflect"
	"slices"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Network is a cell bound to its sizes, in one layer or several, with a linear read-out of the hidden
// state h of the last:
//
//	logits = readout.weight · h + readout.bias
//
// All layers have H units unless they have sizes of their own (Sizes), and the cell with its settings unless they have
// cells of their own (Above). Each reads h of the layer below at the same step, the first the input. It is what package
// engine trains.
type Network struct {
	name   string
	cell   Cell
	dims   Dims  // H of the first layer
	sizes  []int // H of each level, see Sizes; nil for the same in all
	levels int   // number of layers above each other
	depth  int   // number of layers, those of both directions counted
	layers []*layer
	specs  []kernels.Spec
	rest   []float64 // of the state planes of all layers
	scale  float64   // of the initial read-out weights
	way    Feedback
	frozen []string // names of parameters that are not learned, see means
	held   []bool   // by row of specs: not learned for that reason
	// firstState says that the first state of a sequence is learned, see LearnedState.
	firstState bool
	above      []Cell  // see Above; nil for the same cell in all layers
	dropout    float64 // see Dropped
	norm       bool    // see Normed
	both       bool    // see BothWays
	norms      int     // where its parameters begin among those behind the cells
	builds     int

	noise   Noise
	wiring  Wiring
	within  int64                 // bytes that the constants of the wiring may take, 0 for any number
	readout kernels.WeightsConfig // of the weights that the read-out uses
	signs   kernels.WeightsConfig // of those of its way back, with Sign
}

// readoutWeight is the name of the weights of the read-out.
const readoutWeight = "readout.weight"

// Option changes how a network is bound.
type Option func(*Network)

// ReadoutScale makes the initial read-out weights a times as large as Xavier's.
func ReadoutScale(a float64) Option { return func(n *Network) { n.scale = a } }

// Wired gives the network Dale's law and masks.
func Wired(w Wiring) Option { return func(n *Network) { n.wiring = w } }

// Within bounds the memory of signs and masks, which take H² numbers for each matrix, in bytes; 0 is no
// bound.
func Within(bytes int64) Option { return func(n *Network) { n.within = bytes } }

// Bind gives a cell its sizes. The network's parameters are those of the cell, prefixed
// "cell.", then readout.weight [O,H] and readout.bias [O], readout.feedback [O,H] with Fixed, cell.norm.weight and
// cell.norm.bias [H] of each layer above the first with Normed, and cell.h0 of each layer with LearnedState.
// Names of the layers above the first end in _l1, _l2 and so on (in place of _l0, where the cell has
// PyTorch's names).
//
// Errors: no cell, or another than the name says; sizes below 1, or of another number of layers; kernels.ErrMemory beyond Within; settings that the cell refuses; ErrWiring for
// several layers with Dale's law; ErrPart for what is frozen.
func Bind(name string, c Cell, d Dims, opts ...Option) (*Network, error) {
	if c == nil {
		return nil, fmt.Errorf("models: %s: there is no cell; give a pointer to its settings: %w", name, kernels.ErrShape)
	}
	if e, err := Lookup(name); err == nil && e.New != nil && reflect.TypeOf(c) != reflect.TypeOf(e.New()) {
		return nil, fmt.Errorf("models: %s is a %T, and the cell is a %T; give the name of that cell, or one that no cell has: %w", name, e.New(), c, kernels.ErrShape)
	}
	if s, ok := c.(Sized); ok {
		d.H = s.Units()
	}
	if d.I < 1 || d.H < 1 || d.O < 1 {
		return nil, fmt.Errorf("models: %s: I=%d H=%d O=%d, want all at least 1: %w", name, d.I, d.H, d.O, kernels.ErrShape)
	}
	n := &Network{name: name, cell: c, dims: d, levels: 1, scale: 1, wiring: NewWiring()}
	for _, o := range opts {
		o(n)
	}
	if err := n.checkStack(); err != nil {
		return nil, err
	}
	n.wireReadout()
	if err := n.wireBack(); err != nil {
		return nil, err
	}
	n.depth = n.levels * n.ways()
	for range n.depth {
		if err := n.addLayer(); err != nil {
			return nil, err
		}
	}
	readout := []kernels.Spec{
		learned(readoutWeight, "O "+n.seenLetters(n.levels), []int{d.O, n.seen(n.levels - 1)}, kernels.Readout, "weights of the read-out",
			kernels.Init{Kind: kernels.XavierUniform, A: n.scale}),
		learned("readout.bias", "O", []int{d.O}, kernels.Readout, "bias of the read-out", kernels.Init{})}
	if n.readout.Readings != nil {
		readout[0].Exists = n.readout.Readings[0].Factor
	}
	if n.way == Fixed {
		fixed := learned("readout.feedback", "O "+n.seenLetters(n.levels), []int{d.O, n.seen(n.levels - 1)}, kernels.Readout, "weights through which the error reaches the hidden units",
			kernels.Init{Kind: kernels.XavierUniform, A: n.scale})
		fixed.Learned = false
		readout = append(readout, fixed)
	}
	n.norms = len(readout)
	readout = append(readout, n.normSpecs()...)
	for _, l := range n.layers {
		if !n.firstState {
			break
		}
		if err := l.checkFirst(); err != nil {
			return nil, err
		}
		readout = append(readout, l.firstSpec())
	}
	for i := range readout {
		n.freeze(&readout[i], readout[i].Name, n.depth-1)
	}
	n.specs = append(n.specs, readout...)
	return n, n.checkFrozen()
}

// Sized is a Cell that has a number of units of its own, whatever H is asked for.
type Sized interface {
	// Units returns it, 0 for settings that Params refuses.
	Units() int
}

// Name returns the name given to Bind.
func (n *Network) Name() string { return n.name }

// Specs returns the parameter table, in the order of the params given to Build.
func (n *Network) Specs() []kernels.Spec { return slices.Clone(n.specs) }

// Scan returns what the fused scan of the first layer needs to know of the cell.
func (n *Network) Scan() kernels.Cell { return n.layers[0].scan }

// Trees returns what compartments.Neuron.Trees says of the state of a network of neurons, nil for other networks.
func (n *Network) Trees() []int {
	if c := n.Scan(); c.Neuron != nil {
		return c.Neuron.Trees()
	}
	return nil
}

// Conductances reports whether the inputs are conductances of neurons, so that none may be negative.
func (n *Network) Conductances() bool {
	c := n.Scan()
	return c.Neuron != nil && c.Neuron.Conductances()
}

// Driven returns what compartments.Neuron.Driven says of the planes of a network of neurons, −1 for other networks.
func (n *Network) Driven() int {
	if c := n.Scan(); c.Neuron != nil {
		return c.Neuron.Driven()
	}
	return -1
}

// Ranges returns what compartments.Neuron.Ranges says of the planes of a network of neurons, nil for other networks, whose
// steps are as they should be for any numbers.
func (n *Network) Ranges() (least, most []float64) {
	if c := n.Scan(); c.Neuron != nil {
		return c.Neuron.Ranges()
	}
	return nil, nil
}

// Rest returns the value that each state plane starts from, length S: the planes of the first layer, then
// those of the next.
func (n *Network) Rest() []float64 { return slices.Clone(n.rest) }

// Depth returns the number of layers, those of both directions counted.
func (n *Network) Depth() int { return n.depth }

// Hidden returns the number H of units of the last layer.
func (n *Network) Hidden() int { return n.height(n.levels - 1) }

// Outputs returns the number O of read-out units.
func (n *Network) Outputs() int { return n.dims.O }

// Irregular tells whether the steps last as long as the mask says. Other networks take any value
// of the mask but 0 for 1.
func (n *Network) Irregular() bool {
	for _, l := range n.layers {
		if c, ok := l.cell.(interface{ irregular() bool }); !ok || !c.irregular() {
			return false
		}
	}
	return true
}

// Build adds the network to g and returns its logits: [B,O] after the last step, or [T·B,O]
// with in.Every. A nil device gives the unrolled graph of the cell's Step, otherwise the fused
// scan. Params are input nodes bound to their values, in the order of Specs; the tensors of in
// are read again at every run.
//
// Every call names its nodes afresh: after kernels.ErrCollision, building again on a new
// graph helps.
func (n *Network) Build(g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, params []*gorgonia.Node) (out kernels.Output, err error) {
	defer func() {
		if r := recover(); r != nil { // Gorgonia panics on some malformed graphs
			err = fmt.Errorf("build: %v", r)
		}
		if err != nil {
			out, err = nil, fmt.Errorf("models: %s: %w", n.name, err)
		}
	}()
	dt, err := n.check(in, params)
	if err != nil {
		return nil, err
	}
	n.builds++
	var level, forward, top states // what a level reads, its first direction, what stands above it
	var turned *gorgonia.Node      // what its second direction turns round, nil for x
	back, err := turnedMask(g, dev, in, n.both)
	if err != nil {
		return nil, err
	}
	var layers []kernels.Layer
	own := params[len(params)-n.readouts():]
	for _, l := range n.layers {
		cfg := l.config(in)
		cfg.Dtype = dt
		var first *gorgonia.Node
		if n.firstState && in.Begins {
			if first, err = l.firstNode(g, dev, in, own[len(own)-n.depth+l.number]); err != nil {
				return nil, fmt.Errorf("first state: %w", err)
			}
		}
		if !l.back {
			if level, err = l.normed(dev, cfg, top, own[n.norms:]); err == nil && n.both && level.all != nil {
				level.all, turned, err = kernels.Twice(dev, level.all)
			}
			if err != nil {
				return nil, err
			}
		} else if level, err = l.reversed(g, dev, cfg, in, turned); err != nil {
			return nil, err
		}
		own := in
		if l.back {
			own.MaskFrom = back
		}
		if top, err = l.build(g, dev, cfg, own, first, level, params[l.first:l.first+len(l.params)]); err != nil {
			return nil, err
		}
		layers = append(layers, top.Layer)
		switch {
		case n.both && !l.back:
			forward = top
		case l.back:
			if top, err = l.joined(dev, cfg, in, forward, top); err != nil {
				return nil, err
			}
		}
	}
	weight, bias := own[0], own[1]
	if n.readout.Readings != nil {
		if weight, err = n.made(dev, weight, n.readout, "read-out"); err != nil {
			return nil, err
		}
	}
	feedback, err := n.back(dev, own, weight)
	var logits *gorgonia.Node
	if err == nil {
		logits, err = kernels.LinearBack(dev, top.all, weight, bias, feedback)
	}
	if err != nil {
		return nil, fmt.Errorf("read-out: %w", err)
	}
	return kernels.NewOutput(logits, layers...), nil
}

// readouts returns the number of parameters of the read-out, the last of Specs.
func (n *Network) readouts() int {
	last := n.layers[n.depth-1]
	return len(n.specs) - last.first - len(last.params)
}

// Plan returns what Build asks of a device: the scans of the layers for the sequences of in, whose tensors
// need not be there, and the weights that are made of stored ones.
func (n *Network) Plan(in kernels.Sequence) (scans []kernels.ScanConfig, made []kernels.WeightsConfig) {
	for _, l := range n.layers {
		cfg := l.config(in)
		cfg.Dtype = tensor.Float32
		scans = append(scans, cfg)
		for _, o := range l.operands {
			if o.made() && !o.spec.Shared {
				made = append(made, o.weights)
			}
		}
	}
	for _, w := range []kernels.WeightsConfig{n.readout, n.signs} {
		if w.Readings != nil {
			made = append(made, w)
		}
	}
	return scans, made
}

// check holds the sequence and the parameters to the network and returns the number type.
func (n *Network) check(in kernels.Sequence, params []*gorgonia.Node) (dt tensor.Dtype, err error) {
	if in.X == nil && in.XFrom == nil || in.State == nil && in.StateFrom == nil || in.T < 1 || in.B < 1 || in.I != n.dims.I {
		return dt, fmt.Errorf("sequence of T=%d B=%d I=%d, want I=%d, the rest at least 1, and values for x and the state: %w",
			in.T, in.B, in.I, n.dims.I, kernels.ErrShape)
	}
	if in.XFrom != nil {
		dt = in.XFrom.Dtype()
	} else {
		dt = in.X.Dtype()
	}
	if dt != tensor.Float32 && dt != tensor.Float64 {
		return dt, fmt.Errorf("x holds %v, want float32 or float64", dt)
	}
	for _, want := range []struct {
		name  string
		t     *tensor.Dense
		shape tensor.Shape
	}{
		{"x", in.X, tensor.Shape{in.T, in.B, in.I}},
		{"state", in.State, kernels.StateShape(n.PlaneUnits(), in.B)},
		{"mask", in.Mask, tensor.Shape{in.T, in.B}},
	} {
		if want.name == "x" && in.XFrom != nil || want.name == "state" && in.StateFrom != nil {
			continue // its node is read in its place
		}
		if want.t != nil && (!want.t.Shape().Eq(want.shape) || want.t.Dtype() != dt || want.t.RequiresIterator()) {
			return dt, fmt.Errorf("%s is %v %v, want %v %v without gaps: %w",
				want.name, want.t.Dtype(), want.t.Shape(), dt, want.shape, kernels.ErrShape)
		}
	}
	for _, want := range []struct {
		name  string
		node  *gorgonia.Node
		shape tensor.Shape
	}{{"x", in.XFrom, tensor.Shape{in.T * in.B, in.I}}, {"state", in.StateFrom, kernels.StateShape(n.PlaneUnits(), in.B)}} {
		if want.node != nil && (!want.node.Shape().Eq(want.shape) || want.node.Dtype() != dt) {
			return dt, fmt.Errorf("%s is computed as %v %v, want %v %v: %w", want.name, want.node.Dtype(), want.node.Shape(),
				dt, want.shape, kernels.ErrShape)
		}
	}
	if n.both && in.Every {
		return dt, fmt.Errorf("it reads sequences in both directions, so that it answers once, at the end, and this task asks at every step; leave out bidirectional: %w", kernels.ErrShape)
	}
	if len(params) != len(n.specs) {
		return dt, fmt.Errorf("%d parameters, want %d: %w", len(params), len(n.specs), kernels.ErrShape)
	}
	for i, s := range n.specs {
		if !slices.Equal(params[i].Shape(), s.Shape) || params[i].Dtype() != dt {
			return dt, fmt.Errorf("%s is %v %v, want %v %v: %w",
				s.Name, params[i].Dtype(), params[i].Shape(), dt, s.Shape, kernels.ErrShape)
		}
	}
	return dt, nil
}
