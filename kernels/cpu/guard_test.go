//go:build cgo

package cpu

import (
	"errors"
	"fmt"
	"testing"

	"galvani/kernels/segments"
)

// guarded moves a buffer between guard words and returns a check that they are untouched.
func guarded[F Float](s *[]F) func() error {
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
	for _, isa := range ISAs {
		if !Supported(isa) {
			t.Logf("%s: not on this machine", isa)
			continue
		}
		for cell, shape := range Cells() {
			for _, n := range [][4]int{{1, 1, 1, 1}, {3, 5, 2, 7}, {67, 19, 33, 35}, {5, 2, 40, 64}, {230, 35, 3, 17}} {
				T, B, I, H := n[0], n[1], n[2], n[3]
				c := Config{Cell: cell, ISA: isa, Threads: 2, T: T, B: B, I: I, H: H, Consts: make([]float64, 10),
					Rest: make([]float64, shape.States), Learn: 2, LearnIn: true, LearnRec: true, LearnEdge: true,
					KeepGradH: true}
				for i := 0; shape.Axial >= 0 && i+1 < H; i++ {
					c.EdgeI, c.EdgeJ = append(c.EdgeI, int32(i)), append(c.EdgeJ, int32(i+1))
				}
				c.Last = T > 100
				c.Memory = int64(flag(c.Last)) // 1 byte, to be told the least
				s, err := NewScan[float32](c)
				if short := new(segments.MemoryError); errors.As(err, &short) {
					c.Memory = short.Least
					s, err = NewScan[float32](c)
				}
				if err != nil {
					t.Fatal(err)
				}
				if c.Last && s.Segments() < 2 {
					t.Errorf("%s %s %v: one segment, want more", isa, cell, n)
				}
				checks := map[string]func() error{
					"h": guarded(&s.h), "final": guarded(&s.Final), "dh": guarded(&s.GradH), "packed": guarded(&s.packed),
					"chunk borders": guarded(&s.bounds), "segment borders": guarded(&s.borders), "vectors": guarded(&s.sum.Vec),
					"shared": guarded(&s.shared), "in": guarded(&s.sum.In), "rec": guarded(&s.sum.Rec),
					"prepared": guarded(&s.prep), "bands": guarded(&s.band), "loose": guarded(&s.loose),
				}
				for i := range s.workers {
					w := &s.workers[i]
					checks[fmt.Sprintf("work of worker %d", i)] = guarded(&w.work)
				}
				fill := func(n int) []float32 {
					b := make([]float32, n)
					for i := range b {
						b[i] = 0.1 + float32(i%7)/100
					}
					return b
				}
				a := Args[float32]{X: fill(T * B * I), State: fill(shape.States * B * H), Mask: fill(T * B),
					Reset: make([]float32, T*B), In: fill(shape.In * H * I), Rec: fill(shape.Rec * H * H),
					Vec: make([]float64, shape.Vecs*H), Edge: fill(len(c.EdgeI))}
				for i := range a.Vec {
					a.Vec[i] = 0.5 + float64(i)/1000
				}
				s.Forward(a)
				s.Backward(a, fill(T*B*H))
				for name, check := range checks {
					if err := check(); err != nil {
						t.Errorf("%s %s %v: %s: %v", isa, cell, n, name, err)
					}
				}
			}
		}
	}
}
