package kernels

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Hold returns a copy of x through which nothing is differentiated.
func Hold(x *gorgonia.Node) (*gorgonia.Node, error) {
	switch x.Dtype() {
	case tensor.Float32:
		return apply(newHold[float32](x.Shape()), x.Shape(), x)
	case tensor.Float64:
		return apply(newHold[float64](x.Shape()), x.Shape(), x)
	}
	return nil, fmt.Errorf("kernels: hold: %v is neither float32 nor float64", x.Dtype())
}

// holdOp is the operation behind Hold.
type holdOp[F Float] struct {
	adjoint
	buf []F
}

func newHold[F Float](shape tensor.Shape) *holdOp[F] {
	return &holdOp[F]{adjoint{newOp("hold %v", shape)}, make([]F, shape.TotalSize())}
}

func (h *holdOp[F]) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(h.name, &err)
	if v, ok := in[0].(viewer); ok {
		return v.View(0, h.out...), nil
	}
	x, err := Elems[F](h.name, in[0], h.out...)
	if err != nil {
		return nil, err
	}
	copy(h.buf, x) // operations downstream may write into it
	return Wrap(h.buf, h.out...), nil
}

// detourOp returns its first input and gives the gradient to both.
type detourOp struct{ op }

func (d *detourOp) DiffWRT(int) []bool { return []bool{true, true} }

func (d *detourOp) Do(in ...gorgonia.Value) (gorgonia.Value, error) {
	return gorgonia.CloneValue(in[0])
}

func (d *detourOp) SymDiff(_ gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	return gorgonia.Nodes{grad, grad}, nil
}
