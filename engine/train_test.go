package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"galvani/data"
	"galvani/engine/rundir"
	"galvani/kernels"
	"galvani/kernels/optimisers"
)

// memory keeps checkpoints.
type memory struct {
	saved    []*rundir.State
	best     *rundir.State
	fail     error // of both kinds
	failBest error
}

func (m *memory) Save(s *rundir.State) error {
	m.saved = append(m.saved, s)
	return m.fail
}

func (m *memory) SaveBest(s *rundir.State) error {
	if m.failBest == nil {
		m.best = s
	}
	return cmp.Or(m.fail, m.failBest)
}

func (m *memory) Best() (*rundir.State, error) {
	if m.best == nil {
		return nil, rundir.ErrNoCheckpoint
	}
	return m.best, nil
}

// watcher records events and may act on them.
type watcher struct {
	steps []StepEvent
	evals []EvalEvent
	step  func(StepEvent) error
	eval  func(EvalEvent) error
}

func (w *watcher) Stepped(e StepEvent) error {
	w.steps = append(w.steps, e)
	if w.step != nil {
		return w.step(e)
	}
	return nil
}

func (w *watcher) Evaluated(e EvalEvent) error {
	w.evals = append(w.evals, e)
	if w.eval != nil {
		return w.eval(e)
	}
	return nil
}

