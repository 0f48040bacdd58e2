package engine

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"testing"
	"weak"

	"galvani/data"
	"galvani/kernels"
)

// TestClosedSessionsAreFreed: nothing holds the graph of a session that was closed.
func TestClosedSessionsAreFreed(t *testing.T) {
	gone := func() weak.Pointer[Graph[float32]] {
		s := newToySession(t, nil)
		if _, err := s.Step(batchOf(t, s, 0)); err != nil {
			t.Fatal(err)
		}
		graph := weak.Make(graphsOf(s).train)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return graph
	}()
	for range 3 {
		runtime.GC()
	}
	if gone.Value() != nil {
		t.Error("the graph of a closed session is still held")
	}
}

// TestEvaluatePads holds that an evaluation does not depend on how the set divides into
// batches.
func TestEvaluatePads(t *testing.T) {
	var want Metrics
	for i, batch := range []int{37, 1, 8, 36, 64} {
		s := newToySession(t, func(c *Config) { c.Options.Batch = batch })
		got, err := s.Evaluate(t.Context(), s.cfg.Task.Test)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = got
		}
		if got.Count != 37 || got.Weight != 37 || got.Correct != want.Correct {
			t.Errorf("batch %d: %+v, want %+v", batch, got, want)
		}
		if math.Abs(got.Loss()-want.Loss()) > 1e-6 { // each batch's mean is a float32
			t.Errorf("batch %d: loss %v, want %v", batch, got.Loss(), want.Loss())
		}
	}
}

// TestPaddedStep holds that sequences of weight 0 leave no trace in an update.
func TestPaddedStep(t *testing.T) {
	s, other := newToySession(t, nil), newToySession(t, nil)
	k := s.BatchesPerEpoch() - 1
	a, b := batchOf(t, s, k), batchOf(t, s, k)
	if a.Weight[7] != 0 {
		t.Fatal("the last batch is complete")
	}
	for step := range b.T {
		b.X[(step*b.B+7)*b.I] = 3
	}
	ra, err := s.Step(a)
	if err != nil {
		t.Fatal(err)
	}
	rb, err := other.Step(b)
	if err != nil {
		t.Fatal(err)
	}
	if ra != rb || !slices.Equal(s.params.flat, other.params.flat) {
		t.Errorf("results %+v and %+v differ", ra, rb)
	}
	if ra.Metrics.Count != 2 {
		t.Errorf("%d targets are counted, want 2", ra.Metrics.Count)
	}
}

// TestStateful holds that a sequence cut in two with its state carried gives the same h as
// the whole.
func TestStateful(t *testing.T) {
	s := newToySession(t, func(c *Config) { c.Options.Stateful = true; c.Options.LR = 0; c.Options.Batch = 2 })
	whole := newToySession(t, func(c *Config) { c.Task.T = 8; c.Options.Batch = 2 })
	b := batchOf(t, whole, 0)
	n := len(b.X) / 2
	var cut []float32
	for i := range 2 {
		half := batchOf(t, s, 0)
		copy(half.X, b.X[i*n:])
		if _, err := s.Step(half); err != nil {
			t.Fatal(err)
		}
		h := make([]float32, 4*2*5)
		if err := graphsOf(s).train.H(h); err != nil {
			t.Fatal(err)
		}
		cut = append(cut, h...)
	}
	if _, err := whole.Step(b); err != nil {
		t.Fatal(err)
	}
	h := make([]float32, 8*2*5)
	if err := graphsOf(whole).train.H(h); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cut, h) {
		t.Errorf("h differs:\n%v\n%v", cut, h)
	}
	graphsOf(s).train.ResetState()
	if graphsOf(s).train.state[0] != 0.25 {
		t.Errorf("state after the reset is %v, want 0.25", graphsOf(s).train.state[0])
	}
}

