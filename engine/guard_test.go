package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/data"
	"galvani/kernels"
)

var (
	nan32 = float32(math.NaN())
	inf32 = float32(math.Inf(1))
)

// TestGuard injects a bad number in every place it can come from: it is caught in the same
// step and named, and no parameter has changed.
func TestGuard(t *testing.T) {
	for name, c := range map[string]struct {
		inject func(*Session, *data.Batch)
		tensor string // the one to be named
		index  int
	}{
		"input":           {func(_ *Session, b *data.Batch) { b.X[5] = nan32 }, "input x", 5},
		"infinite input":  {func(_ *Session, b *data.Batch) { b.X[0] = -inf32; b.X[1] = inf32 }, "input x", 0},
		"weight":          {func(_ *Session, b *data.Batch) { b.Weight[2] = nan32 }, "loss weight", 2},
		"carried state":   {func(s *Session, _ *data.Batch) { graphsOf(s).train.state[3] = nan32 }, "carried state", 3},
		"parameter":       {func(s *Session, _ *data.Batch) { s.params.slice(1)[7] = nan32 }, "parameter cell.R", 7},
		"fixed parameter": {func(s *Session, _ *data.Batch) { s.params.slice(2)[1] = nan32 }, "parameter cell.gain", 1},
		// Finite weights whose products overflow, in the network without tanh.
		"forward": {func(s *Session, _ *data.Batch) {
			for i, r := range s.params.slice(1) {
				s.params.slice(1)[i] = float32(math.Copysign(1e30, float64(r)))
			}
		}, "h at step 1", -1},
		"read-out": {func(s *Session, _ *data.Batch) { fill(s.params.slice(3), 3e38); fill(s.params.slice(4), 3e38) }, "logits", -1},
		// √0 is finite, its derivative is not.
		"gradient":       {func(s *Session, _ *data.Batch) { s.params.slice(5)[1] = 0 }, "gradient of readout.root", 1},
		"optimiser slot": {func(s *Session, _ *data.Batch) { descentOf(s).opt.Slots()[1].Data[s.params.offset[1]+4] = nan32 }, "optimiser slot exp_avg_sq of cell.R", 4},
		"infinite slot":  {func(s *Session, _ *data.Batch) { descentOf(s).opt.Slots()[1].Data[0] = inf32 }, "optimiser slot exp_avg_sq of cell.W", 0},
		"update": {func(s *Session, _ *data.Batch) {
			s.params.slice(0)[2] = 3.4e38
			s.schedule = func(int, int) float64 { return -3.4e38 }
		},
			"updated parameter cell.W", -1},
	} {
		t.Run(name, func(t *testing.T) {
			net := newToy()
			if name == "forward" {
				net = newLinear()
			}
			s := newToySession(t, func(c *Config) { c.Net = net; c.Options.Clip = 1e30 })
			if _, err := s.Step(batchOf(t, s, 0)); err != nil {
				t.Fatal(err)
			}
			b := batchOf(t, s, 1)
			c.inject(s, b)
			before := slices.Clone(s.params.flat)
			_, err := s.Step(b)
			var bad *NotFiniteError
			if !errors.As(err, &bad) || !errors.Is(err, ErrNotFinite) {
				t.Fatalf("error %v, want NotFiniteError", err)
			}
			if bad.Tensor != c.tensor || c.index >= 0 && bad.Index != c.index || bad.Step != 1 || finite(bad.Value) {
				t.Errorf("%+v, want %q element %d at step 1", bad, c.tensor, c.index)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error has more than one line: %v", err)
			}
			for i, v := range s.params.flat {
				if math.Float32bits(v) != math.Float32bits(before[i]) {
					t.Fatalf("parameter element %d changed from %v to %v", i, before[i], v)
				}
			}
			if s.progress.Step != 1 {
				t.Errorf("%d updates are counted, want 1", s.progress.Step)
			}
		})
	}
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// TestGuardInEvaluation holds that an evaluation that is not finite is no evaluation.
func TestGuardInEvaluation(t *testing.T) {
	s := newToySession(t, nil)
	s.params.slice(3)[0] = nan32
	var bad *NotFiniteError
	if _, err := s.Evaluate(t.Context(), s.cfg.Task.Test); !errors.As(err, &bad) || bad.Tensor != "parameter readout.weight" {
		t.Errorf("error %v, want NotFiniteError that names readout.weight", err)
	}
}

func TestFinite(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 4, 5, 11, kernels.Chunk + 3} {
		x := make([]float32, n)
		fill(x, math.MaxFloat32)
		if i := firstBad(x); i != -1 || !allFinite(x) {
			t.Errorf("%d finite elements: found %d", n, i)
		}
		for at := 0; at < n; at += 1 + n/11 {
			for _, v := range []float32{nan32, inf32, -inf32} {
				x[at] = v
				if i := firstBad(x); i != at || allFinite(x) {
					t.Errorf("%v at %d of %d: found %d", v, at, n, i)
				}
			}
			x[at] = -math.MaxFloat32
		}
	}
}

// BenchmarkGuard is the cost of the guard in an update of 70 000 parameters, to be held
// against that of the update alone.
func BenchmarkGuard(b *testing.B) {
	for _, guard := range []bool{false, true} {
		b.Run(fmt.Sprint(guard), func(b *testing.B) {
			net := newToy()
			net.hidden = 262
			s := newToySession(b, func(c *Config) { c.Net = net })
			grad := make([]float32, s.params.learned)
			fill(grad, 1e-3)
			for b.Loop() {
				if guard {
					if err := descentOf(s).commit(grad, Update{1, 1e-3}); err != nil {
						b.Fatal(err)
					}
				} else {
					descentOf(s).opt.Update(s.params.Learned(), grad, 1e-3, 1)
				}
			}
		})
	}
}
