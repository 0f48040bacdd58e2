package models

import (
	"fmt"
	"math"
	"slices"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Operand is what Unroll asks for under a name, and the scan of a cell reads: a parameter, or
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
	// Operands come in the order In, Rec, Vec, Edge, those of one parameter behind each other.
	// The fused scan reads them in that order.
	Operands() []Operand
}

// Splitter is a Cell that has another scan where Dale's law holds, which sums over E and over I
// units apart. It gives what the unrolled step gives.
type Splitter interface {
	// Split returns the header of that scan and its operands; none where it has no such scan.
	Split() (header string, list []Operand)
}

// operand is all that is read of one parameter, as one tensor with a block for each name.
type operand struct {
	spec      kernels.Spec // of a block
	names     []string
	supports  [][2]int // of the blocks; none where all columns count
	of, scale int      // rows of the cell's parameter table; scale is -1 for none
	weights   kernels.WeightsConfig
}

// made reports whether the operand differs from its parameter.
func (o operand) made() bool {
	r := o.weights.Readings[0]
	return len(o.names) > 1 || r.Rectifier != kernels.AsIs || r.Factor != nil || r.Scaled
}

// stacked returns the row of the table that the scan reads.
func (o operand) stacked(h int) kernels.Spec {
	s := o.spec
	s.Name, s.Supports = o.names[0], o.supports
	switch {
	case s.Shared: // the scan knows vectors only
		s.Shape, s.Shared = []int{len(o.names) * h, 1}, false
	case len(o.names) > 1 && len(s.Shape) == 1:
		s.Shape = []int{len(o.names), s.Shape[0]}
	default:
		s.Shape = slices.Clone(s.Shape)
		s.Shape[0] *= len(o.names)
	}
	return s
}

// compose fills in the operands of the step and of the scan.
func (l *layer) compose() (err error) {
	var list []Operand
	if c, ok := l.cell.(Composer); ok {
		list = c.Operands()
	} else {
		for _, s := range l.params {
			list = append(list, Operand{Name: s.Name, Of: s.Name})
		}
	}
	if l.step, err = l.make(list, false); err != nil {
		return err
	}
	if c, ok := l.cell.(Splitter); ok && l.net.wiring.Dale {
		if header, split := c.Split(); header != "" {
			l.scan.Header, list = header, split
		}
	}
	l.operands, err = l.make(list, true)
	return err
}

// make joins operands to the parameter table and to the constraints; with join those of one
// parameter become one.
func (l *layer) make(list []Operand, join bool) ([]operand, error) {
	var all []operand
	for _, o := range list {
		of, scale := l.row(o.Of), l.row(o.Scale)
		if of < 0 || scale < 0 && o.Scale != "" {
			return nil, fmt.Errorf("models: operand %q is made of %q and %q, which the parameter table lacks", o.Name, o.Of, o.Scale)
		}
		if o.From != Everyone && !l.net.wiring.Dale {
			return nil, fmt.Errorf("models: %s: its settings tell E from I units, of which there are none without dale: %w", l.net.name, ErrWiring)
		}
		if len(all) == 0 || !join || all[len(all)-1].of != of {
			all = append(all, operand{spec: l.params[of], of: of, scale: -1, weights: matrix(l.params[of])})
		}
		all[len(all)-1].add(l, o, scale, l.constraints[o.Of])
	}
	return all, nil
}

// matrix returns the sizes of the matrix, or of the one row, that a parameter is, and the side of 0 on
// which its bounds let each column lie.
func matrix(s kernels.Spec) kernels.WeightsConfig {
	w := kernels.WeightsConfig{R: 1, C: s.Shape[len(s.Shape)-1]}
	if len(s.Shape) > 1 {
		w.R = s.Shape[0]
	}
	w.Side = full(w.C, 1)
	for j := range w.Side {
		b := s.Bound
		if s.Columns != nil {
			b = s.Columns[j]
		}
		if b.Lo < 0 && b.Hi <= 0 {
			w.Side[j] = -1
		}
	}
	if !slices.Contains(w.Side, -1) {
		w.Side = nil
	}
	return w
}

