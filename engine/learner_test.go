package engine

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/data"
	"galvani/engine/safetensors"
	"galvani/kernels"
)

// deltaRule is a linear model that learns by a rule: what it answers is W times the mean of the input
// over steps plus its own trace, and W follows (answer − target)·mean.
type deltaRule struct {
	Setup
	grad, trace []float32
	bad, closed bool
	rests       []Phase
}

func (d *deltaRule) Name() string { return "delta" }
func (d *deltaRule) Hidden() int  { return 1 }
func (d *deltaRule) Outputs() int { return 2 }
func (d *deltaRule) Moved(p Phase) error {
	if p == Training {
		d.trace[0]++
	}
	return nil
}
func (d *deltaRule) Close() error { d.closed = true; return nil }
func (d *deltaRule) State() []Tensor {
	return []Tensor{{"learner.trace", []int{1}, d.trace}}
}

func (d *deltaRule) Specs() []kernels.Spec {
	return []kernels.Spec{{Name: "W", Letters: "O I", Shape: []int{2, 3}, Role: kernels.Readout, Unit: "1", Doc: "weights",
		Init: kernels.Init{Kind: kernels.XavierUniform, A: 1}, Bound: kernels.Bound{Lo: -1, Hi: 1}, Learned: true}}
}

func (d *deltaRule) Rest(p Phase) error {
	d.rests = append(d.rests, p)
	return nil
}

func (d *deltaRule) Measure(b *data.Batch) (m Metrics, err error) {
	clear(d.grad)
	w := d.Params.Learned()
	if d.bad {
		w = []float32{float32(math.NaN()), 0, 0, 0, 0, 0}
	}
	for col := range b.B {
		if b.Weight[col] == 0 {
			continue
		}
		for o := range b.O {
			y := -b.Value[col*b.O+o]
			for i := range b.I {
				y += w[o*b.I+i] * b.X[col*b.I+i]
			}
			m.LossSum += float64(y) * float64(y)
			for i := range b.I {
				d.grad[o*b.I+i] += y * b.X[col*b.I+i] / float32(b.B)
			}
		}
		m.Weight++
	}
	return m, nil
}

func (d *deltaRule) Direction(b *data.Batch) ([]float32, Metrics, error) {
	m, err := d.Measure(b)
	return d.grad, m, err
}

func (d *deltaRule) Examine(_ Phase, b *data.Batch) error {
	if _, _, err := d.Direction(b); err != nil {
		return err
	}
	return Accuse(d.Made(), Suspect{"answer", d.grad})
}

// regression asks for two linear functions of three inputs.
type regression struct{ n int }

func (r regression) Len() int { return r.n }
func (r regression) Fill(b *data.Batch, col, _, index int) error {
	x := b.X[col*b.I : (col+1)*b.I]
	for i := range x {
		x[i] = float32(math.Sin(float64(3*index + i)))
	}
	b.Value[col*2], b.Value[col*2+1] = 0.5*x[0]-0.25*x[2], 0.75*x[1]
	b.Weight[col] = 1
	return nil
}

func newDelta(t *testing.T, change func(*Config)) (*Session, *deltaRule, error) {
	rule := &deltaRule{grad: make([]float32, 6), trace: make([]float32, 1)}
	o := DefaultOptions()
	o.Epochs, o.Batch, o.LR = 6, 4, 0.05
	cfg := Config{Net: rule, Options: o, Task: &data.Task{Name: "lines", T: 1, I: 3, O: 2, Goal: data.Regress, Train: regression{18}, Test: regression{7}},
		Learner: func(s Setup) (Learner, error) {
			rule.Setup = s
			return Descend(s, rule)
		}}
	if change != nil {
		change(&cfg)
	}
	s, err := NewSession(cfg)
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, rule, err
}

