package models

import (
	"fmt"
	"slices"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Operand is what the scan of a cell reads, and Unroll asks for, under a name: a parameter, or
// weights that are made of one.
type Operand struct {
	Name      string // of the operand
	Of        string // the parameter
	Magnitude bool   // its absolute values
	Scale     string // a parameter that multiplies them, or none
	Along     kernels.Along
	Off       bool // all zeros
	From      Population
}

// Population is a part of the presynaptic units.
type Population int

const (
	Everyone Population = iota
	Excitatory
	Inhibitory
)

// Composer is a Cell that reads more than its parameters. Other cells have one operand for each.
type Composer interface {
	// Operands come in the order In, Rec, Vec, Edge. The fused scan reads them in that order.
	Operands() []Operand
}

// Splitter is a Cell that has another scan where Dale's law holds, which sums over E and over I
// units apart. It gives what the unrolled step gives.
type Splitter interface {
	// Split returns the header of that scan and its operands; none where it has no such scan.
	Split() (header string, list []Operand)
}

// operand is an Operand joined to a network.
type operand struct {
	kernels.Spec
	of, scale int // rows of the cell's parameter table; scale is -1 for none
	weights   kernels.WeightsConfig
}

// made reports whether the operand differs from its parameter.
func (o operand) made() bool {
	w := o.weights
	return w.Rectifier != kernels.AsIs || w.Factor != nil || w.Scale != kernels.Unscaled
}

// compose fills in the operands of the step and of the scan. Constraints are by parameter.
func (n *Network) compose(constraints map[string]kernels.WeightsConfig) (err error) {
	var list []Operand
	if c, ok := n.cell.(Composer); ok {
		list = c.Operands()
	} else {
		for _, s := range n.params {
			list = append(list, Operand{Name: s.Name, Of: s.Name})
		}
	}
	if n.step, err = n.make(list, constraints); err != nil {
		return err
	}
	n.operands = n.step
	if c, ok := n.cell.(Splitter); ok && n.wiring.Dale {
		if header, split := c.Split(); header != "" {
			n.scan.Header = header
			n.operands, err = n.make(split, constraints)
		}
	}
	return err
}

// make joins operands to the parameter table and to the constraints.
func (n *Network) make(list []Operand, constraints map[string]kernels.WeightsConfig) ([]operand, error) {
	row := func(name string) int {
		return slices.IndexFunc(n.params, func(s kernels.Spec) bool { return s.Name == name })
	}
	var all []operand
	for _, l := range list {
		o := operand{of: row(l.Of), scale: row(l.Scale), weights: constraints[l.Of]}
		if o.of < 0 || o.scale < 0 && l.Scale != "" {
			return nil, fmt.Errorf("models: operand %q is made of %q and %q, which the parameter table lacks", l.Name, l.Of, l.Scale)
		}
		o.Spec = n.params[o.of]
		o.Name = l.Name
		if l.Magnitude {
			o.weights = magnitude(o.weights)
		}
		if l.Off {
			o.weights.Factor = make([]float64, o.Len())
		}
		if l.From != Everyone && !n.wiring.Dale {
			return nil, fmt.Errorf("models: %s: %q tells E from I units, which takes dale: %w", n.name, l.Name, ErrWiring)
		}
		if l.From != Everyone {
			o.Support = n.population(l.From)
			o.weights.Factor = columns(o.weights.Factor, o.Shape, o.Support)
		}
		if o.scale >= 0 {
			o.weights.Scale = l.Along
			o.Learned = o.Learned || n.params[o.scale].Learned
		}
		if o.made() {
			o.weights.R, o.weights.C = o.Shape[0], o.Shape[1]
		}
		all = append(all, o)
	}
	return all, nil
}

// population returns the units [lo,hi) of a population.
func (n *Network) population(p Population) [2]int {
	if p == Excitatory {
		return [2]int{0, n.Excitatory()}
	}
	return [2]int{n.Excitatory(), n.dims.H}
}

// columns returns a factor, nil for ones, with zeros outside of columns [lo,hi).
func columns(factor []float64, shape []int, support [2]int) []float64 {
	out := make([]float64, shape[0]*shape[1])
	for k := range out {
		if j := k % shape[1]; j < support[0] || j >= support[1] {
			continue
		}
		if out[k] = 1; factor != nil {
			out[k] = factor[k]
		}
	}
	return out
}

// magnitude returns how the absolute value of weights is made.
func magnitude(w kernels.WeightsConfig) kernels.WeightsConfig {
	if w.Rectifier == kernels.AsIs {
		w.Rectifier = kernels.Absolute
	}
	w.Factor = slices.Clone(w.Factor)
	for i, f := range w.Factor {
		w.Factor[i] = max(f, -f)
	}
	return w
}

// Operands returns the table that the fused scan reads.
func (n *Network) Operands() []kernels.Spec {
	var specs []kernels.Spec
	for _, o := range n.operands {
		s := o.Spec
		if s.Shared { // the scan knows vectors only
			s.Shape, s.Shared = []int{n.dims.H, 1}, false
		}
		specs = append(specs, s)
	}
	return specs
}

// fusedOperands makes the operands on a device.
func (n *Network) fusedOperands(dev kernels.Device, params []*gorgonia.Node) ([]*gorgonia.Node, error) {
	nodes := make([]*gorgonia.Node, len(n.operands))
	for i, o := range n.operands {
		var err error
		switch nodes[i] = params[o.of]; {
		case o.made():
			nodes[i], err = kernels.Weights(dev, params[o.of], o.scaleOf(params), o.weights)
		case o.Shared:
			nodes[i], err = kernels.Repeat(dev, params[o.of], n.dims.H)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Name, err)
		}
	}
	return nodes, nil
}