// add makes another block of the operand. One parameter at most scales an operand.
func (o *operand) add(l *layer, as Operand, scale int, r kernels.Reading) {
	if as.Magnitude {
		r = magnitude(r)
	}
	if as.Off {
		r.Factor = make([]float64, o.spec.Len())
	}
	if o.names = append(o.names, as.Name); as.From != Everyone {
		support := l.net.population(as.From)
		o.supports = append(o.supports, support)
		r.Factor = columns(r.Factor, o.weights, support)
	}
	if scale >= 0 {
		r.Scaled = true
		o.scale, o.weights.Scale = scale, as.Along
		o.spec.Learned = o.spec.Learned || l.params[scale].Learned
	}
	o.weights.Readings = append(o.weights.Readings, r)
}

// population returns the units [lo,hi) of a population.
func (n *Network) population(p Population) [2]int {
	if p == Excitatory {
		return [2]int{0, n.Excitatory()}
	}
	return [2]int{n.Excitatory(), n.dims.H}
}

// columns returns a factor, nil for ones, with zeros outside of columns [lo,hi).
func columns(factor []float64, w kernels.WeightsConfig, support [2]int) []float64 {
	out := make([]float64, w.R*w.C)
	for k := range out {
		if j := k % w.C; j < support[0] || j >= support[1] {
			continue
		}
		if out[k] = 1; factor != nil {
			out[k] = factor[k]
		}
	}
	return out
}

// magnitude returns how the absolute value of weights is made.
func magnitude(r kernels.Reading) kernels.Reading {
	if r.Rectifier == kernels.AsIs {
		r.Rectifier = kernels.Absolute
	}
	r.Factor = slices.Clone(r.Factor)
	for i, f := range r.Factor {
		r.Factor[i] = max(f, -f)
	}
	return r
}

// Operands returns the table that the fused scan of the first layer reads.
func (n *Network) Operands() []kernels.Spec { return n.layers[0].table() }

// table returns the table that the fused scan of the layer reads.
func (l *layer) table() []kernels.Spec {
	var specs []kernels.Spec
	for _, o := range l.operands {
		specs = append(specs, o.stacked(l.dims.H))
	}
	return specs
}

// fusedOperands makes the operands on a device. Each parameter has one reader: gradients of
// several would be summed by Gorgonia, in host memory.
func (l *layer) fusedOperands(dev kernels.Device, params []*gorgonia.Node) ([]*gorgonia.Node, error) {
	nodes := make([]*gorgonia.Node, len(l.operands))
	for i, o := range l.operands {
		var err error
		switch nodes[i] = params[o.of]; {
		case o.spec.Shared:
			nodes[i], err = kernels.Repeat(dev, params[o.of], len(o.names)*l.dims.H)
		case o.made():
			nodes[i], err = kernels.Weights(dev, params[o.of], o.scaleOf(params), o.weights)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.names[0], err)
		}
	}
	return nodes, nil
}

// scaleOf returns the parameter that scales the operand, nil for none.
func (o operand) scaleOf(params []*gorgonia.Node) *gorgonia.Node {
	if o.scale < 0 {
		return nil
	}
	return params[o.scale]
}

// graphOperands makes operands of Gorgonia's own operations, one for each name.
func graphOperands(k *Ops, list []operand, params []*gorgonia.Node) (specs []kernels.Spec, nodes []*gorgonia.Node) {
	for _, o := range list {
		for q, name := range o.names {
			s, node := o.spec, params[o.of]
			if s.Name = name; o.made() && !s.Shared {
				node = k.Weights(node, o.scaleOf(params), o.weights, q)
			}
			specs, nodes = append(specs, s), append(nodes, node)
		}
	}
	return specs, nodes
}