func train(t *testing.T, s *Session, obs Observer, save Saver) Result {
	t.Helper()
	r, err := s.Train(t.Context(), obs, save)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTrainLearns(t *testing.T) {
	for _, name := range optimisers.Names() {
		w, m := &watcher{}, &memory{}
		s := newToySession(t, func(c *Config) {
			c.Options.Optimizer, c.Options.Epochs = name, 12
			if name == "sgd" {
				c.Options.LR = 0.1
			}
		})
		r := train(t, s, w, m)
		if r.Outcome != Done || r.Step != 12*7 || len(w.steps) != 12*7 || len(w.evals) != 12 {
			t.Fatalf("%s: %+v with %d steps and %d evaluations", name, r, len(w.steps), len(w.evals))
		}
		if acc := r.Best.Accuracy(); acc < 0.85 || m.best == nil || m.best.Best != acc {
			t.Errorf("%s: best accuracy %v, want at least 0.85 and a checkpoint of it", name, acc)
		}
		if len(m.saved) != 12 || m.saved[11].Step != 84 || m.saved[0].Step != 7 || m.saved[0].Epoch != 1 || m.saved[0].Cursor != 0 {
			t.Errorf("%s: %d checkpoints, want one after each epoch", name, len(m.saved))
		}
		if e := w.steps[8]; e.Epoch != 1 || e.Batch != 1 || e.Step != 9 || e.Running.Count != 16 {
			t.Errorf("%s: update 9 is %+v", name, e)
		}
		if e := w.evals[1]; e.Step != 14 || e.Epoch != 1 || e.Train.Count != 50 || e.Held.Count != 37 {
			t.Errorf("%s: evaluation 2 is %+v", name, e)
		}
	}
}

func TestCadence(t *testing.T) {
	w, m := &watcher{}, &memory{}
	s := newToySession(t, func(c *Config) { c.Options.EvalEvery, c.Options.CheckpointEvery, c.Options.MaxSteps = 4, 5, 18 })
	if r := train(t, s, w, m); r.Step != 18 || r.Last == nil {
		t.Errorf("%+v, want 18 updates", r)
	}
	var evals, saved []int
	for _, e := range w.evals {
		evals = append(evals, e.Step)
	}
	for _, st := range m.saved {
		saved = append(saved, int(st.Step))
	}
	if want := []int{4, 8, 12, 16, 18}; !slices.Equal(evals, want) {
		t.Errorf("evaluations after %v, want %v", evals, want)
	}
	if want := []int{5, 10, 15, 18}; !slices.Equal(saved, want) {
		t.Errorf("checkpoints after %v, want %v", saved, want)
	}
	// A run that is done makes no more updates.
	again := &memory{}
	if r := train(t, s, w, again); r.Outcome != Done || r.Step != 18 || len(again.saved) != 0 {
		t.Errorf("trained on after the end: %+v", r)
	}
}

func TestWithoutTestSet(t *testing.T) {
	s := newToySession(t, func(c *Config) { c.Task.Test = nil; c.Options.Patience = 1 })
	if r := train(t, s, nil, nil); r.Outcome != Done || r.Step != 21 || r.Best != nil {
		t.Errorf("%+v, want 21 updates without evaluation", r)
	}
}

func TestEarlyStop(t *testing.T) {
	w, m := &watcher{}, &memory{}
	s := newToySession(t, func(c *Config) {
		c.Options.LR = 0
		c.Options.Patience = 2
		c.Options.EvalEvery = 3
		c.Options.Epochs = 50
	})
	r := train(t, s, w, m)
	// Nothing improves on the first evaluation.
	if r.Outcome != EarlyStopped || r.Step != 9 || len(w.evals) != 3 || !w.evals[0].Improved || w.evals[2].Improved {
		t.Errorf("%+v after %d evaluations, want an early stop after 9 updates", r, len(w.evals))
	}
	if n := len(m.saved); n == 0 || m.saved[n-1].Step != 9 {
		t.Error("the end of the run is not saved")
	}
}

// TestStopAt ends training by a result, and goes on for a higher one.
func TestStopAt(t *testing.T) {
	var at float64
	build := func() *Session {
		return newToySession(t, func(c *Config) { c.Options.StopAt, c.Options.Epochs = at, 12 })
	}
	at = 0.6
	m := &memory{}
	r := train(t, build(), nil, m)
	if r.Outcome != Reached || r.Step >= 12*7 || r.Last.Accuracy() < at || m.saved[len(m.saved)-1].Step != int64(r.Step) {
		t.Fatalf("%+v, last accuracy %v, want an end at %v that is saved", r, r.Last.Accuracy(), at)
	}
	for _, next := range []struct {
		at   float64
		want Outcome
	}{{0.6, Reached}, {1, Done}, {0, Done}} {
		at = next.at
		s := build()
		if err := s.Restore(m.saved[len(m.saved)-1]); err != nil {
			t.Fatal(err)
		}
		if again := train(t, s, nil, nil); again.Outcome != next.want || (again.Step == r.Step) != (next.want == Reached) {
			t.Errorf("with stop_at = %v the run goes on to %+v, want %v", at, again, next.want)
		}
	}
	cfg := Config{Net: newToy(), Task: newToyTask(), Options: toyOptions()}
	cfg.Options.StopAt = 90
	if _, err := NewSession(cfg); !errors.Is(err, ErrOption) {
		t.Errorf("an accuracy of 90: error %v, want ErrOption", err)
	}
}

// TestPlateau holds when the rate drops where nothing improves on the first evaluation.
func TestPlateau(t *testing.T) {
	w := &watcher{}
	s := newToySession(t, func(c *Config) {
		o := &c.Options
		o.LR, o.Schedule, o.StepAfter, o.StepDrop, o.LRFinal, o.EvalEvery, o.Epochs = 1e-30, "plateau", 2, 0.5, 0.2, 1, 2
	})
	train(t, s, w, nil)
	for i, e := range w.steps {
		if want := 1e-30 * max(math.Pow(0.5, float64((i-1)/2)), 0.2); math.Abs(e.LR/want-1) > 1e-12 {
			t.Errorf("update %d has the rate %v, want %v", i+1, e.LR, want)
		}
	}
}

// TestResume stops a run at five points, within epochs, in an evaluation and at the end of
// an epoch, and goes on in a new session from the checkpoint: all tensors and counters are
// the same bits as those of the run that was not stopped.
func TestResume(t *testing.T) {
	for k, stateful := range []bool{false, true, true} {
		layers, tensors := k > 1, 6+2*5
		if layers {
			tensors = 10 + 2*10
		}
		build := func() *Session {
			return newToySession(t, func(c *Config) {
				if layers {
					c.Net = twoLayers(t, "gru")
				}
				c.Options.Epochs, c.Options.Stateful, c.Options.Schedule, c.Options.EvalEvery = 6, stateful, "onecycle", 5
				if k == 0 {
					c.Options.Schedule, c.Options.StepAfter, c.Options.LR = "plateau", 1, 0.1
				}
			})
		}
		whole, ww := build(), &watcher{}
		train(t, whole, ww, nil)
		want, err := whole.State()
		if err != nil {
			t.Fatal(err)
		}
		if k == 0 && whole.Progress().Drops == 0 {
			t.Error("the rate has not dropped")
		}
		r := newStream(uint64(b2i(stateful)), "stop points")
		stops := []int{7, 10}
		for i := range uint64(3) {
			stops = append(stops, 1+int(r.At(i)%40))
		}
		for i, stop := range stops {
			ctx, cancel := context.WithCancel(t.Context())
			w := &watcher{step: func(e StepEvent) error {
				if e.Step == stop {
					cancel() // at 10 the evaluation that is due is cut off, too
				}
				return nil
			}}
			m := &memory{}
			res, err := build().Train(ctx, w, m)
			if err != nil || res.Outcome != Cancelled || res.Step != stop {
				t.Fatalf("stop at %d: %+v, error %v", stop, res, err)
			}
			s := build()
			if err := s.Restore(m.saved[len(m.saved)-1]); err != nil {
				t.Fatal(err)
			}
			train(t, s, w, m)
			got, err := s.State()
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Tensors) != tensors+b2i(stateful) {
				t.Errorf("%d tensors in the checkpoint", len(got.Tensors))
			}
			for k, x := range got.Tensors {
				if !slices.Equal(x.Data, want.Tensors[k].Data) {
					t.Errorf("stop %d at %d: %s differs from the uninterrupted run", i, stop, x.Name)
				}
			}
			if got.Extra[progressKey] != want.Extra[progressKey] || got.Best != want.Best {
				t.Errorf("stop at %d: progress\n%s, want\n%s", stop, got.Extra[progressKey], want.Extra[progressKey])
			}
			if !slices.Equal(w.steps, ww.steps) || !reflect.DeepEqual(w.evals, ww.evals) {
				t.Errorf("stop at %d: the events differ from those of the uninterrupted run", stop)
			}
		}
	}
}

