package engine

import (
	"errors"
	"slices"
	"testing"

	"galvani/data"
)

// faulty is a set whose samples cannot be read from some call of Fill on, as with a damaged
// file that is mended later.
type faulty struct {
	data.Set
	good *int // calls that succeed
}

var errFaulty = errors.New("damaged file")

func (f faulty) Fill(b *data.Batch, col, epoch, index int) error {
	if *f.good--; *f.good < 0 {
		return errFaulty
	}
	return f.Set.Fill(b, col, epoch, index)
}

// TestEveryEndSaves holds that a run that fails, whatever fails, saves its state, and that the
// same run goes on from there as if nothing had been.
func TestEveryEndSaves(t *testing.T) {
	whole := newToySession(t, nil)
	train(t, whole, nil, &memory{})
	want, err := whole.State()
	if err != nil {
		t.Fatal(err)
	}
	stepped := func(at int) *watcher {
		return &watcher{step: func(e StepEvent) error {
			if e.Step == at {
				return errFaulty
			}
			return nil
		}}
	}
	for name, c := range map[string]struct {
		good func(*Config) *int // of a set that fails
		n    int
		obs  Observer
		best bool
		step int // that is reached
	}{
		"training data at once":      {good: trainFails, n: 0, step: 0},
		"training data in an epoch":  {good: trainFails, n: 60, step: 8},
		"test data":                  {good: testFails, n: 37 + 5, step: 14},
		"observer of a step":         {obs: stepped(10), step: 10},
		"observer of the first step": {obs: stepped(1), step: 1},
		"observer of an evaluation":  {obs: &watcher{eval: func(EvalEvent) error { return errFaulty }}, step: 7},
		"best checkpoint":            {best: true, step: 7},
	} {
		m := &memory{}
		if c.best {
			m.failBest = errFaulty
		}
		s := newToySession(t, func(cfg *Config) {
			if c.good != nil {
				*c.good(cfg) = c.n
			}
		})
		r, err := s.Train(t.Context(), c.obs, m)
		if !errors.Is(err, errFaulty) || !r.Saved || r.Step != c.step || len(m.saved) == 0 {
			t.Errorf("%s: error %v, %+v, %d checkpoints; want the state of step %d saved", name, err, r, len(m.saved), c.step)
			continue
		}
		m.failBest = nil
		again := newToySession(t, nil)
		if err := again.Restore(m.saved[len(m.saved)-1]); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		train(t, again, nil, m)
		got, err := again.State()
		if err != nil {
			t.Fatal(err)
		}
		for k, x := range got.Tensors {
			if !slices.Equal(x.Data, want.Tensors[k].Data) {
				t.Errorf("%s: %s differs from the uninterrupted run", name, x.Name)
			}
		}
		if got.Extra[progressKey] != want.Extra[progressKey] {
			t.Errorf("%s: progress\n%s, want\n%s", name, got.Extra[progressKey], want.Extra[progressKey])
		}
	}
}

func trainFails(c *Config) *int {
	good := new(int)
	c.Task.Train = faulty{c.Task.Train, good}
	return good
}

func testFails(c *Config) *int {
	good := new(int)
	c.Task.Test = faulty{c.Task.Test, good}
	return good
}

// TestFailedSaverIsNotTried holds that a run whose checkpoint cannot be saved says so.
func TestFailedSaverIsNotTried(t *testing.T) {
	m := &memory{fail: errFaulty}
	s := newToySession(t, func(c *Config) { c.Options.CheckpointEvery, c.Options.EvalEvery = 3, 100 })
	r, err := s.Train(t.Context(), nil, m)
	if !errors.Is(err, errFaulty) || r.Saved || len(m.saved) != 1 {
		t.Errorf("error %v, %+v, %d attempts; want one that failed", err, r, len(m.saved))
	}
}

// TestBestNeverGetsWorse trains two sessions with one saver, the second of which has seen
// nothing of the first and does not become as good: a run that is resumed from an early
// checkpoint.
func TestBestNeverGetsWorse(t *testing.T) {
	m := &memory{}
	good := train(t, newToySession(t, func(c *Config) { c.Options.Epochs = 12 }), nil, m)
	record := m.best
	w := &watcher{}
	r := train(t, newToySession(t, func(c *Config) { c.Options.Epochs, c.Options.LR = 2, 1e-6 }), w, m)
	if m.best != record || *r.Best != *good.Best {
		t.Errorf("best is %+v, of the checkpoint %v, want %+v and %v", *r.Best, m.best.Best, *good.Best, record.Best)
	}
	for _, e := range w.evals {
		if e.Improved {
			t.Errorf("step %d is told as the best", e.Step)
		}
	}
	// The same course once more comes to the same best, and may save it.
	train(t, newToySession(t, func(c *Config) { c.Options.Epochs = 12 }), nil, m)
	if m.best.Best != record.Best {
		t.Errorf("best is %v, want %v", m.best.Best, record.Best)
	}
	// A better one replaces it.
	record = m.best
	record.Extra[progressKey] = `{"best":{"loss_sum":9,"weight":1,"correct":0,"count":1}}`
	train(t, newToySession(t, nil), nil, m)
	if m.best == record {
		t.Errorf("a better result than 0 of 1 did not replace the best checkpoint")
	}
}
