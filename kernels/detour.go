package kernels

import (
	"fmt"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Hold returns a copy of x through which nothing is differentiated.
func Hold(x *gorgonia.Node) (*gorgonia.Node, error) {
	switch x.Dtype() {
	case tensor.Float32:
		return gorgonia.ApplyOp(newHold[float32](x.Shape()), x)
	case tensor.Float64:
		return gorgonia.ApplyOp(newHold[float64](x.Shape()), x)
	}
	return nil, fmt.Errorf("kernels: hold: %v is neither float32 nor float64", x.Dtype())
}

// holdOp is the operation behind Hold.
type holdOp[F Float] struct {
	adjoint
	shape tensor.Shape
	buf   []F
}

func newHold[F Float](shape tensor.Shape) *holdOp[F] {
	return &holdOp[F]{adjoint{newOp("hold %v", shape)}, shape.Clone(), make([]F, shape.TotalSize())}
}

func (h *holdOp[F]) Arity() int    { return 1 }
func (h *holdOp[F]) Type() hm.Type { return fnType(h.shape.Dims(), h.shape.Dims()) }

func (h *holdOp[F]) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return h.shape.Clone(), nil
}

func (h *holdOp[F]) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(h.name, &err)
	if v, ok := in[0].(viewer); ok {
		return v.View(0, h.shape...), nil
	}
	x, err := Elems[F](h.name, in[0], h.shape...)
	if err != nil {
		return nil, err
	}
	copy(h.buf, x) // operations downstream may write into it
	return Wrap(h.buf, h.shape...), nil
}

// detourOp returns its first input and gives the gradient to both.
type detourOp struct {
	op
	shape tensor.Shape
}

func (d *detourOp) Arity() int         { return 2 }
func (d *detourOp) Type() hm.Type      { return fnType(2, 2, 2) }
func (d *detourOp) DiffWRT(int) []bool { return []bool{true, true} }

func (d *detourOp) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return d.shape.Clone(), nil
}

func (d *detourOp) Do(in ...gorgonia.Value) (gorgonia.Value, error) {
	return gorgonia.CloneValue(in[0])
}

func (d *detourOp) SymDiff(_ gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	return gorgonia.Nodes{grad, grad}, nil
}