// TestResumeFromDisk takes the way through a run directory.
func TestResumeFromDisk(t *testing.T) {
	run, err := rundir.Create(t.TempDir(), "toy", "toy", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	whole := newToySession(t, nil)
	train(t, whole, nil, nil)
	first := newToySession(t, func(c *Config) { c.Source, c.Version = "seed = 1\n", "test" })
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := first.Train(ctx, &watcher{step: func(e StepEvent) error {
		if e.Step == 9 {
			cancel()
		}
		return nil
	}}, run); err != nil {
		t.Fatal(err)
	}
	st, _, err := run.Latest()
	if err != nil {
		t.Fatal(err)
	}
	if st.Step != 9 || st.Config != "seed = 1\n" || st.Version != "test" || st.Device != "graph" || st.Cursor != 2 {
		t.Errorf("checkpoint of step %d, config %q, version %q, device %q, cursor %d", st.Step, st.Config, st.Version, st.Device, st.Cursor)
	}
	second := newToySession(t, nil)
	if err := second.Restore(st); err != nil {
		t.Fatal(err)
	}
	train(t, second, nil, nil)
	if !slices.Equal(second.params.flat, whole.params.flat) {
		t.Error("the resumed run differs from the uninterrupted one")
	}
	eval := newToySession(t, func(c *Config) { c.Options.Optimizer = "sgd" })
	if err := eval.LoadParams(st); err != nil {
		t.Error(err)
	}
}

func TestCancelBeforeStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := &memory{}
	r, err := newToySession(t, nil).Train(ctx, nil, m)
	if err != nil || r.Outcome != Cancelled || r.Step != 0 || len(m.saved) != 1 {
		t.Errorf("%+v, error %v, %d checkpoints", r, err, len(m.saved))
	}
}

