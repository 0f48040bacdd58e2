package kernels

import "gorgonia.org/gorgonia"

// Twice returns x [N,H] for two operations that the result depends on, so that on a device with memory of its own their gradients
// are added there: Gorgonia adds in host memory alone, where x stands for both.
//
// Errors: those of the device.
func Twice(dev Device, x *gorgonia.Node) (a, b *gorgonia.Node, err error) {
	shape := x.Shape().Clone()
	if _, ok := dev.(Resident); !ok {
		return x, x, nil
	}
	sum, err := away(dev, SumConfig{shape[0], shape[1]})
	if err != nil {
		return nil, nil, err
	}
	both := &branches{sum: sum}
	if a, err = apply(&branchOp{op: newOp("first of two of %v", shape), branches: both}, shape, x); err != nil {
		return nil, nil, err
	}
	b, err = apply(&branchOp{op: newOp("second of two of %v", shape), branches: both}, shape, x)
	return a, b, err
}

// branches are the two operations of Twice.
type branches struct {
	sum   Composite
	first *gorgonia.Node // the gradient of the branch that was differentiated first
}

// branchOp gives its input on. The branch that is differentiated first keeps its gradient for the other, which adds them.
type branchOp struct {
	op
	*branches
	silent bool // it was the first
}

// DiffWRT is asked before SymDiff, for what depends on what, and behind it, for whose gradient there is.
func (o *branchOp) DiffWRT(int) []bool { return []bool{!o.silent} }

func (o *branchOp) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(o.name, &err)
	return in[0].(viewer).View(0, o.out...), nil
}

func (o *branchOp) SymDiff(_ gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	if o.first == nil {
		o.first, o.silent = grad, true
		return gorgonia.Nodes{nil}, nil
	}
	sum, err := Compose("sum of two gradients", o.sum, o.out, []Group{{0}, {1}}, o.first, grad)
	return gorgonia.Nodes{sum}, err
}
