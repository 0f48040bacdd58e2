package kernels

import (
	"fmt"

	"galvani/kernels/cells"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Check holds a scan to the header of its cell: sizes, parameters, state planes and graph. A device
// calls it before it makes a plan.
//
// Errors: wraps ErrShape.
func (c ScanConfig) Check() error {
	if c.Cell.Neuron != nil {
		return c.checkNeuron()
	}
	shape, ok := cells.ShapeOf(c.Cell.Header)
	switch {
	case c.Cell.Header == "":
		return fmt.Errorf("kernels: scan: the cell has no header, so it runs on the unrolled graph alone; give no device: %w", ErrShape)
	case !ok:
		return fmt.Errorf("kernels: scan: no kernel kernels/cells/%s.h in this binary: %w", c.Cell.Header, ErrShape)
	}
	if c.T < 1 || c.B < 1 || c.I < 1 || c.H < 1 {
		return fmt.Errorf("kernels: scan: T=%d B=%d I=%d H=%d, want all at least 1: %w", c.T, c.B, c.I, c.H, ErrShape)
	}
	if c.Dtype != tensor.Float32 && c.Dtype != tensor.Float64 {
		return fmt.Errorf("kernels: scan: type %v, want float32 or float64: %w", c.Dtype, ErrShape)
	}
	var have [Roles]int // elements
	for _, p := range c.Params {
		if p.Role <= Readout || p.Role >= Named {
			return fmt.Errorf("kernels: scan: %s: parameter %s has role %d, which has no place in a scan: %w", c.Cell.Header, p.Name, p.Role, ErrShape)
		}
		have[p.Role] += p.Len()
		if p.Role == Rec && p.Supports != nil && len(p.Supports) != p.Planes(c.H) {
			return fmt.Errorf("kernels: scan: %s: %s has supports of %d matrices, want %d: %w", c.Cell.Header, p.Name, len(p.Supports), p.Planes(c.H), ErrShape)
		}
	}
	for _, w := range []struct {
		name       string
		have, want int
	}{
		{"input matrices", have[In], shape.In * c.H * c.I},
		{"recurrent matrices", have[Rec], shape.Rec * c.H * c.H},
		{"vectors", have[Vec], shape.Vecs * c.H},
		{"edges", have[Edge], c.Cell.Axial.Edges()},
		{"state planes", c.Cell.States, shape.States},
		{"rest values", len(c.Cell.Rest), shape.States},
	} {
		if w.have != w.want {
			return fmt.Errorf("kernels: scan: %s: %s have %d elements, want %d: %w", c.Cell.Header, w.name, w.have, w.want, ErrShape)
		}
	}
	if n := len(c.Cell.Consts); n > shape.Consts {
		return fmt.Errorf("kernels: scan: %s: there are %d constants, want at most %d: %w", c.Cell.Header, n, shape.Consts, ErrShape)
	}
	return c.Cell.Axial.check(c.H)
}

// kind names the cell in messages.
func (c Cell) kind() string {
	if c.Neuron != nil {
		return "neuron"
	}
	return c.Header
}

// Shape returns what the header of the cell says of itself; Check has told whether there is one.
func (c ScanConfig) Shape() cells.Shape {
	shape, _ := cells.ShapeOf(c.Cell.Header)
	return shape
}

// Rows returns the number of rows of the output.
func (c ScanConfig) Rows() int {
	if c.Last {
		return c.B
	}
	return c.T * c.B
}

// Learns reports whether a parameter of the role is learned.
func (c ScanConfig) Learns(r Role) bool {
	for _, p := range c.Params {
		if p.Role == r && p.Learned {
			return true
		}
	}
	return false
}

// LearnedPlanes returns what of the prepared planes the adjoint of a step differentiates: 0 none, 1
// those of the first vector parameter (NAME_FIRST in kernels/cells/shared/cell.h), 2 all. The sums
// of conductances, which Edge parameters make, are among all.
func (c ScanConfig) LearnedPlanes() int {
	learn, vectors := 0, 0
	for _, p := range c.Params {
		switch p.Role {
		case Vec:
			if vectors++; p.Learned {
				learn = max(learn, min(2, vectors))
			}
		case Edge:
			if p.Learned {
				learn = 2
			}
		}
	}
	return learn
}

// Supports returns for each recurrent matrix [H,H] the columns [lo,hi) that may hold entries. It is
// nil where all may.
func (c ScanConfig) Supports() [][2]int {
	var list [][2]int
	split := false
	for _, p := range c.Params {
		if p.Role != Rec {
			continue
		}
		split = split || p.Supports != nil
		for g := range p.Planes(c.H) {
			columns := [2]int{0, c.H}
			if p.Supports != nil {
				columns = p.Supports[g]
			}
			list = append(list, columns)
		}
	}
	if !split {
		return nil
	}
	return list
}

// Edges returns the number of edges; a nil graph has none.
func (a *Axial) Edges() int {
	if a == nil {
		return 0
	}
	return len(a.I)
}

func (a *Axial) check(h int) error {
	for e := range a.Edges() {
		if i, j := a.I[e], a.J[e]; i < 0 || j < 0 || int(i) >= h || int(j) >= h || i == j {
			return fmt.Errorf("kernels: scan: edge %d joins units %d and %d, want two different units of 0 to %d: %w",
				e, i, j, h-1, ErrShape)
		}
	}
	return nil
}

// Learned returns the number of elements of the learned parameters.
func (c ScanConfig) Learned() int {
	n := 0
	for _, p := range c.Params {
		if p.Learned {
			n += p.Len()
		}
	}
	return n
}

// Packed returns the number of elements of what Backward returns: the gradients of the learned
// parameters, and those of x and of the first state where they are asked for.
func (c ScanConfig) Packed() int {
	n := c.Learned()
	if c.GradX {
		n += c.T * c.B * c.I
	}
	if c.GradState {
		n += c.Cell.States * c.B * c.Units()
	}
	return n
}

// Inputs returns where in the packed gradient those of x and of the first state begin, and -1 for
// one that is not asked for.
func (c ScanConfig) Inputs() (x, state int) {
	x, state = -1, -1
	n := c.Learned()
	if c.GradX {
		x = n
		n += c.T * c.B * c.I
	}
	if c.GradState {
		state = n
	}
	return x, state
}

// ScanArrays are the inputs of a run as arrays of a device. Mask is the zero A unless configured.
type ScanArrays[A any] struct {
	X, State, Mask A
	Params         []A
}

// Bind returns the arrays behind the inputs of a run. Take returns that of a value of a scan's
// device, and refuses one of another shape or from elsewhere.
func Bind[A any](c ScanConfig, a ScanArgs, take func(name string, v gorgonia.Value, shape ...int) (A, error)) (b ScanArrays[A], err error) {
	if b.X, err = take("scan: x", a.X, c.T, c.B, c.I); err != nil {
		return b, err
	}
	if b.State, err = take("scan: state", a.State, c.Cell.States, c.B, c.Units()); err != nil {
		return b, err
	}
	if c.Masked {
		if b.Mask, err = take("scan: mask", a.Mask, c.T, c.B); err != nil {
			return b, err
		}
	}
	b.Params = make([]A, len(c.Params))
	for i, p := range c.Params {
		if b.Params[i], err = take("scan: "+p.Name, a.Params[i], p.Shape...); err != nil {
			return b, err
		}
	}
	return b, nil
}
