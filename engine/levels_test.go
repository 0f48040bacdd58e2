package engine

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"galvani/data"
	"galvani/engine/rundir"
)

// easy is a level of the toy task that a guess solves: class 0 alone.
type easy struct{ data.Set }

func (s easy) Fill(b *data.Batch, col, epoch, index int) error {
	err := s.Set.Fill(b, col, epoch, index)
	b.Label[col] = 0
	return err
}

// twoLevels gives a toy session two easy levels before the task, which last an evaluation each, or more.
func twoLevels(threshold float64) func(*Config) {
	return func(c *Config) {
		for _, name := range []string{"one", "two"} {
			level := *c.Task
			level.Train = easy{&toySet{n: 50, name: name, fresh: true, fail: -1}}
			level.Validation = easy{&toySet{n: 11, name: name, fail: -1}}
			c.Curriculum.Levels = append(c.Curriculum.Levels, &level)
		}
		c.Task.Validation = &toySet{n: 11, name: "validation", fail: -1}
		c.Curriculum.Threshold, c.Options.EvalEvery, c.Options.LR = threshold, 3, 0.05
	}
}

// TestCurriculum holds that training rises when an evaluation of a level passes the threshold, that results of a higher
// level are better than all below, and that patience begins anew.
func TestCurriculum(t *testing.T) {
	m, w := &memory{}, &watcher{}
	s := newToySession(t, func(c *Config) {
		twoLevels(0.95)(c)
		c.Options.Patience = 2
	})
	r := train(t, s, w, m)
	var levels []int
	for i, e := range w.evals {
		levels = append(levels, e.Level)
		passed := e.Level < 2 && e.Held.Accuracy() >= 0.95
		if i+1 < len(w.evals) && w.evals[i+1].Level != e.Level+map[bool]int{true: 1}[passed] {
			t.Errorf("levels %v: evaluation %d at level %d has an accuracy of %v", levels, i, e.Level, e.Held.Accuracy())
		}
		if first := i == 0 || w.evals[i-1].Level < e.Level; first && !e.Improved {
			t.Errorf("the first evaluation at level %d is no improvement", e.Level)
		}
	}
	if last := levels[len(levels)-1]; last != 2 || !slices.Contains(levels, 1) {
		t.Fatalf("levels %v, want all three", levels)
	}
	var p Progress
	if err := json.Unmarshal([]byte(m.best.Extra[progressKey]), &p); err != nil || p.BestLevel != 2 || r.Best == nil || *r.Best != *p.Best {
		t.Errorf("the best checkpoint is %+v, the result %+v, %v", p, r.Best, err)
	}
}

// TestCurriculumResumes stops a run after every update in turn, by a signal and by its number of updates, and goes on: its
// bits and counters are those of one that was not stopped. What the loader has filled before a rise is not learned from, and
// the evaluation at an end between two others does not count.
func TestCurriculumResumes(t *testing.T) {
	change := func(c *Config) {
		twoLevels(0.8)(c)
		c.Options.MaxSteps = 12
	}
	whole := newToySession(t, change)
	train(t, whole, nil, &memory{})
	if whole.progress.Level != 2 {
		t.Fatalf("training ends at level %d, want 2", whole.progress.Level)
	}
	goOn := func(m *memory) {
		s := newToySession(t, change)
		if err := s.Restore(m.saved[len(m.saved)-1]); err != nil {
			t.Fatal(err)
		}
		train(t, s, nil, m)
		sameState(t, s, whole)
	}
	for stop := 1; stop < 12; stop++ {
		short, ended := &memory{}, &watcher{}
		train(t, newToySession(t, func(c *Config) {
			change(c)
			c.Options.MaxSteps = stop
		}), ended, short)
		if last := ended.evals[len(ended.evals)-1]; last.Step != stop {
			t.Errorf("a run of %d updates is evaluated after %d last", stop, last.Step)
		}
		goOn(short)
		ctx, cancel := context.WithCancel(t.Context())
		m := &memory{}
		if _, err := newToySession(t, change).Train(ctx, &watcher{step: func(e StepEvent) error {
			if e.Step == stop {
				cancel()
			}
			return nil
		}}, m); err != nil {
			t.Fatal(err)
		}
		goOn(m)
	}
	wrong := func(text string) *rundir.State {
		st, err := whole.State()
		if err != nil {
			t.Fatal(err)
		}
		st.Extra[progressKey] = text
		return st
	}
	for _, text := range []string{`{"level":3}`, `{"level":-1}`, `{"level":1,"best_level":2}`} {
		if err := newToySession(t, change).Restore(wrong(text)); err == nil {
			t.Errorf("progress %s is taken", text)
		}
	}
}
