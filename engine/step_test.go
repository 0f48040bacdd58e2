package engine

import (
	"errors"
	"math"
	"testing"

	"galvani/data"
	"galvani/kernels"
)

const (
	// widenTolerance: float32 rounding of a few sums of products near 1.
	widenTolerance = 1e-6
	// slopeTolerance: central differences with checkStep are off by about 1e-10.
	slopeTolerance = 1e-8
)

// newToyStep returns the step of a toy with the parameters of a session.
func newToyStep(t *testing.T, s *Session, batch int) *StepMap {
	t.Helper()
	wide, err := Widen(s.cfg.Net, s.Params())
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewStepMap(graphsOf(s).net, wide, s.cfg.Task.I, batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// TestStepMapFollowsGraph walks through a batch step by step and ends where the graph ends, with
// its logits.
func TestStepMapFollowsGraph(t *testing.T) {
	s := newToySession(t, nil)
	b := batchOf(t, s, 0)
	g, err := runOnce(shaped(s, b), s.params, b)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	want, logits := make([]float32, b.B*5), make([]float32, b.B*2)
	if err := errors.Join(g.Final(want), g.Logits(logits)); err != nil {
		t.Fatal(err)
	}
	m := newToyStep(t, s, b.B)
	state, got := make([]float64, b.B*m.Dim()), make([]float64, b.B*2)
	for i := range state {
		state[i] = 0.25 // at rest
	}
	x := make([]float64, b.B*b.I)
	for step := range b.T {
		for i := range x {
			x[i] = float64(b.X[step*len(x)+i])
		}
		if err := errors.Join(m.Input(x), m.Step(state, state), m.Logits(got)); err != nil {
			t.Fatal(err)
		}
	}
	for i, v := range state {
		if math.Abs(v-float64(want[i])) > widenTolerance {
			t.Errorf("state %d is %v, want %v", i, v, want[i])
		}
	}
	for i, v := range got {
		if math.Abs(v-float64(logits[i])) > widenTolerance {
			t.Errorf("logit %d is %v, want %v", i, v, logits[i])
		}
	}
}

// TestStepMapSlope holds vᵀ ∂F/∂s to central differences along each element, for fewer states
// than fit.
func TestStepMapSlope(t *testing.T) {
	m := newToyStep(t, newToySession(t, nil), 3)
	n := m.Dim()
	s, v, back := make([]float64, 2*n), make([]float64, 2*n), make([]float64, 2*n)
	for i := range s {
		s[i], v[i] = math.Sin(float64(i)), math.Cos(float64(3*i))
	}
	if err := errors.Join(m.Input([]float64{0.5, -1}), m.Pull(back, s, v)); err != nil {
		t.Fatal(err)
	}
	next := make([]float64, 2*n)
	along := func(row int) float64 {
		if err := m.Step(next, s); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i := range n {
			sum += next[row*n+i] * v[row*n+i]
		}
		return sum
	}
	for i, was := range s {
		s[i] = was + checkStep
		above := along(i / n)
		s[i] = was - checkStep
		want := (above - along(i/n)) / (2 * checkStep)
		s[i] = was
		if math.Abs(back[i]-want) > slopeTolerance {
			t.Errorf("derivative %d is %v, want %v", i, back[i], want)
		}
	}
}

func TestStepMapRefuses(t *testing.T) {
	s := newToySession(t, nil)
	m := newToyStep(t, s, 2)
	five, ten := make([]float64, 5), make([]float64, 10)
	if err := m.Step(five, five); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"three states":   m.Step(make([]float64, 15), make([]float64, 15)),
		"no state":       m.Step(nil, nil),
		"part of one":    m.Step(five[:4], five[:4]),
		"other result":   m.Step(ten, five),
		"other v":        m.Pull(five, five, ten),
		"three inputs":   m.Input(make([]float64, 3)),
		"another logits": m.Logits(five),
	} {
		if !errors.Is(err, kernels.ErrShape) {
			t.Errorf("%s: error %v, want a wrong shape", name, err)
		}
	}
	wide, err := Widen(s.cfg.Net, s.Params())
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range [][2]int{{0, 1}, {2, 0}} {
		if _, err := NewStepMap(graphsOf(s).net, wide, size[0], size[1], nil); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("I=%d B=%d: error %v, want a wrong shape", size[0], size[1], err)
		}
	}
	other := newToy()
	other.hidden = 7
	if _, err := Widen(other, s.Params()); err == nil {
		t.Error("parameters of another network were widened")
	}
}

// TestSetState holds that one step from a state that was set is the next step of the sequence.
func TestSetState(t *testing.T) {
	s := newToySession(t, nil)
	b := batchOf(t, s, 0)
	whole, err := runOnce(shaped(s, b), s.params, b)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	h, got := make([]float32, b.T*b.B*5), make([]float32, b.B*5)
	if err := whole.H(h); err != nil {
		t.Fatal(err)
	}
	single := *s.cfg.Task
	single.T = 1
	one := data.NewBatch(&single, b.B)
	cfg := shaped(s, one)
	g, err := NewGraph(cfg, s.params)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	n := b.B * b.I
	copy(one.X, b.X[2*n:3*n])
	if err := errors.Join(g.SetState(h[len(got):2*len(got)]), g.Load(one), g.Run(), g.Final(got)); err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if want := h[2*len(got)+i]; v != want {
			t.Errorf("state %d is %v, want %v", i, v, want)
		}
	}
	if err := g.SetState(got[1:]); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("a short state: error %v, want a wrong shape", err)
	}
}
