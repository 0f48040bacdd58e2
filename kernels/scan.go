package kernels

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Scan adds a whole sequence of a cell to g as one operation and returns its hidden states as
// rows: [T·B,H], or [B,H] of the last step with cfg.Last. Params are the nodes of cfg.Params. The
// plan gives access to states that are not part of the graph.
//
// Learned parameters are differentiated, and x and the first state where they are nodes of the graph
// (Sequence.XFrom, StateFrom). The gradient does not reach tensors, so a state carried from one run to
// the next truncates backpropagation there.
func Scan(g *gorgonia.ExprGraph, dev Device, cfg ScanConfig, in Sequence, params []*gorgonia.Node) (*gorgonia.Node, ScanPlan, error) {
	if err := cfg.check(in, params); err != nil {
		return nil, nil, err
	}
	cfg.Masked, cfg.KeepGradH = in.Mask != nil || in.MaskFrom != nil, in.GradH
	cfg.GradX, cfg.GradState = in.XFrom != nil, in.StateFrom != nil
	cfg.Memory, cfg.ForwardOnly = in.Memory, in.ForwardOnly
	plan, err := dev.NewScan(cfg)
	if err != nil {
		return nil, nil, err
	}
	s := &scanOp{
		op:  newOp("scan %s T=%d B=%d I=%d H=%d on %s", cfg.Cell.kind(), cfg.T, cfg.B, cfg.I, cfg.H, dev.Name()),
		cfg: cfg, plan: plan, draw: in.Draw,
	}
	children := make(gorgonia.Nodes, 0, 4+len(params))
	for _, data := range []struct {
		name string
		from *gorgonia.Node
		t    *tensor.Dense
	}{{"x", in.XFrom, in.X}, {"state", in.StateFrom, in.State}, {"mask", in.MaskFrom, in.Mask}} {
		if data.from == nil && data.t == nil {
			continue
		}
		s.data++
		if data.from != nil {
			children = append(children, data.from)
			continue
		}
		children = append(children, input(g, in.Placed(data.t), fmt.Sprintf("scan#%d.%s", s.id, data.name)))
	}
	h, err := apply(s, tensor.Shape{cfg.Rows(), cfg.H}, append(children, params...)...)
	if err != nil {
		return nil, nil, fmt.Errorf("kernels: scan: %w", err)
	}
	return h, plan, nil
}

// check compares the shapes of the inputs with the configuration.
func (c ScanConfig) check(in Sequence, params []*gorgonia.Node) error {
	if c.T < 1 || c.B < 1 || c.I < 1 || c.H < 1 {
		return fmt.Errorf("kernels: scan: T=%d B=%d I=%d H=%d, want all at least 1: %w", c.T, c.B, c.I, c.H, ErrShape)
	}
	if c.Dtype != tensor.Float32 && c.Dtype != tensor.Float64 {
		return fmt.Errorf("kernels: scan: type %v, want float32 or float64: %w", c.Dtype, ErrShape)
	}
	want := func(name string, t *tensor.Dense, shape ...int) error {
		if t == nil || !t.Shape().Eq(tensor.Shape(shape)) || t.Dtype() != c.Dtype {
			return fmt.Errorf("kernels: scan: %s is %v, want %v %v: %w", name, describe(t), c.Dtype, shape, ErrShape)
		}
		return nil
	}
	computed := func(name string, n *gorgonia.Node, shape ...int) error {
		if !n.Shape().Eq(tensor.Shape(shape)) || n.Dtype() != c.Dtype {
			return fmt.Errorf("kernels: scan: %s is computed as %v %v, want %v %v: %w", name, n.Dtype(), n.Shape(), c.Dtype, shape, ErrShape)
		}
		return nil
	}
	var err error
	if in.XFrom != nil {
		err = computed("x", in.XFrom, c.T*c.B, c.I)
	} else {
		err = want("x", in.X, c.T, c.B, c.I)
	}
	if err != nil {
		return err
	}
	if in.StateFrom != nil {
		err = computed("state", in.StateFrom, c.Cell.States, c.B, c.Units())
	} else {
		err = want("state", in.State, c.Cell.States, c.B, c.Units())
	}
	if err != nil {
		return err
	}
	switch {
	case in.MaskFrom != nil:
		err = computed("mask", in.MaskFrom, c.T*c.B, 1)
	case in.Mask != nil:
		err = want("mask", in.Mask, c.T, c.B)
	}
	if err != nil {
		return err
	}
	if len(params) != len(c.Params) {
		return fmt.Errorf("kernels: scan: %d parameters, want %d: %w", len(params), len(c.Params), ErrShape)
	}
	for i, p := range c.Params {
		if !params[i].Shape().Eq(tensor.Shape(p.Shape)) || params[i].Dtype() != c.Dtype {
			return fmt.Errorf("kernels: scan: %s is %v %v, want %v %v: %w", p.Name, params[i].Dtype(),
				params[i].Shape(), c.Dtype, p.Shape, ErrShape)
		}
	}
	return nil
}

