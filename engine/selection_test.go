package engine

import (
	"encoding/json"
	"math"
	"testing"

	"galvani/data"
)

// trialTask is the toy task with targets at every step, whose samples are trials that are decided in
// the last two of the steps.
func trialTask() *data.Task {
	task := *newToyTask()
	task.Every, task.Trials = true, true
	task.Train, task.Test = trialSet{task.Train}, trialSet{task.Test}
	return &task
}

// trialSet has class 0, fixate, as target until the choice is due: in the last step or, where the toy
// has class 1, in the one before.
type trialSet struct{ data.Set }

func (s trialSet) Fill(b *data.Batch, col, epoch, index int) error {
	one := *b
	one.Label, one.Weight, one.Every = make([]float32, b.B), make([]float32, b.B), false
	if err := s.Set.Fill(&one, col, epoch, index); err != nil {
		return err
	}
	due := b.T - 1 - int(one.Label[col])
	for t := range b.T {
		b.Label[t*b.B+col], b.Weight[t*b.B+col] = data.Fixate, 1
		if t >= due {
			b.Label[t*b.B+col] = 1
		}
	}
	b.Decisions[col] = data.Decision{First: b.T - 2, End: b.T, Choice: 1, Earliest: due, Latest: due}
	return nil
}

// TestTrialsAreTheMetric holds that accuracy counts trials and no steps, with columns behind the
// last sample left out, and that the best checkpoint follows it.
func TestTrialsAreTheMetric(t *testing.T) {
	w, m := &watcher{}, &memory{}
	s := newToySession(t, func(c *Config) { c.Task, c.Options.Epochs = trialTask(), 3 })
	r := train(t, s, w, m)
	test := s.cfg.Task.Test
	for _, e := range w.evals {
		if e.Held.Count != test.Len() || e.Held.Steps != test.Len()*s.cfg.Task.T || e.Train.Count != s.cfg.Task.Train.Len() {
			t.Fatalf("evaluation counts %+v and %+v, want %d trials of %d steps", e.Held, e.Train, test.Len(), s.cfg.Task.T)
		}
	}
	// Count again from the logits.
	want := 0
	b := data.NewBatch(s.cfg.Task, 1)
	for i := range test.Len() {
		if err := test.Fill(b, 0, 0, i); err != nil {
			t.Fatal(err)
		}
		g, err := runOnce(shaped(s, b), s.params, b)
		if err != nil {
			t.Fatal(err)
		}
		logits := make([]float32, g.rows()*s.cfg.Net.Outputs())
		if err := g.Logits(logits); err != nil {
			t.Fatal(err)
		}
		o := s.cfg.Net.Outputs()
		if b.Decisions[0].Right(func(step int) int { return largest(logits[step*o : (step+1)*o]) }) {
			want++
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if r.Last.Correct != want {
		t.Errorf("%d trials are right in the last evaluation, %d one by one", r.Last.Correct, want)
	}
	if m.best == nil || m.best.Best != r.Best.Accuracy() {
		t.Errorf("the best checkpoint is of %v, want the part of right trials %v", m.best, r.Best.Accuracy())
	}
}

func TestBetterComparesTheSame(t *testing.T) {
	steps := Metrics{Correct: 90, Count: 100} // of a checkpoint of before trials were counted
	good := Metrics{Correct: 6, Count: 10, StepsRight: 80, Steps: 100}
	bad := Metrics{Correct: 5, Count: 10, StepsRight: 95, Steps: 100}
	for _, tt := range []struct {
		name string
		a, b Metrics
		want bool
	}{
		{"trials, not steps", good, bad, true}, {"trials, the other way", bad, good, false},
		{"steps against an older result", bad, steps, true}, {"fewer steps", good, steps, false},
		{"an older result", steps, good, true},
		{"loss where there are no classes", Metrics{LossSum: 1, Weight: 2}, Metrics{LossSum: 2, Weight: 2}, true},
	} {
		if got := tt.a.Better(tt.b); got != tt.want {
			t.Errorf("%s: better is %t", tt.name, got)
		}
	}
	var old Metrics
	if err := json.Unmarshal([]byte(`{"loss_sum":1,"weight":2,"correct":3,"count":4}`), &old); err != nil || old.Accuracy() != 0.75 || !math.IsNaN(old.StepAccuracy()) {
		t.Errorf("an older result is read as %+v, %v", old, err)
	}
}

// TestValidationSelects holds that with a validation set evaluations, best checkpoint and patience
// are of it, and that the test set is not looked at.
func TestValidationSelects(t *testing.T) {
	w, m := &watcher{}, &memory{}
	looked := 0
	s := newToySession(t, func(c *Config) {
		task := *c.Task
		task.Validation, task.Test = task.Test, countedSet{task.Test, &looked}
		c.Task = &task
		c.Options.Epochs, c.Options.Patience = 60, 2
	})
	r := train(t, s, w, m)
	if looked != 0 || len(w.evals) == 0 {
		t.Fatalf("%d test samples were looked at in training, %d evaluations", looked, len(w.evals))
	}
	for _, e := range w.evals {
		if e.Set != "validation" {
			t.Fatalf("evaluation is of the %s set", e.Set)
		}
	}
	if r.Outcome != EarlyStopped || m.best == nil || m.best.Best != r.Best.Accuracy() {
		t.Errorf("%+v, want patience to end the run and the best checkpoint of the best evaluation", r)
	}
	got, err := s.Evaluate(t.Context(), s.cfg.Task.Test)
	if err != nil || got != *r.Last || looked == 0 {
		t.Errorf("the same samples give %+v as test and %+v as validation, %v", got, *r.Last, err)
	}
}

// countedSet counts the samples that are looked at.
type countedSet struct {
	data.Set
	looked *int
}

func (s countedSet) Fill(b *data.Batch, col, epoch, index int) error {
	*s.looked++
	return s.Set.Fill(b, col, epoch, index)
}
