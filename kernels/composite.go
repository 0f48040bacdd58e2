package kernels

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Composite is a map of several parts that a graph holds as one operation. What it gives back for its
// inputs is its own affair: a rule of learning may put other numbers in the place of the gradient.
type Composite interface {
	// Forward returns the result of the inputs.
	Forward(in []gorgonia.Value) (gorgonia.Value, error)
	// Backward follows a Forward with the same inputs. Given the gradient of the result it returns a
	// packed gradient for each group of inputs.
	Backward(in []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error)
}

// Group names inputs whose gradients are packed one behind the other.
type Group []int

// Compose applies a composite to inputs. The result has the shape out, a matrix. Inputs that are in
// no group have no gradient.
//
// Errors: ErrShape for groups that name an input twice or none at all.
func Compose(name string, c Composite, out tensor.Shape, groups []Group, in ...*gorgonia.Node) (*gorgonia.Node, error) {
	o := &compositeOp{op: newOp("%s", name), Composite: c, groups: groups, of: make([]int, len(in))}
	for i := range o.of {
		o.of[i] = -1
	}
	for g, group := range groups {
		for _, i := range group {
			if i < 0 || i >= len(in) || o.of[i] >= 0 {
				return nil, fmt.Errorf("kernels: %s: group %d names input %d of %d, want each once at most: %w", name, g, i, len(in), ErrShape)
			}
			o.of[i] = g
		}
	}
	return apply(o, out, in...)
}

// compositeOp is the operation behind Compose.
type compositeOp struct {
	op
	Composite
	groups []Group
	of     []int            // the group of each input, negative for none
	packed []gorgonia.Value // of the last Backward
}

func (o *compositeOp) DiffWRT(int) []bool {
	d := make([]bool, len(o.of))
	for i, g := range o.of {
		d[i] = g >= 0
	}
	return d
}

func (o *compositeOp) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(o.name, &err)
	return o.Forward(in)
}

// SymDiff makes one node that computes all gradients, one behind it for each group, and the fields of
// those.
func (o *compositeOp) SymDiff(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	back, err := apply(&compositeAdjoint{adjoint{newOp("adjoint of %s #%d", o.name, o.id)}, o}, o.out, append(slices.Clone(in), out, grad)...)
	if err != nil {
		return nil, err
	}
	all := make(gorgonia.Nodes, len(in))
	for g, group := range o.groups {
		n := 0
		for _, i := range group {
			n += in[i].Shape().TotalSize()
		}
		packed, err := apply(&compositePart{adjoint{newOp("gradient %d of %s #%d", g, o.name, o.id)}, o, g}, tensor.Shape{n}, back)
		if err != nil {
			return nil, err
		}
		at := 0
		for _, i := range group {
			if all[i], err = Field(packed, at, in[i].Shape()...); err != nil {
				return nil, err
			}
			at += in[i].Shape().TotalSize()
		}
	}
	return all, nil
}

// compositeAdjoint computes the gradients, and passes on that of the result. The output of the operation is an input, which
// orders it behind.
type compositeAdjoint struct {
	adjoint
	forward *compositeOp
}

func (a *compositeAdjoint) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(a.name, &err)
	f, last := a.forward, len(in)-1
	f.packed, err = f.Backward(in[:last-1], in[last])
	if err == nil && len(f.packed) != len(f.groups) {
		err = fmt.Errorf("kernels: %s: gradients of %d groups, want %d: %w", a.name, len(f.packed), len(f.groups), ErrShape)
	}
	return in[last], err
}

// compositePart is the packed gradient of one group.
type compositePart struct {
	adjoint
	forward *compositeOp
	group   int
}

func (p *compositePart) Do(...gorgonia.Value) (gorgonia.Value, error) {
	return p.forward.packed[p.group], nil
}