// TestNotFiniteKeepsCheckpoint holds that the checkpoint before the bad step is the last.
func TestNotFiniteKeepsCheckpoint(t *testing.T) {
	m := &memory{}
	s := newToySession(t, func(c *Config) { c.Options.CheckpointEvery = 4 })
	r := train(t, s, &watcher{step: func(e StepEvent) error {
		if e.Step == 10 {
			s.params.slice(0)[0] = nan32
		}
		return nil
	}}, m)
	if r.Outcome != NotFinite || !errors.Is(r.Cause, ErrNotFinite) || r.Step != 10 {
		t.Errorf("%+v, want NotFinite after 10 updates", r)
	}
	if a := s.Advice(r); !strings.Contains(a, "lower lr or clip,") {
		t.Errorf("advice %q, want lr and clip in it", a)
	}
	s.learner = struct{ Learner }{s.learner} // one that makes no gradient
	if a := s.Advice(r); !strings.Contains(a, "lower lr,") {
		t.Errorf("advice %q where nothing is clipped", a)
	}
	if last := m.saved[len(m.saved)-1]; last.Step != 8 {
		t.Errorf("last checkpoint is of step %d, want 8", last.Step)
	}
}

// TestNotFiniteAtOnce holds that lr is not blamed for what is not finite before anything is learned, and that it is for the
// first update.
func TestNotFiniteAtOnce(t *testing.T) {
	s := newToySession(t, nil)
	s.params.slice(0)[0] = nan32
	r := train(t, s, nil, &memory{})
	if a := s.Advice(r); r.Outcome != NotFinite || r.Step != 0 || strings.Contains(a, "lower lr") || !strings.Contains(a, "size and the signs of the data") {
		t.Errorf("%+v, advice %q", r, a)
	}
	r.Cause = &NotFiniteError{Tensor: updated + " cell.W"}
	if a := s.Advice(r); !strings.Contains(a, "lower lr") {
		t.Errorf("advice %q for the first update", a)
	}
}

// brokenSet fails as a device would that goes away.
type brokenSet struct {
	data.Set
	err error
}

func (b brokenSet) Fill(x *data.Batch, col, epoch, index int) error {
	if epoch == 1 {
		return b.err
	}
	return b.Set.Fill(x, col, epoch, index)
}

func TestErrorsEndTraining(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		change func(*Config)
		obs    Observer
		save   *memory
	}{
		"data":              {func(c *Config) { c.Task.Train = brokenSet{c.Task.Train, broken} }, nil, &memory{}},
		"observer, step":    {nil, &watcher{step: func(StepEvent) error { return broken }}, &memory{}},
		"observer, eval":    {nil, &watcher{eval: func(EvalEvent) error { return broken }}, &memory{}},
		"checkpoint, saver": {nil, nil, &memory{fail: broken}},
	} {
		if _, err := newToySession(t, c.change).Train(t.Context(), c.obs, c.save); !errors.Is(err, broken) {
			t.Errorf("%s: error %v, want the one that came up", name, err)
		}
	}
	lost := fmt.Errorf("device 0: %w", kernels.ErrLost)
	r, err := newToySession(t, func(c *Config) { c.Task.Train = brokenSet{c.Task.Train, lost} }).Train(t.Context(), nil, nil)
	if err != nil || r.Outcome != DeviceLost || r.Step != 7 || !errors.Is(r.Cause, lost) {
		t.Errorf("%+v, error %v, want DeviceLost after the first epoch", r, err)
	}
}

