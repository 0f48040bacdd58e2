package engine

import (
	"context"
	"math"
	"testing"
)

// TestDirections holds angle and ratio to vectors whose are known.
func TestDirections(t *testing.T) {
	for _, c := range []struct {
		v, reference   []float32
		degrees, ratio float64
		ok             bool
	}{
		{[]float32{1, 0}, []float32{0, 2}, 90, 0.5, true},
		{[]float32{3, 3}, []float32{1, 0}, 45, 3 * math.Sqrt2, true},
		{[]float32{-2}, []float32{1}, 180, 2, true},
		{[]float32{0, 0}, []float32{1, 0}, 0, 0, false},
		{[]float32{1, 0}, []float32{0, 0}, 0, 0, false},
	} {
		d, ok := newDirection("w", c.v, c.reference)
		if ok != c.ok || math.Abs(d.Degrees-c.degrees) > 1e-6 || math.Abs(d.Ratio-c.ratio) > 1e-6 {
			t.Errorf("%v beside %v: %+v %t, want %v degrees, ratio %v, %t", c.v, c.reference, d, ok, c.degrees, c.ratio, c.ok)
		}
	}
}

// TestCompare holds that every evaluation of a network that is compared with itself tells of its matrices
// that they have the angle 0 and the ratio 1, and that training goes as without it.
func TestCompare(t *testing.T) {
	train := func(compare bool) (*watcher, []float32) {
		s := newToySession(t, func(c *Config) {
			c.Options.Epochs = 2
			if compare {
				c.Compare = &Comparison{Pairs: [][2]string{{"cell.W", "cell.W"}}}
			}
		})
		w := &watcher{}
		if _, err := s.Train(context.Background(), w, nil); err != nil {
			t.Fatal(err)
		}
		return w, append([]float32(nil), s.Params().Learned()...)
	}
	w, params := train(true)
	_, want := train(false)
	for i, p := range want {
		if params[i] != p {
			t.Fatalf("parameter %d is %v after a training that was compared, want %v", i, params[i], p)
		}
	}
	if len(w.evals) == 0 {
		t.Fatal("there was no evaluation")
	}
	for _, e := range w.evals {
		if len(e.Against) < 2 {
			t.Errorf("step %d: directions %+v, want those of the matrices and of a pair", e.Step, e.Against)
		}
		for _, d := range e.Against {
			if d.Degrees > 0.1 || math.Abs(d.Ratio-1) > 1e-6 {
				t.Errorf("step %d: %+v, want 0 degrees and ratio 1", e.Step, d)
			}
		}
	}
}
