package models

import (
	"fmt"

	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// Layers stacks the cell n times; once without it.
func Layers(n int) Option { return func(net *Network) { net.levels = n } }

// Sizes gives each layer a number of units of its own, from below, in place of H, where there is more than one number.
func Sizes(h ...int) Option {
	return func(n *Network) {
		if len(h) > 1 {
			n.sizes, n.dims.H = h, h[0]
		}
	}
}

// Above puts a layer of each of the cells on top of the first, from below, in place of Layers.
func Above(cells ...Cell) Option {
	return func(n *Network) {
		if len(cells) > 0 {
			n.above, n.levels = cells, 1+len(cells)
		}
	}
}

// Dropped leaves each element of h out with probability p on the way to the layer above, in sequences with
// kernels.Sequence.Noise that are not ForwardOnly. The read-out sees all of the last layer.
func Dropped(p float64) Option { return func(n *Network) { n.dropout = p } }

// Normed lets each layer above the first read its input, h of the layer below after what Dropped leaves out, through
// kernels.LayerNorm, with the parameters cell.norm.weight [H] and cell.norm.bias [H] of each.
func Normed() Option { return func(n *Network) { n.norm = true } }

// NormWork is the work behind Normed.
var NormWork = cite.Work{Key: "ba2016layer", Kind: "misc", Authors: "Ba, Jimmy Lei and Kiros, Jamie Ryan and Hinton, Geoffrey E.",
	Title: "Layer Normalization", In: "arXiv:1607.06450", Year: 2016, DOI: "10.48550/arXiv.1607.06450"}

// ShownPlane returns the plane of Rest that is h of a layer.
func (n *Network) ShownPlane(layer int) int {
	return n.layers[layer].plane + n.layers[layer].scan.Shown
}

// BothWays gives each layer a second one beside it that reads sequences from their last step to the first, as
// torch.nn.LSTM with bidirectional has it. The layer above, and the read-out, see the units of both: a layer those of the
// same step, the read-out those of each direction behind its last step. Sequences have one target.
func BothWays() Option { return func(n *Network) { n.both = true } }

// ways returns the number of directions.
func (n *Network) ways() int {
	if n.both {
		return 2
	}
	return 1
}

// height returns the number of units of a layer of a level.
func (n *Network) height(level int) int {
	if n.sizes == nil {
		return n.dims.H
	}
	return n.sizes[level]
}

// seen returns the number of units of a level, which the one above or the read-out reads.
func (n *Network) seen(level int) int { return n.ways() * n.height(level) }

// seenLetters returns how tables write what a level reads of the one below; the read-out stands above all levels. Where
// levels differ, H is that of the level that the row is of, and that of another has its name.
func (n *Network) seenLetters(level int) string {
	h := "H"
	if n.sizes != nil && level < n.levels {
		h = fmt.Sprintf("H_l%d", level-1)
	}
	if n.both {
		return "2" + h
	}
	return h
}

// Sizes returns the number of units of each layer, those of both directions counted, from below.
func (n *Network) Sizes() []int {
	list := make([]int, n.depth)
	for i, l := range n.layers {
		list[i] = l.dims.H
	}
	return list
}

// PlaneUnits returns the number of units of each state plane, in the order of Rest.
func (n *Network) PlaneUnits() (list []int) {
	for _, l := range n.layers {
		for range l.scan.States {
			list = append(list, l.dims.H)
		}
	}
	return list
}

// ParamUnits returns the number of units of the layer that row p of Specs is of; of the last layer for the read-out.
func (n *Network) ParamUnits(p int) int {
	if l, _ := n.layerOf(p); l != nil {
		return l.dims.H
	}
	return n.Hidden()
}

// UnitOf returns the layer of a unit and its number there; units are counted over all layers, from below.
func (n *Network) UnitOf(unit int) (layer, own int) {
	for layer < n.depth-1 && unit >= n.layers[layer].dims.H {
		unit -= n.layers[layer].dims.H
		layer++
	}
	return layer, unit
}

// cellOf returns the cell of a layer.
func (n *Network) cellOf(layer int) Cell {
	if layer == 0 || n.above == nil {
		return n.cell
	}
	return n.above[layer-1]
}

// checkStack refuses layers that cannot be stacked.
func (n *Network) checkStack() error {
	if n.sizes != nil && n.levels == 1 {
		n.levels = len(n.sizes)
	}
	if n.levels < 1 {
		return fmt.Errorf("models: %s: %d layers, want at least 1: %w", n.name, n.levels, kernels.ErrShape)
	}
	if n.sizes != nil && len(n.sizes) != n.levels {
		return fmt.Errorf("models: %s: hidden gives the sizes of %d layers, and there are %d; give a size for each, or one for all: %w", n.name, len(n.sizes), n.levels, kernels.ErrShape)
	}
	for level := range n.levels {
		if n.height(level) < 1 {
			return fmt.Errorf("models: %s: layer %d has %d units, want at least 1: %w", n.name, level, n.height(level), kernels.ErrShape)
		}
		if err := n.wiring.check(n.height(level)); err != nil {
			return err
		}
	}
	if n.both && (n.wiring.Dale || n.wiring.masked()) {
		return fmt.Errorf("models: %s: Dale's law and masks hold for one direction, and this network has both; leave them out, or bidirectional: %w", n.name, ErrWiring)
	}
	if !(n.dropout >= 0 && n.dropout < 1) {
		return fmt.Errorf("models: %s: dropout is %v, want 0 to less than 1: %w", n.name, n.dropout, kernels.ErrShape)
	}
	if n.wiring.Dale && n.levels > 1 {
		return fmt.Errorf("models: %s: Dale's law holds within one layer, and this network has %d; leave out dale, or take 1 layer: %w", n.name, n.levels, ErrWiring)
	}
	return nil
}

// normSpecs returns the parameters of what the layers above the first read their input through.
func (n *Network) normSpecs() (list []kernels.Spec) {
	if !n.norm {
		return nil
	}
	for _, l := range n.layers {
		if l.level == 0 || l.back {
			continue
		}
		for _, s := range []struct {
			name, doc string
			first     float64
		}{{"norm.weight", "gain of the normalised input", 1}, {"norm.bias", "bias of the normalised input", 0}} {
			list = append(list, learned(l.rename(s.name), n.seenLetters(l.level), []int{l.dims.I}, kernels.Named, s.doc, kernels.Init{Kind: kernels.Constant, A: s.first}))
		}
	}
	return list
}

// normed returns h of the level below as a layer reads it, given the parameters of normSpecs.
func (l *layer) normed(dev kernels.Device, cfg kernels.ScanConfig, below states, norms []*gorgonia.Node) (states, error) {
	if l.level == 0 || !l.net.norm {
		return below, nil
	}
	own := norms[2*(l.level-1):]
	var err error
	if below.all, err = kernels.LayerNorm(dev, below.all, own[0], own[1]); err != nil {
		return below, err
	}
	return below.cut(cfg.T, cfg.B, l.dims.I)
}

// cut takes the nodes of the steps, where there are some, from that of all.
func (s states) cut(steps, b, h int) (states, error) {
	list := make([]*gorgonia.Node, len(s.steps))
	for t := range list {
		var err error
		if list[t], err = kernels.Field(s.all, t*b*h, b, h); err != nil {
			return s, err
		}
	}
	s.steps = list
	return s, nil
}

// reversed returns x, what a level reads, from the last step to the first; nil is x of the sequence.
func (l *layer) reversed(g *gorgonia.ExprGraph, dev kernels.Device, cfg kernels.ScanConfig, in kernels.Sequence, x *gorgonia.Node) (s states, err error) {
	switch {
	case x != nil:
	case in.XFrom != nil:
		x = in.XFrom
	default:
		all := gorgonia.NewTensor(g, cfg.Dtype, 3, gorgonia.WithShape(cfg.T, cfg.B, cfg.I), gorgonia.WithValue(in.Placed(in.X)),
			gorgonia.WithName(fmt.Sprintf("%s.%d.x from the last", l.net.name, l.net.builds)))
		if x, err = kernels.Field(all, 0, cfg.T*cfg.B, cfg.I); err != nil {
			return s, err
		}
	}
	if s.all, err = kernels.Reversed(dev, x, cfg.T, in.Placed(in.Mask)); err != nil || dev != nil {
		return s, err
	}
	s.steps = make([]*gorgonia.Node, cfg.T)
	return s.cut(cfg.T, cfg.B, cfg.I)
}

// turnedMask returns the mask of a layer that reads sequences from their last step to their first, nil for none: the steps
// that count, and how long they last, are turned round with x.
func turnedMask(g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, both bool) (*gorgonia.Node, error) {
	if in.Mask == nil || !both {
		return nil, nil
	}
	mask := in.Placed(in.Mask)
	all := gorgonia.NewTensor(g, in.Mask.Dtype(), 2, gorgonia.WithShape(in.T, in.B), gorgonia.WithValue(mask), gorgonia.WithName("mask from the last"))
	rows, err := kernels.Field(all, 0, in.T*in.B, 1)
	if err != nil {
		return nil, err
	}
	return kernels.Reversed(dev, rows, in.T, mask)
}

// joined returns the units of both directions beside each other: at each step, or for the read-out behind the last step of
// each.
func (l *layer) joined(dev kernels.Device, cfg kernels.ScanConfig, in kernels.Sequence, forward, back states) (s states, err error) {
	if !l.top() {
		if back.all, err = kernels.Reversed(dev, back.all, cfg.T, in.Placed(in.Mask)); err != nil {
			return s, err
		}
	}
	if s.all, err = kernels.Beside(dev, forward.all, back.all); err != nil || l.top() {
		return s, err
	}
	s.steps = make([]*gorgonia.Node, len(forward.steps))
	return s.cut(cfg.T, cfg.B, l.net.seen(l.level))
}
