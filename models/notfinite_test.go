package models

import (
	"math"
	"testing"

	"gorgonia.org/tensor"

	"galvani/kernels/devices/devicetest"
)

// TestNotFiniteSpreads puts a number that is not finite into x at one step, row and input. On every
// backend the state of that row is not finite from that step on, nor are its logits and the loss; the
// other rows keep their bits.
func TestNotFiniteSpreads(t *testing.T) {
	const at, row = 1, 1
	s := size{T: 3, B: 3, I: 2, H: 4, O: 2}
	for _, dev := range devicetest.Hosts(t, 2) {
		name := "graph"
		if dev != nil {
			name = dev.Name()
		}
		for _, v := range variants(t) {
			t.Run(v.name+" "+name, func(t *testing.T) {
				x := newFixture(t, v, s, every)
				input := x.seq.X.Data().([]float64)
				y := x.on(t, tensor.Float32, dev)
				run := y.differentiate(t)
				measure := func(bad float64) (h, logits []float64, loss float64) {
					y.seq.X.Data().([]float32)[(at*s.B+row)*s.I] = float32(bad)
					loss, _ = run()
					return y.h(t), numbers(y.logits), loss
				}
				h, logits, _ := measure(input[(at*s.B+row)*s.I])
				for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
					h1, logits1, loss := measure(bad)
					if !v.both { // where all steps see all others
						from := 0
						for _, n := range x.net.Sizes() {
							to := from + s.T*s.B*n
							spread(t, "h", h1[from:to], h[from:to], n, bad)
							from = to
						}
						spread(t, "logits", logits1, logits, s.O, bad)
					}
					if loss-loss == 0 {
						t.Errorf("x holds %v: the loss is %v", bad, loss)
					}
				}
			})
		}
	}
}

// spread compares numbers [T,3,n] with those of a run in which x was finite: rows 0 and 2 and step 0
// are to be the same.
func spread(t *testing.T, what string, got, clean []float64, n int, bad float64) {
	t.Helper()
	for i, v := range got {
		step, b := i/n/3%3, i/n%3
		want := b != 1 || step < 1
		if finite := v-v == 0; finite != want || finite && v != clean[i] {
			t.Fatalf("x holds %v: %s of step %d, row %d, number %d is %v, and %v with a finite x", bad, what, step, b, i%n, v, clean[i])
		}
	}
}
