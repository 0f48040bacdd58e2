package engine

import (
	"context"
	"errors"
	"math"
	"testing"

	"galvani/data"
)

// TestWidths: graphs are no wider than the set, and the last batch of an epoch has a graph of its own
// width, in training and in evaluations. What they give is what full batches with sequences of weight 0
// gave.
func TestWidths(t *testing.T) {
	for _, c := range []struct{ samples, batch, full, last int }{
		{9, 8192, 9, 9}, {65, 64, 64, 1}, {7, 3, 3, 1}, {6, 3, 3, 3},
	} {
		s := newToySession(t, func(cfg *Config) {
			task := *cfg.Task
			task.Train = &toySet{n: c.samples, name: "train", fail: -1}
			task.Test = &toySet{n: c.samples, name: "test", fail: -1}
			cfg.Task, cfg.Options.Batch, cfg.Options.Epochs = &task, c.batch, 1
		})
		if got := graphsOf(s).train.cfg.B; got != c.full {
			t.Errorf("%d samples in batches of %d: the graph has %d sequences, want %d", c.samples, c.batch, got, c.full)
		}
		r, err := s.Train(context.Background(), nil, nil)
		if err != nil || r.Outcome != Done {
			t.Fatal(r, err)
		}
		want := map[widthOf]bool{}
		if c.last != c.full {
			want[widthOf{c.last, true}], want[widthOf{c.last, false}] = true, true
		}
		for key := range graphsOf(s).others {
			if !want[key] {
				t.Errorf("%d samples in batches of %d: there is a graph of %d sequences", c.samples, c.batch, key.b)
			}
			delete(want, key)
		}
		if len(want) > 0 {
			t.Errorf("%d samples in batches of %d: there is no graph for %v", c.samples, c.batch, want)
		}
		m, err := s.Evaluate(context.Background(), s.cfg.Task.Test)
		if err != nil {
			t.Fatal(err)
		}
		if m.Count != c.samples {
			t.Errorf("%d samples in batches of %d: %d were counted", c.samples, c.batch, m.Count)
		}
		if blanks := withBlanks(t, s, c.samples+2); !(math.Abs(m.Loss()-blanks) <= tolWidths) {
			t.Errorf("%d samples in batches of %d: loss %v, in one batch with blanks %v", c.samples, c.batch, m.Loss(), blanks)
		}
	}
}

// withBlanks returns the loss of the test set in one batch of b sequences, those beyond the set of weight
// 0.
func withBlanks(t *testing.T, s *Session, b int) float64 {
	t.Helper()
	cfg := s.cfg.graphConfig()
	cfg.B, cfg.Grad = b, false
	g, err := NewGraph(cfg, s.params)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	batch := data.NewBatch(s.cfg.Task, b)
	err = plan{set: s.cfg.Task.Test, batch: b}.fill(batch, nil, 0, 0)
	if err = errors.Join(err, g.Load(batch)); err != nil {
		t.Fatal(err)
	}
	if err := g.Run(); err != nil {
		t.Fatal(err)
	}
	return g.Loss()
}

// tolWidths is for sums of at most 65 losses of order 1 in another order, rounded to float32 each.
const tolWidths = 1e-5