// Weights is reading q of kernels.Weights written out, for matrices; a vector is left as it is.
func (k *Ops) Weights(w, a *gorgonia.Node, cfg kernels.WeightsConfig, q int) *gorgonia.Node {
	r := cfg.Readings[q]
	switch r.Rectifier {
	case kernels.Absolute: // w times 2 [w on the upper side] − 1
		upper, ones := k.upper(w, cfg), full(cfg.R*cfg.C, 1)
		w = k.Mul(w, k.Sub(k.Add(upper, upper), k.Matrix(k.fresh("ones"), cfg.R, cfg.C, ones)))
	case kernels.Positive:
		w = k.Mul(w, k.upper(w, cfg))
	case kernels.Sign:
		zeros := k.Matrix(k.fresh("zeros"), cfg.R, cfg.C, full(cfg.R*cfg.C, 0))
		w = k.Sub(k.greater(w, zeros), k.greater(zeros, w))
	}
	if r.Factor != nil {
		w = k.Mul(w, k.Matrix(k.fresh("signs"), cfg.R, cfg.C, r.Factor))
	}
	if !r.Scaled {
		return w
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

// upper returns 1 where w > 0, or w = 0 in a column that may hold w > 0, and 0 elsewhere.
func (k *Ops) upper(w *gorgonia.Node, cfg kernels.WeightsConfig) *gorgonia.Node {
	below := -math.SmallestNonzeroFloat64
	if k.dtype == tensor.Float32 {
		below = -math.SmallestNonzeroFloat32
	}
	least := full(cfg.R*cfg.C, below) // the number next to 0: w > below is w ≥ 0
	for i := range least {
		if cfg.Side != nil && cfg.Side[i%cfg.C] < 0 {
			least[i] = 0
		}
	}
	return k.greater(w, k.Matrix(k.fresh("least"), cfg.R, cfg.C, least))
}

// OperandValues returns what the fused scan of the first layer would read, given its parameters and any behind
// them in Specs, in the order of Operands.
//
// Errors: parameters that do not have the shapes of the table.
func (n *Network) OperandValues(params []*tensor.Dense) ([]*tensor.Dense, error) {
	l := n.layers[0]
	if len(params) < len(l.params) {
		return nil, fmt.Errorf("models: %s: %d parameters, want at least %d: %w", n.name, len(params), len(l.params), kernels.ErrShape)
	}
	params = params[:len(l.params)]
	g := gorgonia.NewGraph()
	k := NewOps(g, params[0].Dtype(), 1, n.dims.H, n.name)
	nodes := make([]*gorgonia.Node, len(params))
	for i, p := range params {
		if !p.Shape().Eq(tensor.Shape(l.params[i].Shape)) {
			return nil, fmt.Errorf("models: %s: %s is %v, want %v: %w", n.name, l.params[i].Name, p.Shape(), l.params[i].Shape, kernels.ErrShape)
		}
		nodes[i] = k.Input(l.params[i].Name, p.Data(), p.Shape()...)
	}
	_, nodes = graphOperands(k, l.operands, nodes)
	if k.Err() != nil {
		return nil, k.Err()
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		return nil, fmt.Errorf("models: %s: %w", n.name, err)
	}
	var values []*tensor.Dense
	for _, o := range l.operands {
		values = append(values, stack(nodes[:len(o.names)], o.stacked(n.dims.H)))
		nodes = nodes[len(o.names):]
	}
	return values, nil
}

// stack lays the values of nodes behind each other, each repeated to fill its share of the shape.
func stack(nodes []*gorgonia.Node, as kernels.Spec) *tensor.Dense {
	out := tensor.New(tensor.WithShape(as.Shape...), tensor.Of(nodes[0].Dtype()))
	share := as.Len() / len(nodes)
	for i := range as.Len() {
		switch e := nodes[i/share].Value().Data().(type) {
		case []float32:
			out.Set(i, e[i%share%len(e)])
		case []float64:
			out.Set(i, e[i%share%len(e)])
		}
	}
	return out
}
