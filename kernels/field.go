package kernels

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Field returns the elements x[offset], x[offset+1], … of a packed tensor as a tensor of the
// given shape. Its gradient is the incoming one at the same place among zeros.
//
// It takes the place of gorgonia.Slice, which tells slices apart by the low byte of their
// bounds only. The elements are copied, because operations downstream may reuse the storage;
// WriteField says to where.
func Field(x *gorgonia.Node, offset int, shape ...int) (*gorgonia.Node, error) {
	return field(x, false, offset, shape)
}

// field is Field; shared leaves the elements where they are, for such as nothing else reads.
func field(x *gorgonia.Node, shared bool, offset int, shape tensor.Shape) (*gorgonia.Node, error) {
	n, have := shape.TotalSize(), x.Shape().TotalSize()
	if len(shape) == 0 || slices.Min(shape) < 1 || offset < 0 || n > have-offset {
		return nil, fmt.Errorf("kernels: field: elements [%d,%d) as %v are not in %v: %w",
			offset, offset+n, shape, x.Shape(), ErrShape)
	}
	switch x.Dtype() {
	case tensor.Float32:
		return apply(newField[float32](x.Shape(), shared, offset, shape), shape, x)
	case tensor.Float64:
		return apply(newField[float64](x.Shape(), shared, offset, shape), shape, x)
	}
	return nil, fmt.Errorf("kernels: field: %v is neither float32 nor float64", x.Dtype())
}

// WriteField makes the Field behind n copy its elements to dst, row by row, and reports whether it does:
// n must be a Field of as many elements of that type, which no other node reads. It is for graphs that are
// not compiled yet. Nothing is written to dst where the elements are on a device.
func WriteField[F Float](n *gorgonia.Node, dst []F) bool {
	f, ok := n.Op().(*fieldOp[F])
	if !ok || len(dst) != len(f.buf) || n.Graph().To(n.ID()).Len() > 0 {
		return false
	}
	f.buf = dst
	return true
}

// viewer is an array on a device. Only our operations write there, so a part of it need not be
// copied.
type viewer interface {
	View(offset int, shape ...int) gorgonia.Value
}

// fieldOp is the operation behind Field.
type fieldOp[F Float] struct {
	op
	from   tensor.Shape
	offset int
	buf    []F // nil where they are not copied
}

func newField[F Float](from tensor.Shape, shared bool, offset int, shape tensor.Shape) *fieldOp[F] {
	f := &fieldOp[F]{op: newOp("field %v of %v at %d", shape, from, offset), from: from, offset: offset}
	if !shared {
		f.buf = make([]F, shape.TotalSize())
	}
	return f
}

func (f *fieldOp[F]) DiffWRT(int) []bool { return []bool{true} }

func (f *fieldOp[F]) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(f.name, &err)
	if v, ok := in[0].(viewer); ok {
		return v.View(f.offset, f.out...), nil
	}
	x, err := Elems[F](f.name, in[0], f.from...)
	if err != nil {
		return nil, err
	}
	if f.buf == nil {
		return Wrap(x[f.offset:f.offset+f.out.TotalSize()], f.out...), nil
	}
	copy(f.buf, x[f.offset:])
	return Wrap(f.buf, f.out...), nil
}

func (f *fieldOp[F]) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := apply(&scatterOp[F]{
		adjoint: adjoint{newOp("scatter %v into %v at %d", f.out, f.from, f.offset)},
		field:   f, buf: make([]F, f.from.TotalSize())}, f.from, grad)
	return gorgonia.Nodes{dx}, err
}

// scatterOp is the adjoint of fieldOp.
type scatterOp[F Float] struct {
	adjoint
	field *fieldOp[F]
	buf   []F
}

func (s *scatterOp[F]) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(s.name, &err)
	if v, ok := in[0].(viewer); ok && s.field.out.TotalSize() == s.field.from.TotalSize() {
		return v.View(0, s.field.from...), nil
	}
	g, err := Elems[F](s.name, in[0], s.field.out...)
	if err != nil {
		return nil, err
	}
	clear(s.buf) // an operation downstream may have written into it
	copy(s.buf[s.field.offset:], g)
	return Wrap(s.buf, s.field.from...), nil
}

// Pack lays tensors of one shape [R, …] behind each other: [len(xs)·R, …]. The gradient of
// each is its Field of the packed gradient (that of gorgonia.Concat uses Slice).
func Pack(xs ...*gorgonia.Node) (*gorgonia.Node, error) {
	if len(xs) == 0 || xs[0].Dims() == 0 {
		return nil, fmt.Errorf("kernels: pack: want one or more tensors: %w", ErrShape)
	}
	for i, x := range xs {
		if !x.Shape().Eq(xs[0].Shape()) {
			return nil, fmt.Errorf("kernels: pack: tensor %d is %v, want %v: %w",
				i, x.Shape(), xs[0].Shape(), ErrShape)
		}
	}
	part, n := xs[0].Shape(), len(xs)
	all := part.Clone()
	all[0] *= n
	switch xs[0].Dtype() {
	case tensor.Float32:
		return apply(newPack[float32](n, part), all, xs...)
	case tensor.Float64:
		return apply(newPack[float64](n, part), all, xs...)
	}
	return nil, fmt.Errorf("kernels: pack: %v is neither float32 nor float64", xs[0].Dtype())
}

// packOp is the operation behind Pack.
type packOp[F Float] struct {
	op
	part tensor.Shape // of each input
	buf  []F
}

func newPack[F Float](n int, part tensor.Shape) *packOp[F] {
	return &packOp[F]{op: newOp("pack %d of %v", n, part), part: part, buf: make([]F, n*part.TotalSize())}
}

func (p *packOp[F]) DiffWRT(inputs int) []bool {
	d := make([]bool, inputs)
	for i := range d {
		d[i] = true
	}
	return d
}

func (p *packOp[F]) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(p.name, &err)
	for i, x := range in {
		part, err := Elems[F](p.name, x, p.part...)
		if err != nil {
			return nil, err
		}
		copy(p.buf[i*len(part):], part)
	}
	return Wrap(p.buf, p.out...), nil
}

func (p *packOp[F]) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	parts := make(gorgonia.Nodes, len(in))
	for i := range in {
		var err error
		if parts[i], err = Field(grad, i*p.part.TotalSize(), p.part...); err != nil {
			return nil, err
		}
	}
	return parts, nil
}
