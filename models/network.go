package models

import (
	"fmt"
	"slices"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Network is a cell bound to its sizes, with a linear read-out of the hidden state:
//
//	logits = readout.weight · h + readout.bias
//
// It is what package engine trains.
type Network struct {
	name   string
	cell   Cell
	scan   kernels.Cell
	dims   Dims
	params []kernels.Spec // of the cell, without prefix
	specs  []kernels.Spec // of the network
	scale  float64        // of the initial read-out weights
	way    Feedback
	builds int

	wiring Wiring
	within int64     // bytes that the constants of the wiring may take, 0 for any number
	mask   []float64 // connections that exist, [H,H]; nil for all
	// constraints say how the weights that act are made of a parameter of the cell, by its name.
	constraints map[string]kernels.Reading

	step     []operand             // of the unrolled step
	operands []operand             // of the fused scan
	readout  kernels.WeightsConfig // of the weights that the read-out uses
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
// "cell.", then readout.weight [O,H] and readout.bias [O], and readout.feedback [O,H] with Fixed.
//
// Errors: sizes below 1; kernels.ErrMemory beyond Within; settings that the cell refuses.
func Bind(name string, c Cell, d Dims, opts ...Option) (*Network, error) {
	if d.I < 1 || d.H < 1 || d.O < 1 {
		return nil, fmt.Errorf("models: %s: I=%d H=%d O=%d, want all at least 1: %w", name, d.I, d.H, d.O, kernels.ErrShape)
	}
	n := &Network{name: name, cell: c, dims: d, scale: 1, wiring: NewWiring()}
	for _, o := range opts {
		o(n)
	}
	var err error
	if n.params, err = c.Params(d); err != nil {
		return nil, err
	}
	if n.scan, err = c.Scan(d); err != nil {
		return nil, err
	}
	if err := n.wire(); err != nil {
		return nil, err
	}
	for _, s := range n.params {
		s.Name = "cell." + s.Name
		n.specs = append(n.specs, s)
	}
	n.specs = append(n.specs,
		learned(readoutWeight, "O H", []int{d.O, d.H}, kernels.Readout, "weights of the read-out",
			kernels.Init{Kind: kernels.XavierUniform, A: n.scale}),
		learned("readout.bias", "O", []int{d.O}, kernels.Readout, "bias of the read-out", kernels.Init{}))
	if n.way == Fixed {
		fixed := learned("readout.feedback", "O H", []int{d.O, d.H}, kernels.Readout, "weights through which the error reaches the hidden units",
			kernels.Init{Kind: kernels.XavierUniform, A: n.scale})
		fixed.Learned = false
		n.specs = append(n.specs, fixed)
	}
	return n, nil
}

// row returns the row of a parameter in the cell's table, negative for none.
func (n *Network) row(name string) int {
	return slices.IndexFunc(n.params, func(s kernels.Spec) bool { return s.Name == name })
}

// Name returns the name given to Bind.
func (n *Network) Name() string { return n.name }

// Specs returns the parameter table, in the order of the params given to Build.
func (n *Network) Specs() []kernels.Spec { return slices.Clone(n.specs) }

// Scan returns what the fused scan needs to know of the cell.
func (n *Network) Scan() kernels.Cell { return n.scan }

// Rest returns the value that each state plane starts from, length S.
func (n *Network) Rest() []float64 { return slices.Clone(n.scan.Rest) }

// Hidden returns the number H of units.
func (n *Network) Hidden() int { return n.dims.H }

// Outputs returns the number O of read-out units.
func (n *Network) Outputs() int { return n.dims.O }

// Irregular tells whether the steps last as long as the mask says. Other networks take any value
// of the mask but 0 for 1.
func (n *Network) Irregular() bool {
	c, ok := n.cell.(interface{ irregular() bool })
	return ok && c.irregular()
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
			err = fmt.Errorf("models: %s: build: %v", n.name, r)
		}
	}()
	cfg, err := n.configure(in, params)
	if err != nil {
		return out, fmt.Errorf("models: %s: %w", n.name, err)
	}
	cell, weight, bias := params[:len(n.params)], params[len(n.params)], params[len(n.params)+1]
	var h *gorgonia.Node // [B,H] or [T·B,H]
	if dev == nil {
		n.builds++
		k := NewOps(g, cfg.Dtype, cfg.B, cfg.H, fmt.Sprintf("%s.%d", n.name, n.builds))
		h, out, err = n.unroll(k, cfg, in, cell)
		if n.readout.Readings != nil {
			weight = k.Weights(weight, nil, n.readout, 0)
		}
	} else {
		if cell, err = n.fusedOperands(dev, cell); err == nil {
			h, out, err = fused(g, dev, cfg, in, cell)
		}
		if err == nil && n.readout.Readings != nil {
			weight, err = kernels.Weights(dev, weight, nil, n.readout)
		}
	}
	if err != nil {
		return out, fmt.Errorf("models: %s: %w", n.name, err)
	}
	back := weight
	switch n.way {
	case Transpose:
		back, err = kernels.Hold(weight)
	case Fixed:
		back = params[len(n.params)+2]
	}
	if err == nil {
		out.Logits, err = kernels.LinearBack(dev, h, weight, bias, back)
	}
	if err != nil {
		return out, fmt.Errorf("models: %s: read-out: %w", n.name, err)
	}
	return out, nil
}