// TestDeterminism holds that three runs of one seed give the same bits, and another seed
// others.
func TestDeterminism(t *testing.T) {
	var first []float32
	for i, seed := range []uint64{1, 1, 1, 2} {
		s := newToySession(t, func(c *Config) { c.Options.Seed = seed })
		train(t, s, nil, nil)
		if i == 0 {
			first = s.params.flat
		}
		if same := slices.Equal(first, s.params.flat); same != (seed == 1) {
			t.Errorf("run %d with seed %d: same bits as the first: %v", i, seed, same)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	good := func() *rundir.State {
		s := newToySession(t, nil)
		if _, err := s.Step(batchOf(t, s, 0)); err != nil {
			t.Fatal(err)
		}
		st, err := s.State()
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	for name, change := range map[string]func(*rundir.State){
		"model":        func(st *rundir.State) { st.Model = "lstm" },
		"task":         func(st *rundir.State) { st.Task = "adding" },
		"no progress":  func(st *rundir.State) { st.Extra = nil },
		"bad progress": func(st *rundir.State) { st.Extra[progressKey] = "{" },
		"bad place":    func(st *rundir.State) { st.Extra[progressKey] = `{"batch":8}` },
		"missing":      func(st *rundir.State) { st.Tensors = st.Tensors[1:] },
		"missing slot": func(st *rundir.State) { st.Tensors = st.Tensors[:len(st.Tensors)-1] },
		"foreign":      func(st *rundir.State) { st.Tensors[3].Name = "cell.X" },
		"shape":        func(st *rundir.State) { st.Tensors[0].Shape = []int{2, 5} },
		"short":        func(st *rundir.State) { st.Tensors[0].Data = st.Tensors[0].Data[4:] },
		"type":         func(st *rundir.State) { st.Tensors[0].DType = "F64" },
	} {
		st, s := good(), newToySession(t, nil)
		change(st)
		before := slices.Clone(s.params.flat)
		if err := s.Restore(st); !errors.Is(err, ErrState) {
			t.Errorf("%s: error %v, want ErrState", name, err)
		}
		if !slices.Equal(before, s.params.flat) || s.progress.Step != 0 {
			t.Errorf("%s: the session has changed", name)
		}
	}
	st, s := good(), newToySession(t, nil)
	st.Tensors[3].Name = "cell.X"
	if err := s.LoadParams(st); !errors.Is(err, ErrState) {
		t.Errorf("LoadParams of a foreign state: error %v, want ErrState", err)
	}
}

func TestParametersOutOfBounds(t *testing.T) {
	one, two := kernels.Bound{Lo: 0, Hi: 2}, kernels.Bound{Lo: math.Inf(-1)}
	spec := kernels.Spec{Name: "cell.A", Shape: []int{2, 2}, Bound: kernels.Free(), Columns: []kernels.Bound{one, two}}
	for _, v := range [][]float32{{0, 0, 2, -5}, {1, -1, 1, -1}} {
		if err := within(spec, v); err != nil {
			t.Errorf("%v gave %v", v, err)
		}
	}
	nan := float32(math.NaN())
	for _, v := range [][]float32{{-1, 0, 0, 0}, {0, 0, 2.5, 0}, {0, 0, 0, 1}, {0, nan, 0, 0}} {
		if err := within(spec, v); !errors.Is(err, ErrState) || !strings.Contains(err.Error(), "cell.A") {
			t.Errorf("%v gave %v", v, err)
		}
	}
}

func TestMetrics(t *testing.T) {
	a := Metrics{LossSum: 2, Weight: 4, Correct: 3, Count: 4}
	if a.Loss() != 0.5 || a.Accuracy() != 0.75 || a.Watched() != 0.75 {
		t.Errorf("%+v: loss %v, accuracy %v", a, a.Loss(), a.Accuracy())
	}
	r := Metrics{LossSum: 2, Weight: 4}
	if !math.IsNaN(r.Accuracy()) || r.Watched() != 0.5 || (Metrics{}).Loss() != 0 {
		t.Errorf("%+v: accuracy %v, watched %v", r, r.Accuracy(), r.Watched())
	}
	for i, c := range []struct {
		m, o Metrics
		want bool
	}{
		{Metrics{LossSum: 9, Weight: 1, Correct: 2, Count: 2}, Metrics{LossSum: 1, Weight: 1, Correct: 1, Count: 2}, true},
		{Metrics{LossSum: 1, Weight: 1, Correct: 1, Count: 2}, Metrics{LossSum: 2, Weight: 1, Correct: 1, Count: 2}, true},
		{a, a, false},
		{Metrics{LossSum: 1, Weight: 1}, Metrics{LossSum: 2, Weight: 1}, true},
		{Metrics{LossSum: 2, Weight: 1}, Metrics{LossSum: 1, Weight: 1}, false},
	} {
		if got := c.m.Better(c.o); got != c.want {
			t.Errorf("case %d: %v, want %v", i, got, c.want)
		}
	}
}

var _ Saver = (*rundir.Run)(nil)
