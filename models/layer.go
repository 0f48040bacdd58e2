package models

import (
	"fmt"
	"strings"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// layer is one layer of a network: the cell with the sizes of its place. The first layer reads the
// input of the network, every other one h of the layer below at the same step.
type layer struct {
	net    *Network
	cell   Cell
	number int  // from 0; with both directions those of a level follow each other
	level  int  // how many it stands above the first
	back   bool // it reads sequences from the last step to the first
	dims   Dims // I is H of the layer below for all but the first
	first  int  // the row of Network.specs where its parameters begin
	plane  int  // the plane of the state of the network where its own begin
	before int  // units of all planes before that
	scan   kernels.Cell
	params []kernels.Spec // of the cell, without prefix
	noise  kernels.Noise  // of its scan, in sequences that have some

	mask []float64 // connections that exist, [H,H]; nil for all
	// constraints say how the weights that act are made of a parameter of the cell, by its name.
	constraints map[string]kernels.Reading

	step     []operand // of the unrolled step
	operands []operand // of the fused scan
}

// addLayer puts a layer on top of the network.
func (n *Network) addLayer() error {
	l := &layer{net: n, number: len(n.layers), dims: n.dims, first: len(n.specs), plane: len(n.rest)}
	l.level, l.back = l.number/n.ways(), l.number%n.ways() == 1
	l.cell = n.cellOf(l.level)
	l.dims.H = n.height(l.level)
	if l.level > 0 {
		l.dims.I = n.seen(l.level - 1)
	}
	for _, below := range n.layers {
		l.before += below.scan.States * below.dims.H
	}
	var err error
	if l.params, err = l.cell.Params(l.dims); err != nil {
		return err
	}
	if l.scan, err = l.cell.Scan(l.dims); err != nil {
		return err
	}
	if err := l.checkCell(); err != nil {
		return fmt.Errorf("models: %s: %w", n.name, err)
	}
	if err := l.scaleNoise(); err != nil {
		return err
	}
	if l.scan.Neuron != nil && l.number > 0 {
		return fmt.Errorf("models: %s reads events of facets, which no layer below it sends, as they come; take layers = 1, and one direction: %w", n.name, kernels.ErrShape)
	}
	for i := range l.params {
		n.freeze(&l.params[i], l.rename(l.params[i].Name), l.level)
	}
	if err := l.wire(); err != nil {
		return err
	}
	for _, s := range l.params {
		s.Name = l.rename(s.Name)
		if l.level > 0 && s.Role == kernels.In {
			s.Letters = strings.ReplaceAll(s.Letters, "I", n.seenLetters(l.level))
		}
		n.specs = append(n.specs, s)
	}
	n.rest = append(n.rest, l.scan.Rest...)
	n.layers = append(n.layers, l)
	return nil
}

// checkCell refuses a table of parameters and a state that no step could be made of.
func (l *layer) checkCell() error {
	if s := l.scan; s.States < 1 || len(s.Rest) != s.States {
		return fmt.Errorf("Scan of the cell gives %d planes of the state and %d values at rest, want one value for each plane, and one plane at least: %w",
			s.States, len(s.Rest), kernels.ErrShape)
	}
	for i, p := range l.params {
		if p.Name == "" || len(p.Shape) == 0 || p.Len() < 1 {
			return fmt.Errorf("parameter %d of the cell has the name %q and the shape %v, want a name, and sizes of at least 1: %w", i, p.Name, p.Shape, kernels.ErrShape)
		}
		per, whole := map[kernels.Role]int{kernels.In: l.dims.H * l.dims.I, kernels.Rec: l.dims.H * l.dims.H, kernels.Vec: l.dims.H}[p.Role]
		if whole && !p.Shared && p.Len()%per != 0 {
			return fmt.Errorf("%s is %v, want planes of %d numbers, with I=%d and H=%d: %w", p.Name, p.Shape, per, l.dims.I, l.dims.H, kernels.ErrShape)
		}
	}
	return nil
}

// rename returns the name that a parameter of the cell has in the network.
func (l *layer) rename(name string) string { return "cell." + l.suffixed(name) }

// suffixed returns the name of an array of the layer; of one that reads backwards it ends in _reverse, as that of
// PyTorch.
func (l *layer) suffixed(name string) string {
	if name = suffixed(name, l.level); l.back {
		name += "_reverse"
	}
	return name
}

// suffixed returns the name of an array of a layer: those of the first are without suffix, those of
// the layers above end in _l1, _l2 and so on. Names that end in _l0, as those of PyTorch, have the number
// of the layer in its place.
func suffixed(name string, layer int) string {
	if layer == 0 {
		return name
	}
	return fmt.Sprintf("%s_l%d", strings.TrimSuffix(name, "_l0"), layer)
}

// row returns the row of a parameter in the cell's table, negative for none.
func (l *layer) row(name string) int {
	for i, s := range l.params {
		if s.Name == name {
			return i
		}
	}
	return -1
}

// layerOf returns the layer that row p of Specs belongs to and the row of its own table; nil for the
// read-out.
func (n *Network) layerOf(p int) (*layer, int) {
	for _, l := range n.layers {
		if p < l.first+len(l.params) {
			return l, p - l.first
		}
	}
	return nil, 0
}

// config returns the configuration of the scan of a sequence of the network, but for the number type.
// The layers share the memory.
func (l *layer) config(in kernels.Sequence) kernels.ScanConfig {
	cfg := kernels.ScanConfig{Cell: l.scan, T: in.T, B: in.B, I: l.dims.I, H: l.dims.H, Params: l.table(),
		Last: l.top() && !in.Every && in.Rates == nil, GradX: l.number > 0, GradState: l.net.firstState && in.Begins, Masked: in.Mask != nil,
		KeepGradH: in.GradH, Memory: in.Memory, ForwardOnly: in.ForwardOnly}
	if in.Noise {
		cfg.Noise = l.noise
	}
	if in.Memory > 0 {
		cfg.Memory = max(1, in.Memory/int64(l.net.depth))
	}
	return cfg
}

// top reports whether the read-out sees the layer.
func (l *layer) top() bool { return l.number >= l.net.depth-l.net.ways() }

// sequence returns what the layer reads of a sequence of the network, given what is computed for it, h of the layer below
// or x from the last step on, and where it is computed the first state.
func (l *layer) sequence(in kernels.Sequence, first, below *gorgonia.Node) (kernels.Sequence, error) {
	own := in
	if below != nil {
		own.X, own.XFrom, own.I = nil, below, l.dims.I
	}
	own.Memory = l.config(in).Memory
	if first != nil {
		own.StateFrom = first
		return own, nil
	}
	if l.net.depth == 1 {
		return own, nil
	}
	planes, before := l.scan.States, in.B*l.before
	if in.StateFrom != nil {
		var err error
		own.StateFrom, err = kernels.Field(in.StateFrom, before, planes, in.B, l.dims.H)
		return own, err
	}
	shape := tensor.Shape{planes, in.B, l.dims.H}
	own.State = block(in.State, before, shape)
	if in.Place != nil {
		own.Place = func(t *tensor.Dense) gorgonia.Value {
			if t != own.State {
				return in.Place(t)
			}
			if all, ok := in.Place(in.State).(interface {
				View(offset int, shape ...int) gorgonia.Value
			}); ok {
				return all.View(before, shape...)
			}
			return t
		}
	}
	return own, nil
}

// block returns elements of a tensor under a shape; the storage is shared.
func block(t *tensor.Dense, offset int, shape tensor.Shape) *tensor.Dense {
	n := offset + shape.TotalSize()
	var e any
	switch all := t.Data().(type) {
	case []float32:
		e = all[offset:n:n]
	case []float64:
		e = all[offset:n:n]
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(e))
}

// build adds the layer to a graph, given its parameters, h of the layer below and the first state, nil for that of
// the sequence: the node of all steps and, where the graph is unrolled, those of each step. What reads them sends the
// gradient of the penalty of the rates back with its own, and does not see what dropout leaves out.
func (l *layer) build(g *gorgonia.ExprGraph, dev kernels.Device, cfg kernels.ScanConfig, in kernels.Sequence, first *gorgonia.Node, below states, params []*gorgonia.Node) (states, error) {
	s, err := l.plain(g, dev, cfg, in, first, below, params)
	drops := l.net.dropout > 0 && in.Noise && !in.ForwardOnly && !l.top()
	if err != nil || in.Rates == nil && !drops {
		return s, err
	}
	if in.Rates != nil {
		s.all, err = l.penalised(dev, s.all, cfg.T, in)
	}
	if err == nil && drops {
		s.all, err = kernels.Dropout(dev, s.all, l.net.dropout, uint64(l.number), cfg.T, in.Draw)
	}
	if err != nil {
		return s, err
	}
	if l.top() {
		if !in.Every {
			s.all, err = kernels.LastRows(dev, s.all, cfg.B)
		}
		return s, err
	}
	return s.cut(cfg.T, cfg.B, cfg.H)
}

// penalised returns h [T·B,H] with the penalty of the rates; that of a layer that reads backwards has the steps of the mask
// once it is turned round.
func (l *layer) penalised(dev kernels.Device, h *gorgonia.Node, steps int, in kernels.Sequence) (*gorgonia.Node, error) {
	mask := in.Placed(in.Mask)
	if in.MaskFrom == nil {
		return kernels.PenaliseRates(dev, h, steps, mask, in.Rates)
	}
	h, err := kernels.Reversed(dev, h, steps, mask)
	if err == nil {
		h, err = kernels.PenaliseRates(dev, h, steps, mask, in.Rates)
	}
	if err == nil {
		h, err = kernels.Reversed(dev, h, steps, mask)
	}
	return h, err
}

// plain is build without penalty and dropout.
func (l *layer) plain(g *gorgonia.ExprGraph, dev kernels.Device, cfg kernels.ScanConfig, in kernels.Sequence, first *gorgonia.Node, below states, params []*gorgonia.Node) (states, error) {
	own, err := l.sequence(in, first, below.all)
	if err != nil {
		return states{}, err
	}
	planes, err := l.scan.Planes()
	if err != nil {
		return states{}, err
	}
	if dev == nil {
		return l.unroll(g, cfg, own, planes, below.steps, params)
	}
	if params, err = l.fusedOperands(dev, params); err != nil {
		return states{}, err
	}
	h, plan, err := kernels.Scan(g, dev, cfg, own, params)
	if err != nil {
		return states{}, err
	}
	scanned := scanned{planes: planes, shown: l.scan.Shown, plan: plan}
	if in.GradH {
		return states{all: h, Layer: graded{scanned}}, nil
	}
	return states{all: h, Layer: scanned}, nil
}
