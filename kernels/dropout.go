package kernels

import (
	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Dropout returns x [T·B,H] of T steps in which each element is 0 with probability p, and 1/(1−p) times itself
// otherwise. Which ones are 0 is keyed by draw, layer, sequence, step and unit, as Noise is, so that every device and
// number of shards drops the same ones, and each run others.
//
// Errors: those of the device.
// Source: Srivastava et al. (2014), Journal of Machine Learning Research 15:1929.
func Dropout(dev Device, x *gorgonia.Node, p float64, layer uint64, steps int, draw func() NoiseDraw) (*gorgonia.Node, error) {
	cfg := DropoutConfig{N: x.Shape()[0], H: x.Shape()[1], Steps: steps, P: p, Layer: layer, Draw: draw}
	if c, err := away(dev, cfg); err != nil || c != nil {
		if err != nil {
			return nil, err
		}
		return Compose("dropout", c, x.Shape(), []Group{{0}}, x)
	}
	base := dropout{op: newOp("dropout %g of %v", p, x.Shape()), shape: x.Shape().Clone(), cfg: cfg}
	n := x.Shape().TotalSize()
	if x.Dtype() == tensor.Float64 {
		return gorgonia.ApplyOp(&dropoutOp[float64]{dropout: base, buf: make([]float64, n), factors: make([]float64, n)}, x)
	}
	return gorgonia.ApplyOp(&dropoutOp[float32]{dropout: base, buf: make([]float32, n), factors: make([]float32, n)}, x)
}

// dropout is what dropoutOp is for every type of numbers.
type dropout struct {
	op
	shape tensor.Shape
	cfg   DropoutConfig
}

// dropoutOp is the operation behind Dropout.
type dropoutOp[F Float] struct {
	dropout
	buf, factors []F
}

func (o *dropoutOp[F]) Arity() int         { return 1 }
func (o *dropoutOp[F]) Type() hm.Type      { return fnType(2, 2) }
func (o *dropoutOp[F]) DiffWRT(int) []bool { return []bool{true} }

func (o *dropoutOp[F]) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return o.shape.Clone(), nil
}

func (o *dropoutOp[F]) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(o.name, &err)
	x, err := Elems[F](o.name, in[0], o.shape...)
	if err != nil {
		return nil, err
	}
	c := &o.cfg
	d, units := c.Draw(), c.H
	key, width := c.Key(d), c.N/c.Steps
	most, keep := float32(c.P), F(1/(1-c.P))
	for row := range c.N {
		s := key.Stream(d.First + uint64(row%width)).Stream(uint64(row / width))
		for i := range units {
			f := keep
			if s.Uniform32(uint64(i)) < most {
				f = 0
			}
			at := row*units + i
			o.factors[at], o.buf[at] = f, f*x[at]
		}
	}
	return Wrap(o.buf, o.shape...), nil
}

func (o *dropoutOp[F]) SymDiff(_ gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := gorgonia.ApplyOp(&dropoutAdjoint[F]{adjoint: adjoint{newOp("gradient of %s #%d", o.name, o.id)}, of: o, buf: make([]F, len(o.buf))}, out, grad)
	return gorgonia.Nodes{dx}, err
}

// dropoutAdjoint lets the gradient of the elements that were kept through. The output of the operation is an input,
// which orders it behind.
type dropoutAdjoint[F Float] struct {
	adjoint
	of  *dropoutOp[F]
	buf []F
}

func (a *dropoutAdjoint[F]) Arity() int    { return 2 }
func (a *dropoutAdjoint[F]) Type() hm.Type { return fnType(2, 2, 2) }

func (a *dropoutAdjoint[F]) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return a.of.shape.Clone(), nil
}

func (a *dropoutAdjoint[F]) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(a.name, &err)
	grad, err := Elems[F](a.name, in[1], a.of.shape...)
	if err != nil {
		return nil, err
	}
	for i, f := range a.of.factors {
		a.buf[i] = f * grad[i]
	}
	return Wrap(a.buf, a.of.shape...), nil
}