// A model without a graph is trained by the loop of networks: batches, schedule, evaluations, best
// checkpoint; and it goes on from a checkpoint bit for bit, its own state included.
func TestLearnerTrains(t *testing.T) {
	whole, rule, err := newDelta(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{}
	save := &memory{}
	r, err := whole.Train(context.Background(), w, save)
	if err != nil || r.Outcome != Done || r.Step != 30 {
		t.Fatalf("%+v %v", r, err)
	}
	if len(w.evals) != 6 || w.evals[5].Held.Loss() > 0.2*w.evals[0].Held.Loss() {
		t.Errorf("evaluations %+v: the model does not learn", w.evals)
	}
	if rule.trace[0] != 30 {
		t.Errorf("the rule was told of %v updates, want 30", rule.trace[0])
	}
	if n := len(slices.DeleteFunc(slices.Clone(rule.rests), func(p Phase) bool { return p != Training })); n != 6 {
		t.Errorf("the state of training was put to rest %d times, want once an epoch", n)
	}
	if w.steps[7].GradNorm <= 0 || w.steps[7].LR != 0.05 {
		t.Errorf("step 7 tells %+v", w.steps[7])
	}

	half, _, err := newDelta(t, func(c *Config) { c.Options.MaxSteps = 13 })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := half.Train(context.Background(), nil, nil); err != nil {
		t.Fatal(err)
	}
	st, err := half.State()
	if err != nil {
		t.Fatal(err)
	}
	rest, own, err := newDelta(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := rest.Restore(st); err != nil {
		t.Fatal(err)
	}
	if own.trace[0] != 13 {
		t.Errorf("the restored state of the rule is %v, want 13", own.trace[0])
	}
	if _, err := rest.Train(context.Background(), nil, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rest.Params().Learned(), whole.Params().Learned()) {
		t.Errorf("resumed %v, uninterrupted %v", rest.Params().Learned(), whole.Params().Learned())
	}

	// For an evaluation the parameters are taken, and the state of the rule is passed over.
	other, _, err := newDelta(t, nil)
	if err == nil {
		err = other.LoadParams(st)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What is not finite is refused with the name of the tensor, and changes nothing.
func TestLearnerNotFinite(t *testing.T) {
	s, rule, err := newDelta(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(s.Params().Learned())
	b := data.NewBatch(s.cfg.Task, 4)
	for col := range 4 {
		regression{4}.Fill(b, col, 0, col)
	}
	if _, err := s.Step(b); err != nil {
		t.Fatal(err)
	}
	if slices.Equal(before, s.Params().Learned()) {
		t.Error("an update has changed nothing")
	}
	before = slices.Clone(s.Params().Learned())
	rule.bad = true
	_, err = s.Step(b)
	var bad *NotFiniteError
	if !errors.As(err, &bad) || bad.Tensor != "answer" || bad.Step != 1 {
		t.Errorf("%v, want one of the answer after 1 update", err)
	}
	if !slices.Equal(before, s.Params().Learned()) || rule.trace[0] != 1 {
		t.Error("a refused update has changed the parameters")
	}
	if _, err := s.Evaluate(context.Background(), regression{5}); !errors.As(err, &bad) || bad.Tensor != "answer" {
		t.Errorf("evaluation: %v, want an error of the answer", err)
	}
}

// tracedRule tells its answers.
type tracedRule struct{ *deltaRule }

func (r tracedRule) Trace(b *data.Batch) ([]safetensors.Tensor, error) {
	_, _, err := r.Direction(b)
	return []safetensors.Tensor{safetensors.Float32("delta", []int{2, 3}, r.grad)}, err
}

// A rule that tells what it computes is traced, by the session that it learns in.
func TestLearnerTrace(t *testing.T) {
	s, _, err := newDelta(t, func(c *Config) {
		plain := c.Learner
		c.Learner = func(s Setup) (Learner, error) {
			l, err := plain(s)
			d := l.(*descent)
			d.rule = tracedRule{d.rule.(*deltaRule)}
			return d, err
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Trace(data.NewBatch(s.cfg.Task, 2))
	if err != nil || len(list) != 1 || list[0].Name != "delta" {
		t.Errorf("%v %v, want the delta of the rule", list, err)
	}
}

// What such a model cannot do is said, and the rule is closed.
func TestLearnerRefused(t *testing.T) {
	_, _, err := newDelta(t, func(c *Config) { c.Options.Shards = 2 })
	if !errors.Is(err, ErrOption) || !strings.Contains(err.Error(), "shards") {
		t.Errorf("shards: %v", err)
	}
	_, rule, err := newDelta(t, func(c *Config) { c.Options.WeightDecay, c.Options.DecayOn = 1, []string{"R"} })
	if !errors.Is(err, ErrOption) || !rule.closed {
		t.Errorf("%v, closed %v", err, rule.closed)
	}
	if _, _, err = newDelta(t, func(c *Config) { c.Learner = nil }); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("no learner and no graph: %v", err)
	}
	s, _, err := newDelta(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := data.NewBatch(s.cfg.Task, 1)
	if _, err := s.Trace(b); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("trace: %v", err)
	}
	if _, err := s.StepGradients(b); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("gradients of steps: %v", err)
	}
}
