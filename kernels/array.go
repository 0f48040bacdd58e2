package kernels

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Float is an element type that scans and losses compute in.
type Float interface{ float32 | float64 }

// Elems returns the elements, in order, of a dense tensor of the wanted shape.
func Elems[F Float](name string, v gorgonia.Value, want ...int) ([]F, error) {
	d, ok := v.(*tensor.Dense)
	if !ok {
		return nil, fmt.Errorf("kernels: %s is a %T, want a dense tensor", name, v)
	}
	if !d.Shape().Eq(tensor.Shape(want)) {
		return nil, fmt.Errorf("kernels: %s is %v, want %v: %w", name, d.Shape(), want, ErrShape)
	}
	if d.RequiresIterator() {
		return nil, fmt.Errorf("kernels: %s is a view with gaps; clone it first: %w", name, ErrShape)
	}
	e, ok := d.Data().([]F)
	if !ok {
		return nil, fmt.Errorf("kernels: %s holds %v, want []%T", name, d.Dtype(), *new(F))
	}
	return e, nil
}

// Wrap returns a new tensor header over buf. Gorgonia keeps and changes the headers that it
// is given, so each run hands out another.
func Wrap[F Float](buf []F, shape ...int) *tensor.Dense {
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(buf))
}

// Wide returns a copy in float64.
func Wide[F Float](x []F) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// Download waits for the work behind a value and returns a copy of its elements, which are float32.
//
// Errors: a failure of work that the device had queued.
func Download(v gorgonia.Value) ([]float32, error) {
	if a, ok := v.(interface{ Floats() ([]float32, error) }); ok {
		return a.Floats()
	}
	x, ok := v.Data().([]float32)
	if !ok {
		return nil, fmt.Errorf("kernels: a %T holds %v, want float32", v, v.Dtype())
	}
	return append([]float32(nil), x...), nil
}