// TestStepRepeatsTrainingRule checks one update end to end against its parts.
func TestStepRepeatsTrainingRule(t *testing.T) {
	s := newToySession(t, func(c *Config) {
		c.Options.Optimizer = "sgd"
		c.Options.Momentum = 0
		c.Options.Clip = 0.125
		c.Options.LR = 0.5
	})
	b := batchOf(t, s, 0)
	trace, err := s.Trace(b)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(s.params.Learned())
	var grad []float32
	for _, x := range trace {
		if len(x.Name) > 5 && x.Name[:5] == "grad." {
			v, err := x.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			grad = append(grad, v...)
		}
	}
	n := Norm(grad)
	if n <= 0.125 {
		t.Fatalf("gradient norm %v is not clipped", n)
	}
	for i := range want {
		want[i] -= float32(0.5 * 0.125 / n * float64(grad[i]))
	}
	r, err := s.Step(b)
	if err != nil {
		t.Fatal(err)
	}
	if r.GradNorm != n || r.LR != 0.5 || r.Step != 1 {
		t.Errorf("%+v, want norm %v, rate 0.5, step 1", r, n)
	}
	s.params.project(want, false)
	for i, v := range s.params.Learned() {
		if math.Abs(float64(v-want[i])) > 1e-7 { // one rounding of float32 below 1
			t.Errorf("parameter element %d is %v, want %v", i, v, want[i])
		}
	}
}

func TestBoundsHoldAfterEachStep(t *testing.T) {
	s := newToySession(t, func(c *Config) { c.Options.LR = 10 })
	hit := false
	for k := range s.BatchesPerEpoch() {
		if _, err := s.Step(batchOf(t, s, k)); err != nil {
			t.Fatal(err)
		}
		for _, v := range s.params.slice(1) {
			if math.Abs(float64(v)) > 0.9 {
				t.Fatalf("cell.R holds %v, bound 0.9", v)
			}
			hit = hit || math.Abs(float64(v)) > 0.8999
		}
	}
	if !hit {
		t.Error("no element reached its bound, so nothing was tested")
	}
}

func TestNewSessionRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   error
	}{
		"outputs":    {func(c *Config) { c.Task.O = 3 }, kernels.ErrShape},
		"options":    {func(c *Config) { c.Options.Batch = 0 }, ErrOption},
		"no samples": {func(c *Config) { c.Task.Train = &toySet{} }, kernels.ErrShape},
		"irregular":  {func(c *Config) { c.Task.Irregular = true }, ErrOption},
		"no steps":   {func(c *Config) { c.Task.T = 0 }, kernels.ErrShape},
		"no learned": {func(c *Config) { c.Net = table(kernels.Spec{Name: "a", Shape: []int{1}, Bound: kernels.Free()}) }, kernels.ErrShape},
	} {
		cfg := Config{Net: newToy(), Task: newToyTask(), Options: toyOptions()}
		c.change(&cfg)
		if _, err := NewSession(cfg); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}

func TestEvaluateCancelled(t *testing.T) {
	s := newToySession(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Evaluate(ctx, s.cfg.Task.Test); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want Canceled", err)
	}
}

func TestTrace(t *testing.T) {
	for _, every := range []bool{false, true} {
		s := newToySession(t, func(c *Config) { c.Task.Every = every; c.Task.Goal = data.Goal(b2i(every)) })
		b, err := s.Batch(s.cfg.Task.Test, 3)
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Trace(b)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string][]int{"x": {4, 3, 2}, "y": {3}, "weight": {3}, "h": {4, 3, 5}, "logits": {3, 2}, "loss": {},
			"grad.cell.W": {5, 2}, "grad.cell.R": {5, 5}, "grad.readout.weight": {2, 5}, "grad.readout.bias": {2}, "grad.readout.root": {2}}
		if every {
			want["y"], want["weight"], want["logits"] = []int{4, 3, 2}, []int{4, 3}, []int{4, 3, 2}
		}
		if len(list) != len(want) {
			t.Errorf("%d tensors, want %d", len(list), len(want))
		}
		for _, x := range list {
			if !slices.Equal(x.Shape, want[x.Name]) {
				t.Errorf("%s is %v, want %v", x.Name, x.Shape, want[x.Name])
			}
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
