package layered

import (
	"fmt"

	"galvani/kernels"
	"galvani/models/rules"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Network is an MLP with its sizes. It is what package engine trains; it has no state.
//
// Its parameters are layer1.weight [units, inputs], layer1.bias [units] and so on up to the output, and for
// rules whose way back has weights of its own the feedback of each hidden layer l: layer(l+1).feedback, as
// large as the weights of the layer above, or layer(l).feedback [O, units] where the error of the output
// comes directly.
type Network struct {
	sized
	cfg   MLP
	exact bool // the way back is the gradient, whatever the rule
}

// Bind gives the model its inputs and outputs.
//
// Errors: kernels.ErrShape for sizes below 1; settings out of range.
func Bind(name string, m *MLP, inputs, outputs int) (*Network, error) {
	rule, err := m.rule()
	if err != nil {
		return nil, err
	}
	s, err := newSized(name, rule, inputs, m.Hidden, outputs)
	if err != nil {
		return nil, err
	}
	n := &Network{sized: s, cfg: *m}
	n.specify()
	return n, nil
}

// Bind implements Settings.
func (m *MLP) Bind(name string, inputs, outputs int) (Net, error) {
	return Bind(name, m, inputs, outputs)
}

// Layers implements Settings.
func (m *MLP) Layers() *[]int { return &m.Hidden }

// By implements Settings.
func (m *MLP) By() *string { return &m.Rule }

// Local implements Settings.
func (m *MLP) Local() bool { return false }

// specify writes the parameter table: forward weights first, then those of the way back.
func (n *Network) specify() {
	for l := range n.layers() {
		fanIn, units := n.sizes[l], n.sizes[l+1]
		n.add(fmt.Sprintf("layer%d.weight", l+1), []int{units, fanIn}, "weights from the layer below", n.cfg.gain(), true)
		n.add(fmt.Sprintf("layer%d.bias", l+1), []int{units}, "bias", 0, true)
	}
	if _, own := n.rule.Back.(rules.Own); !own {
		return
	}
	for l := 1; l < n.layers(); l++ {
		name, shape := fmt.Sprintf("layer%d.feedback", l+1), []int{n.sizes[l+1], n.sizes[l]}
		if n.rule.Direct {
			name, shape = fmt.Sprintf("layer%d.feedback", l), []int{n.sizes[n.layers()], n.sizes[l]}
		}
		n.add(name, shape, "weights through which the error comes back", n.cfg.gain()*n.cfg.FeedbackScale, n.rule.Learn != nil)
		own := &n.specs[len(n.specs)-1]
		if own.Clip = n.clipping(); own.Clip == kernels.Scaled {
			own.Twin = n.specs[2*l].Name
		}
	}
}

// clipping says how the limit on the norm of the gradient concerns weights of the way back: a twin keeps to
// the change of its forward weight; what answers to noise says nothing of the loss.
func (n *Network) clipping() kernels.Clipping {
	if _, twin := n.rule.Learn.(rules.Twin); twin {
		return kernels.Scaled
	}
	return kernels.Apart
}

func (n *Network) add(name string, shape []int, doc string, size float64, learned bool) {
	s := kernels.Spec{Name: name, Letters: "M K", Shape: shape, Role: kernels.Readout, Unit: "1", Doc: doc, Bound: kernels.Free(), Learned: learned,
		Init: kernels.Init{Kind: kernels.XavierUniform, A: size}}
	if len(shape) == 1 {
		s.Letters, s.Init = "M", kernels.Init{}
	}
	n.specs = append(n.specs, s)
}

// feedback returns the row of Specs with the weights through which the error comes back to the hidden layer
// below layer l, l from 1.
func (n *Network) feedback(l int) int { return 2*n.layers() + l - 1 }

// Angles tells whether the settings ask for the angles to the gradient.
func (n *Network) Angles() bool {
	_, exact := n.rule.Back.(rules.Transport)
	return n.cfg.Angles && !exact
}

// Exact returns the network with the same parameters whose way back is the gradient. Weights of the way back
// have none.
func (n *Network) Exact() *Network {
	x := *n
	x.exact, x.built = true, 0
	return &x
}

// Pairs returns the names of the parameters that are compared as directions: the weights of the way back with
// those of the layer above that they stand for.
func (n *Network) Pairs() (list [][2]string) {
	if _, own := n.rule.Back.(rules.Own); !own || n.rule.Direct {
		return nil
	}
	for l := 1; l < n.layers(); l++ {
		list = append(list, [2]string{n.specs[n.feedback(l)].Name, n.specs[2*l].Name})
	}
	return list
}

// Build adds the network to g. Without a device rule backprop is a graph of Gorgonia's operations; other
// rules are one operation whose products are computed on the host.
//
// Errors: kernels.ErrShape for sequences of more than one step, and of other inputs.
func (n *Network) Build(g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, params []*gorgonia.Node) (kernels.Output, error) {
	if in.T != 1 || in.B < 1 || in.I != n.sizes[0] || in.X == nil {
		return nil, fmt.Errorf("models: %s reads %d numbers in one step, and the sequences have T=%d steps of %d; take a task of one step, such as mnist: %w",
			n.name, n.sizes[0], in.T, in.I, kernels.ErrShape)
	}
	if len(params) != len(n.specs) {
		return nil, fmt.Errorf("models: %s: %d parameters, want %d: %w", n.name, len(params), len(n.specs), kernels.ErrShape)
	}
	for i, p := range params {
		if s := n.specs[i]; !p.Shape().Eq(tensor.Shape(s.Shape)) {
			return nil, fmt.Errorf("models: %s: %s is %v, want %v: %w", n.name, s.Name, p.Shape(), s.Shape, kernels.ErrShape)
		}
	}
	n.built++
	x, err := rows(g, fmt.Sprintf("%s %d x", n.name, n.built), in)
	if err != nil {
		return nil, fmt.Errorf("models: %s: input: %w", n.name, err)
	}
	var logits *gorgonia.Node
	var layers []kernels.Layer
	if _, symmetric := n.rule.Back.(rules.Transport); symmetric && dev == nil {
		logits, layers, err = n.graph(x, params)
	} else {
		logits, layers, err = n.compose(dev, in, x, params)
	}
	if err != nil {
		return nil, fmt.Errorf("models: %s: %w", n.name, err)
	}
	return kernels.NewOutput(logits, layers...), nil
}

// rows adds the input as a matrix [B,I].
func rows(g *gorgonia.ExprGraph, name string, in kernels.Sequence) (*gorgonia.Node, error) {
	v := in.Placed(in.X)
	x := gorgonia.NewTensor(g, v.Dtype(), 3, gorgonia.WithShape(in.T, in.B, in.I), gorgonia.WithName(name), gorgonia.WithValue(v))
	return kernels.Field(x, 0, in.B, in.I)
}

// compose adds the network as one operation.
func (n *Network) compose(dev kernels.Device, in kernels.Sequence, x *gorgonia.Node, params []*gorgonia.Node) (*gorgonia.Node, []kernels.Layer, error) {
	var plan interface {
		kernels.Composite
		layers() []kernels.Layer
	}
	var err error
	switch dt := x.Dtype(); dt {
	case tensor.Float32:
		plan, err = newPlan[float32](n, dev, in, dt)
	case tensor.Float64:
		plan, err = newPlan[float64](n, dev, in, dt)
	default:
		err = fmt.Errorf("x holds %v, want float32 or float64", dt)
	}
	if err != nil {
		return nil, nil, err
	}
	var groups []kernels.Group
	for l := range n.layers() {
		groups = append(groups, kernels.Group{2*l + 1, 2*l + 2})
	}
	if n.rule.Learn != nil {
		for l := 1; l < n.layers(); l++ {
			groups = append(groups, kernels.Group{n.feedback(l) + 1})
		}
	}
	name := fmt.Sprintf("%s %v by %s", n.name, n.sizes, n.rule.Name)
	logits, err := kernels.Compose(name, plan, tensor.Shape{in.B, n.Outputs()}, groups, append([]*gorgonia.Node{x}, params...)...)
	return logits, plan.layers(), err
}