func describe(t *tensor.Dense) string {
	if t == nil {
		return "missing"
	}
	return fmt.Sprintf("%v %v", t.Dtype(), t.Shape())
}

// scanOp is the operation behind Scan. Inputs: x, state, mask where given, params.
type scanOp struct {
	op
	cfg  ScanConfig
	plan ScanPlan
	draw func() NoiseDraw
	data int // inputs before the parameters
}

func (s *scanOp) DiffWRT(inputs int) []bool {
	d := make([]bool, inputs)
	d[0], d[1] = s.cfg.GradX, s.cfg.GradState
	for i, p := range s.cfg.Params {
		d[s.data+i] = p.Learned
	}
	return d
}

func (s *scanOp) args(in []gorgonia.Value) ScanArgs {
	c := &s.cfg
	a := ScanArgs{X: in[0], State: in[1], Params: in[s.data : s.data+len(s.cfg.Params)]}
	if c.GradX {
		a.X = shaped(in[0], c.T, c.B, c.I)
	}
	if c.Noise.On() {
		a.Draw = s.draw()
	}
	if c.Masked {
		a.Mask = shaped(in[2], c.T, c.B)
	}
	return a
}

func (s *scanOp) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(s.name, &err)
	return s.plan.Forward(s.args(in))
}

// shaped returns a value under another shape of as many elements.
func shaped(v gorgonia.Value, shape ...int) gorgonia.Value {
	if array, ok := v.(viewer); ok {
		return array.View(0, shape...)
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v.Data()))
}

// SymDiff makes one packed gradient and gives every learned parameter, x and the first state their
// fields of it.
func (s *scanOp) SymDiff(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	back := &scanAdjoint{adjoint: adjoint{newOp("adjoint of %s #%d", s.name, s.id)}, scan: s}
	packed, err := apply(back, tensor.Shape{s.cfg.Packed()}, append(append(gorgonia.Nodes{}, in...), out, grad)...)
	if err != nil {
		return nil, err
	}
	grads := make(gorgonia.Nodes, len(in))
	offset := 0
	for i, p := range s.cfg.Params {
		if !p.Learned {
			continue
		}
		if grads[s.data+i], err = Field(packed, offset, p.Shape...); err != nil {
			return nil, err
		}
		offset += p.Len()
	}
	x, state := s.cfg.Inputs()
	if x >= 0 {
		if grads[0], err = field(packed, true, x, in[0].Shape()); err != nil { // no copy of T·B·I numbers
			return nil, err
		}
	}
	if state >= 0 {
		if grads[1], err = Field(packed, state, in[1].Shape()...); err != nil {
			return nil, err
		}
	}
	return grads, nil
}

// scanAdjoint computes the packed gradient. It takes the output of
// the scan as an input: that orders it behind the scan and keeps the hidden states, which it
// reads, from being overwritten.
type scanAdjoint struct {
	adjoint
	scan *scanOp
}

func (a *scanAdjoint) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(a.name, &err)
	return a.scan.plan.Backward(a.scan.args(in), in[len(in)-1])
}
