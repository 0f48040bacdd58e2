//go:build cgo

package cpu

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/cells"
	"galvani/kernels/cpu/pace"

	"gorgonia.org/tensor"
)

// guarded moves a buffer between guard words and returns a check that they are untouched.
func guarded[F kernels.Float](s *[]F) func() error {
	const words, value = 64, 12345
	all := make([]F, len(*s)+2*words)
	for i := range all {
		all[i] = value
	}
	inner := all[words : words+len(*s) : words+len(*s)]
	copy(inner, *s)
	*s = inner
	return func() error {
		for i := range words {
			if all[i] != value {
				return fmt.Errorf("wrote %d words before the buffer", words-i)
			}
			if all[words+len(inner)+i] != value {
				return fmt.Errorf("wrote %d words behind the buffer", i+1)
			}
		}
		return nil
	}
}

// TestWritesInside runs every cell forward and backward with guard words around every buffer,
// in shapes that leave tails of rows, units and chunks, the last of them with the least memory.
func TestWritesInside(t *testing.T) {
	for _, isa := range scansHere(t) {
		for _, cell := range cells.Names() {
			shape, _ := cells.ShapeOf(cell)
			for _, n := range [][4]int{{1, 1, 1, 1}, {3, 5, 2, 7}, {67, 19, 33, 35}, {5, 2, 40, 64}, {230, 35, 3, 17}, {120, 24, 3, 32}} {
				T, B, I, H := n[0], n[1], n[2], n[3]
				c := kernels.ScanConfig{T: T, B: B, I: I, H: H, Dtype: tensor.Float32, KeepGradH: true, GradX: true, GradState: true, Masked: true,
					Cell: kernels.Cell{Header: cell, States: shape.States, Consts: make([]float64, shape.Consts), Rest: make([]float64, shape.States)}}
				add := func(role kernels.Role, rows, columns int) {
					if rows > 0 {
						c.Params = append(c.Params, kernels.Spec{Name: fmt.Sprint(role), Role: role, Shape: []int{rows, columns}, Learned: true})
					}
				}
				add(kernels.In, shape.In*H, I)
				add(kernels.Rec, shape.Rec*H, H)
				add(kernels.Vec, shape.Vecs, H)
				if shape.Axial >= 0 {
					c.Cell.Axial = &kernels.Axial{}
					for i := range int32(H - 1) {
						c.Cell.Axial.I, c.Cell.Axial.J = append(c.Cell.Axial.I, i), append(c.Cell.Axial.J, i+1)
					}
					add(kernels.Edge, H-1, 1)
				}
				c.Last = T > 100
				c.Memory = int64(flag(c.Last)) // 1 byte, to be told the least
				s, err := NewScan[float32](isa, 2, c)
				if errors.Is(err, kernels.ErrMemory) {
					if c.Memory, err = wanted(err); err == nil {
						s, err = NewScan[float32](isa, 2, c)
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				if c.Last && s.Segments() < 2 {
					t.Errorf("%s %s %v: one segment, want more", isa, cell, n)
				}
				checks := map[string]func() error{
					"h": guarded(&s.h), "final": guarded(&s.final), "dh": guarded(&s.gradH), "packed": guarded(&s.packed),
					"chunk borders": guarded(&s.bounds), "segment borders": guarded(&s.borders),
					"gradients": guarded(&s.grad),
				}
				if T == 120 && len(s.groups) < 2 {
					t.Errorf("%s %s %v: one group, want two", isa, cell, n)
				}
				for i := range s.groups {
					g, of := &s.groups[i], fmt.Sprintf(" of group %d", i)
					checks["vectors"+of], checks["shared"+of], checks["in"+of] = guarded(&g.sum.vec), guarded(&g.shared), guarded(&g.sum.in)
					checks["rec"+of], checks["prepared"+of] = guarded(&g.sum.rec), guarded(&g.prep)
					checks["bands"+of], checks["loose"+of] = guarded(&g.band), guarded(&g.loose)
				}
				for i, w := range s.everybody() {
					checks[fmt.Sprintf("work of worker %d", i)] = guarded(&w.work)
				}
				fill := func(shape ...int) *tensor.Dense {
					b := make([]float32, tensor.Shape(shape).TotalSize())
					for i := range b {
						b[i] = 0.1 + float32(i%7)/100
					}
					return kernels.Wrap(b, shape...)
				}
				a := kernels.ScanArgs{X: fill(T, B, I), State: fill(shape.States, B, H), Mask: fill(T, B)}
				for _, p := range c.Params {
					v := fill(p.Shape...)
					if p.Role == kernels.Vec {
						for i := range v.Data().([]float32) {
							v.Data().([]float32)[i] = 0.5 + float32(i)/1000
						}
					}
					a.Params = append(a.Params, v)
				}
				for _, alone := range []bool{false, true} {
					s.tempo = &tempo{pace: pace.New(alone, pace.Round)}
					if _, err := s.Forward(a); err != nil {
						t.Fatal(err)
					}
					if _, err := s.Backward(a, fill(c.Rows(), H)); err != nil {
						t.Fatal(err)
					}
				}
				for name, check := range checks {
					if err := check(); err != nil {
						t.Errorf("%s %s %v: %s: %v", isa, cell, n, name, err)
					}
				}
			}
		}
	}
}

// wanted reads what an error of too little memory says would be enough.
func wanted(err error) (n int64, _ error) {
	_, least, _ := strings.Cut(err.Error(), "at least ")
	_, scan := fmt.Sscan(least, &n)
	return n, scan
}
