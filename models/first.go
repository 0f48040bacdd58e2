package models

import (
	"fmt"
	"math"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// LearnedState makes the state before the first step of a sequence a parameter, the same for all sequences: h0
// [H,P] of each layer, with a column for each plane that Starts does not hold. It begins at the planes' rest.
func LearnedState() Option { return func(n *Network) { n.firstState = true } }

// Starts is a Cell whose state may not begin anywhere. The planes of others may.
type Starts interface {
	// Starts returns the interval of the first value of each plane. Where both ends are the same the plane
	// begins there and is not learned: at 0.
	Starts() []kernels.Bound
}

// held is the interval of a plane that begins at 0.
var held = kernels.Bound{}

// within returns the interval [-1, 1].
func within() kernels.Bound { return kernels.Bound{Lo: -1, Hi: 1} }

// rates returns the interval of the values of an activation.
func rates(activation string) kernels.Bound {
	switch activation {
	case "tanh":
		return within()
	case "sigmoid":
		return kernels.Bound{Hi: 1}
	case "linear":
		return kernels.Free()
	}
	return atLeast(0)
}

// starts returns the intervals of the planes of the layer, and the numbers of those that are learned.
func (l *layer) starts() (bounds []kernels.Bound, learned []int) {
	if c, ok := l.cell.(Starts); ok {
		bounds = c.Starts()
	} else {
		for range l.scan.States {
			bounds = append(bounds, kernels.Free())
		}
	}
	for k, b := range bounds {
		if b != held {
			learned = append(learned, k)
		}
	}
	return bounds, learned
}

// firstSpec returns the row of the first state of the layer.
func (l *layer) firstSpec() kernels.Spec {
	bounds, planes := l.starts()
	init := kernels.Init{Kind: kernels.Constant, A: 1}
	var columns []kernels.Bound
	for _, k := range planes {
		init.Columns = append(init.Columns, l.scan.Rest[k])
		columns = append(columns, bounds[k])
	}
	s := learned(l.rename("h0"), "H P", []int{l.dims.H, len(planes)}, kernels.Readout, "first state of a sequence, a column for each plane that is learned", init)
	s.Role, s.Columns = kernels.Named, columns
	return s
}

// firstNode returns the node of the first state [S,B,H] of the layer, given its parameter: every sequence has the same
// row of it. It is a product with ones, which all devices have, so that the gradient is summed over sequences.
func (l *layer) firstNode(g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, h0 *gorgonia.Node) (*gorgonia.Node, error) {
	_, planes := l.starts()
	rows := l.scan.States * in.B
	dt := h0.Dtype()
	chosen := tensor.New(tensor.WithShape(rows, len(planes)), tensor.Of(dt))
	for col, k := range planes {
		for b := range in.B {
			at := (k*in.B+b)*len(planes) + col
			switch e := chosen.Data().(type) {
			case []float32:
				e[at] = 1
			case []float64:
				e[at] = 1
			}
		}
	}
	nothing := tensor.New(tensor.WithShape(l.dims.H), tensor.Of(dt))
	var nodes [2]*gorgonia.Node
	for i, t := range []*tensor.Dense{chosen, nothing} {
		var v gorgonia.Value = t
		if dev, ok := dev.(kernels.Resident); ok {
			m, err := dev.Mirror(t)
			if err != nil {
				return nil, err
			}
			v = m.View(0, t.Shape()...)
		}
		nodes[i] = gorgonia.NewTensor(g, dt, t.Dims(), gorgonia.WithShape(t.Shape()...), gorgonia.WithValue(v),
			gorgonia.WithName(fmt.Sprintf("%s.%d.h0.%d.%d", l.net.name, l.net.builds, l.number, i)))
	}
	state, err := kernels.Linear(dev, nodes[0], h0, nodes[1])
	if err != nil {
		return nil, err
	}
	return kernels.Field(state, 0, l.scan.States, in.B, l.dims.H)
}

// checkFirst refuses planes that begin neither at 0 nor where they are learned.
func (l *layer) checkFirst() error {
	bounds, _ := l.starts()
	for k, b := range bounds {
		if rest := l.scan.Rest[k]; rest < b.Lo || rest > b.Hi || math.IsNaN(rest) {
			return fmt.Errorf("models: %s: plane %d of the state rests at %v, want [%v, %v]: %w", l.net.name, k, rest, b.Lo, b.Hi, kernels.ErrShape)
		}
	}
	return nil
}

// First returns the state [S,H] that a sequence begins with, plane after plane, given the stored values of the parameters
// by name: at rest, unless it is learned.
func (n *Network) First(stored func(name string) []float64) []float64 {
	var state []float64
	for plane, units := range n.PlaneUnits() {
		for range units {
			state = append(state, n.rest[plane])
		}
	}
	if !n.firstState {
		return state
	}
	for _, l := range n.layers {
		_, planes := l.starts()
		for e, v := range stored(l.firstSpec().Name) {
			k := planes[e%len(planes)]
			state[l.before+k*l.dims.H+e/len(planes)] = v
		}
	}
	return state
}
