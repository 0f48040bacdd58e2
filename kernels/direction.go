package kernels

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Reversed returns the rows x [T·B,N] of T steps with each sequence from its last step to its first. Steps behind the end
// of a sequence, where mask [T,B] is 0, stay behind it as they are; without a mask, nil, all sequences have T steps.
//
// Errors: those of the device.
func Reversed(dev Device, x *gorgonia.Node, steps int, mask gorgonia.Value) (*gorgonia.Node, error) {
	shape := x.Shape().Clone()
	c, err := rowsOn(dev, ReversalConfig{shape[0], shape[1], steps, mask}, x.Dtype(), newReversal[float64], newReversal[float32])
	if err != nil {
		return nil, err
	}
	return Compose("reversal", c, shape, []Group{{0}}, x)
}

// reversal is the Composite of Reversed. It is its own adjoint.
type reversal[F Float] struct {
	steps, b, n int
	mask        gorgonia.Value
	y, dx       []F
}

func newReversal[F Float](c ReversalConfig) Composite {
	size := c.N * c.H
	return &reversal[F]{c.Steps, c.N / c.Steps, c.H, c.Mask, make([]F, size), make([]F, size)}
}

// Forward implements Composite.
func (r *reversal[F]) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	return Wrap(r.y, r.steps*r.b, r.n), r.turn(r.y, in[0])
}

// Backward implements Composite.
func (r *reversal[F]) Backward(_ []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	return []gorgonia.Value{Wrap(r.dx, len(r.dx))}, r.turn(r.dx, grad)
}

func (r *reversal[F]) turn(to []F, v gorgonia.Value) error {
	from, err := Elems[F]("reversal", v, r.steps*r.b, r.n)
	if err != nil {
		return err
	}
	var mask []F
	if r.mask != nil {
		if mask, err = Elems[F]("mask of a reversal", r.mask, r.steps, r.b); err != nil {
			return err
		}
	}
	for b := range r.b {
		end := r.steps
		for mask != nil && end > 0 && mask[(end-1)*r.b+b] == 0 {
			end--
		}
		for t := range r.steps {
			at := t
			if t < end {
				at = end - 1 - t
			}
			copy(to[(t*r.b+b)*r.n:][:r.n], from[(at*r.b+b)*r.n:])
		}
	}
	return nil
}

// Beside returns the rows of a [N,H] and b [N,K] beside each other, [N,H+K].
//
// Errors: ErrShape for another number of rows; those of the device.
func Beside(dev Device, a, b *gorgonia.Node) (*gorgonia.Node, error) {
	n, h, k := a.Shape()[0], a.Shape()[1], b.Shape()[1]
	if b.Shape()[0] != n {
		return nil, fmt.Errorf("kernels: %d and %d rows beside each other: %w", n, b.Shape()[0], ErrShape)
	}
	c, err := rowsOn(dev, BesideConfig{n, [2]int{h, k}}, a.Dtype(), newBeside[float64], newBeside[float32])
	if err != nil {
		return nil, err
	}
	return Compose("beside", c, tensor.Shape{n, h + k}, []Group{{0}, {1}}, a, b)
}

// beside is the Composite of Beside.
type beside[F Float] struct {
	n        int
	width    [2]int
	y        []F
	gradient [2][]F
}

func newBeside[F Float](c BesideConfig) Composite {
	n, h, k := c.N, c.Widths[0], c.Widths[1]
	return &beside[F]{n, c.Widths, make([]F, n*(h+k)), [2][]F{make([]F, n*h), make([]F, n*k)}}
}

// Forward implements Composite.
func (j *beside[F]) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	at, all := 0, j.width[0]+j.width[1]
	for i, w := range j.width {
		x, err := Elems[F]("what stands beside", in[i], j.n, w)
		if err != nil {
			return nil, err
		}
		for row := range j.n {
			copy(j.y[row*all+at:][:w], x[row*w:])
		}
		at += w
	}
	return Wrap(j.y, j.n, all), nil
}

// Backward implements Composite.
func (j *beside[F]) Backward(_ []gorgonia.Value, grad gorgonia.Value) (out []gorgonia.Value, err error) {
	at, all := 0, j.width[0]+j.width[1]
	dy, err := Elems[F]("gradient of what stands beside", grad, j.n, all)
	if err != nil {
		return nil, err
	}
	for i, w := range j.width {
		for row := range j.n {
			copy(j.gradient[i][row*w:][:w], dy[row*all+at:])
		}
		at += w
		out = append(out, Wrap(j.gradient[i], len(j.gradient[i])))
	}
	return out, nil
}