// OperandValues returns what the fused scan would read, given the parameters of the cell, in the
// order of Operands.
//
// Errors: parameters that do not have the shapes of the table.
func (n *Network) OperandValues(params []*tensor.Dense) ([]*tensor.Dense, error) {
	if len(params) != len(n.params) {
		return nil, fmt.Errorf("models: %s: %d parameters, want %d: %w", n.name, len(params), len(n.params), kernels.ErrShape)
	}
	g := gorgonia.NewGraph()
	k := NewOps(g, params[0].Dtype(), 1, n.dims.H, n.name)
	nodes := make([]*gorgonia.Node, len(params))
	for i, p := range params {
		if !p.Shape().Eq(tensor.Shape(n.params[i].Shape)) {
			return nil, fmt.Errorf("models: %s: %s is %v, want %v: %w", n.name, n.params[i].Name, p.Shape(), n.params[i].Shape, kernels.ErrShape)
		}
		nodes[i] = k.Input(n.params[i].Name, p.Data(), p.Shape()...)
	}
	nodes = graphOperands(k, n.operands, nodes)
	if k.Err() != nil {
		return nil, k.Err()
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		return nil, fmt.Errorf("models: %s: %w", n.name, err)
	}
	specs := n.Operands()
	values := make([]*tensor.Dense, len(nodes))
	for i, node := range nodes {
		v := node.Value().(*tensor.Dense).Clone().(*tensor.Dense)
		if n.operands[i].Shared {
			r, err := v.Repeat(0, n.dims.H)
			if err != nil {
				return nil, fmt.Errorf("models: %s: %s: %w", n.name, n.operands[i].Name, err)
			}
			v = r.(*tensor.Dense)
		}
		if err := v.Reshape(specs[i].Shape...); err != nil {
			return nil, fmt.Errorf("models: %s: %w", n.name, err)
		}
		values[i] = v
	}
	return values, nil
}

// scaleOf returns the parameter that scales the operand, nil for none.
func (o operand) scaleOf(params []*gorgonia.Node) *gorgonia.Node {
	if o.scale < 0 {
		return nil
	}
	return params[o.scale]
}

// graphOperands makes operands of Gorgonia's own operations.
func graphOperands(k *Ops, list []operand, params []*gorgonia.Node) []*gorgonia.Node {
	nodes := make([]*gorgonia.Node, len(list))
	for i, o := range list {
		if nodes[i] = params[o.of]; o.made() {
			nodes[i] = k.Weights(params[o.of], o.scaleOf(params), o.weights)
		}
	}
	return nodes
}

// Weights is kernels.Weights written out.
func (k *Ops) Weights(w, a *gorgonia.Node, cfg kernels.WeightsConfig) *gorgonia.Node {
	switch cfg.Rectifier {
	case kernels.Absolute:
		w = k.unary(gorgonia.Abs, w)
	case kernels.Positive:
		zeros := k.Matrix(k.fresh("zeros"), cfg.R, cfg.C, make([]float64, cfg.R*cfg.C))
		w = k.Mul(w, k.greater(w, zeros))
	}
	if cfg.Factor != nil {
		w = k.Mul(w, k.Matrix(k.fresh("signs"), cfg.R, cfg.C, cfg.Factor))
	}
	switch cfg.Scale {
	case kernels.Whole:
		w = k.Mul(w, k.MatMul(k.Row(k.Field(a, 0, 1, 1), cfg.R), k.Ones(1, cfg.C)))
	case kernels.Columns:
		w = k.Mul(w, k.Row(k.Field(a, 0, 1, cfg.C), cfg.R))
	case kernels.Rows:
		w = k.Mul(w, k.MatMul(k.Field(a, 0, cfg.R, 1), k.Ones(1, cfg.C)))
	}
	return w
}