// Plan returns what Build asks of a device: the scan of the sequences of in, whose tensors need not be
// there, and the weights that are made of stored ones.
func (n *Network) Plan(in kernels.Sequence) (kernels.ScanConfig, []kernels.WeightsConfig) {
	cfg := n.scanConfig(in)
	cfg.Dtype, cfg.KeepGradH, cfg.Memory, cfg.ForwardOnly = tensor.Float32, in.GradH, in.Memory, in.ForwardOnly
	var made []kernels.WeightsConfig
	for _, o := range n.operands {
		if o.made() && !o.spec.Shared {
			made = append(made, o.weights)
		}
	}
	if n.readout.Readings != nil {
		made = append(made, n.readout)
	}
	return cfg, made
}

// scanConfig returns the configuration of the scan of a sequence, but for the number type.
func (n *Network) scanConfig(in kernels.Sequence) kernels.ScanConfig {
	return kernels.ScanConfig{Cell: n.scan, T: in.T, B: in.B, I: n.dims.I, H: n.dims.H, Params: n.Operands(),
		Last: !in.Every, Masked: in.Mask != nil, Resets: in.Reset != nil}
}

// configure checks the sequence and the parameters against the network.
func (n *Network) configure(in kernels.Sequence, params []*gorgonia.Node) (kernels.ScanConfig, error) {
	cfg := n.scanConfig(in)
	if in.X == nil && in.XFrom == nil || in.State == nil && in.StateFrom == nil || in.T < 1 || in.B < 1 || in.I != n.dims.I {
		return cfg, fmt.Errorf("sequence of T=%d B=%d I=%d, want I=%d, the rest at least 1, and values for x and the state: %w",
			in.T, in.B, in.I, n.dims.I, kernels.ErrShape)
	}
	if in.XFrom != nil {
		cfg.Dtype = in.XFrom.Dtype()
	} else {
		cfg.Dtype = in.X.Dtype()
	}
	if cfg.Dtype != tensor.Float32 && cfg.Dtype != tensor.Float64 {
		return cfg, fmt.Errorf("x holds %v, want float32 or float64", cfg.Dtype)
	}
	for _, want := range []struct {
		name  string
		t     *tensor.Dense
		shape tensor.Shape
	}{
		{"x", in.X, tensor.Shape{in.T, in.B, in.I}},
		{"state", in.State, tensor.Shape{n.scan.States, in.B, n.dims.H}},
		{"mask", in.Mask, tensor.Shape{in.T, in.B}},
		{"reset", in.Reset, tensor.Shape{in.T, in.B}},
	} {
		if want.name == "x" && in.XFrom != nil || want.name == "state" && in.StateFrom != nil {
			continue // its node is read in its place
		}
		if want.t != nil && (!want.t.Shape().Eq(want.shape) || want.t.Dtype() != cfg.Dtype || want.t.RequiresIterator()) {
			return cfg, fmt.Errorf("%s is %v %v, want %v %v without gaps: %w",
				want.name, want.t.Dtype(), want.t.Shape(), cfg.Dtype, want.shape, kernels.ErrShape)
		}
	}
	for _, want := range []struct {
		name  string
		node  *gorgonia.Node
		shape tensor.Shape
	}{{"x", in.XFrom, tensor.Shape{in.T * in.B, in.I}}, {"state", in.StateFrom, tensor.Shape{n.scan.States, in.B, n.dims.H}}} {
		if want.node != nil && (!want.node.Shape().Eq(want.shape) || want.node.Dtype() != cfg.Dtype) {
			return cfg, fmt.Errorf("%s is computed as %v %v, want %v %v: %w", want.name, want.node.Dtype(), want.node.Shape(),
				cfg.Dtype, want.shape, kernels.ErrShape)
		}
	}
	if len(params) != len(n.specs) {
		return cfg, fmt.Errorf("%d parameters, want %d: %w", len(params), len(n.specs), kernels.ErrShape)
	}
	for i, s := range n.specs {
		if !slices.Equal(params[i].Shape(), s.Shape) || params[i].Dtype() != cfg.Dtype {
			return cfg, fmt.Errorf("%s is %v %v, want %v %v: %w",
				s.Name, params[i].Dtype(), params[i].Shape(), cfg.Dtype, s.Shape, kernels.ErrShape)
		}
	}
	return cfg, nil
}

// fused runs the sequence as one operation on a device.
func fused(g *gorgonia.ExprGraph, dev kernels.Device, cfg kernels.ScanConfig, in kernels.Sequence, operands []*gorgonia.Node) (h *gorgonia.Node, out kernels.Output, err error) {
	h, plan, err := kernels.Scan(g, dev, cfg, in, operands)
	if err != nil {
		return nil, out, err
	}
	out.H = func() (*tensor.Dense, error) { return view(plan.H(), cfg.T, cfg.B, cfg.H) }
	out.Final = func() (*tensor.Dense, error) { return view(plan.Final(), cfg.Cell.States, cfg.B, cfg.H) }
	out.Carry = plan.Final
	if in.GradH {
		out.GradH = func() (*tensor.Dense, error) { return view(plan.GradH(), cfg.T, cfg.B, cfg.H) }
	}
	return h, out, nil
}

// view returns the value of the last run under a shape.
func view(v gorgonia.Value, shape ...int) (*tensor.Dense, error) {
	if v == nil {
		return nil, fmt.Errorf("models: the network has not run yet")
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v.Data())), nil
}
