package engine

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"galvani/data"
	"galvani/engine/group"
)

// ranksOf returns the sessions of a run of so many ranks, each with a network, a task and a configuration
// of its own.
func ranksOf(t *testing.T, ranks int, change func(*Config)) []*Session {
	t.Helper()
	var list []*Session
	for _, g := range group.DryRun(ranks) {
		list = append(list, newToySession(t, func(c *Config) {
			c.Group, c.Options.Shards = g, 4
			if change != nil {
				change(c)
			}
		}))
	}
	return list
}

func trainRanks(t *testing.T, list []*Session, obs Observer, save Saver) Result {
	t.Helper()
	r, err := Ranks(t.Context(), list, obs, save)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sameRanks compares runs of 1, 2 and 4 ranks: what is told and all tensors of every rank, bit by bit.
// The last batch of an epoch has 2 sequences for 4 shards.
func sameRanks(t *testing.T, change func(*Config)) {
	t.Helper()
	want := &watcher{}
	one := ranksOf(t, 1, change)
	trainRanks(t, one, want, nil)
	for _, n := range []int{2, 4} {
		got := &watcher{}
		list := ranksOf(t, n, change)
		trainRanks(t, list, got, nil)
		if !slices.EqualFunc(got.steps, want.steps, func(a, b StepEvent) bool { return a == b }) {
			t.Errorf("%d ranks: the updates tell something else", n)
		}
		if len(got.evals) != len(want.evals) || !reflect.DeepEqual(got.evals[0], want.evals[0]) {
			t.Errorf("%d ranks: evaluations %+v, want %+v", n, got.evals, want.evals)
		}
		for _, s := range list {
			sameState(t, one[0], s)
		}
	}
}

func TestRanksSameBits(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"last":  func(*Config) {},
		"every": func(c *Config) { c.Task.Every, c.Task.Goal = true, data.Regress },
		"stops early": func(c *Config) {
			c.Options.Patience, c.Options.EvalEvery, c.Options.LR = 2, 3, 1e-9
		},
	} {
		t.Run(name, func(t *testing.T) { sameRanks(t, change) })
	}
}

// tolShards bounds the difference of two sums of a few hundred terms in float32, relative to the largest.
const tolShards = 1e-5

// TestShardsMeanOfAll holds that the gradient of shards is that of the mean over the whole batch, also
// where shards have different weights and numbers of sequences.
func TestShardsMeanOfAll(t *testing.T) {
	whole := newToySession(t, nil)
	b := batchOf(t, whole, 0)
	for i := range b.Weight {
		b.Weight[i] = float32(i * i % 5) // 0 for some
	}
	want, err := whole.Step(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, shards := range []int{2, 8} {
		s := newToySession(t, func(c *Config) { c.Options.Shards = shards })
		got, m, err := graphsOf(s).shards.of(b)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(Norm(got)-want.GradNorm) > tolShards*want.GradNorm || math.Abs(m.LossSum-want.Metrics.LossSum) > tolShards*m.LossSum {
			t.Errorf("%d shards: norm %v, loss %v, want %v, %v", shards, Norm(got), m.LossSum, want.GradNorm, want.Metrics.LossSum)
		}
		if m.Weight != want.Metrics.Weight || m.Correct != want.Metrics.Correct || m.Count != want.Metrics.Count {
			t.Errorf("%d shards: %+v, want %+v", shards, m, want.Metrics)
		}
	}
}

// TestRanksResume stops a run of 4 ranks in the middle of an epoch and at an evaluation, and goes on with 2: all
// that is told and the state at the end are those of a run of one rank that was not stopped.
func TestRanksResume(t *testing.T) {
	change := func(c *Config) { c.Options.EvalEvery = 5 }
	want := &watcher{}
	whole := ranksOf(t, 1, change)
	trainRanks(t, whole, want, nil)
	for _, stop := range []int{9, 10} {
		ctx, cancel := context.WithCancel(t.Context())
		got, m := &watcher{}, &memory{}
		got.step = func(e StepEvent) error {
			if e.Step == stop {
				cancel()
			}
			return nil
		}
		r, err := Ranks(ctx, ranksOf(t, 4, change), got, m)
		if err != nil || r.Outcome != Cancelled {
			t.Fatalf("stop at %d: %+v, %v", stop, r, err)
		}
		list := ranksOf(t, 2, change)
		for _, s := range list {
			if err := s.Restore(m.saved[len(m.saved)-1]); err != nil {
				t.Fatal(err)
			}
		}
		trainRanks(t, list, got, m)
		for _, s := range list {
			sameState(t, whole[0], s)
		}
		if !slices.Equal(got.steps, want.steps) {
			t.Errorf("stop at %d: updates were lost or told twice", stop)
		}
	}
}

// numberedSet gives sample i the weight 4^i, so that the weights of an epoch, added up, tell in base 4 how often each came.
type numberedSet struct{ toySet }

func (s *numberedSet) Fill(b *data.Batch, col, epoch, index int) error {
	err := s.toySet.Fill(b, col, epoch, index)
	b.Weight[col] = float32(int(1) << (2 * index))
	return err
}

// TestRanksCountSamples stops a run in the middle of an epoch and goes on with another number of ranks: the updates of each
// epoch have had every sample once.
func TestRanksCountSamples(t *testing.T) {
	const samples, perEpoch = 10, 3
	change := func(c *Config) {
		c.Task.Train = &numberedSet{toySet{n: samples, name: "train", fail: -1}}
		c.Options.Batch = 4
	}
	for _, n := range [][2]int{{1, 4}, {4, 2}, {2, 1}} {
		ctx, cancel := context.WithCancel(t.Context())
		w, m := &watcher{}, &memory{}
		w.step = func(e StepEvent) error {
			if e.Step == perEpoch+1 {
				cancel()
			}
			return nil
		}
		if r, err := Ranks(ctx, ranksOf(t, n[0], change), w, m); err != nil || r.Outcome != Cancelled {
			t.Fatalf("%d ranks: %+v, %v", n[0], r, err)
		}
		list := ranksOf(t, n[1], change)
		for _, s := range list {
			if err := s.Restore(m.saved[len(m.saved)-1]); err != nil {
				t.Fatal(err)
			}
		}
		trainRanks(t, list, w, m)
		sums := make([]float64, 3)
		for _, e := range w.steps {
			sums[e.Epoch] += e.Metrics.Weight
		}
		for epoch, sum := range sums {
			if want := float64(1<<(2*samples)-1) / 3; sum != want {
				t.Errorf("%d and then %d ranks, epoch %d: samples came as often as the digits of %b in base 4 say, want each once", n[0], n[1], epoch, int(sum))
			}
		}
	}
}

// TestRanksFail lets one rank of three kinds fail, and wants the cause told by rank 0 and no rank left
// behind.
func TestRanksFail(t *testing.T) {
	last := func(list []*Session) *Session { return list[len(list)-1] }
	t.Run("data", func(t *testing.T) {
		list := ranksOf(t, 4, nil)
		last(list).cfg.Task.Train.(*toySet).fail = 20
		_, err := Ranks(t.Context(), list, nil, nil)
		if err == nil || !strings.Contains(err.Error(), "rank 3") || !strings.Contains(err.Error(), "broken sample") {
			t.Errorf("error %v, want the broken sample of rank 3", err)
		}
	})
	t.Run("not finite", func(t *testing.T) {
		list := ranksOf(t, 4, func(c *Config) { c.Task = spoilt(c.Task, 20) })
		r, err := Ranks(t.Context(), list, nil, nil)
		var named *NotFiniteError
		if err != nil || r.Outcome != NotFinite || !errors.As(r.Cause, &named) || named.Tensor != "input x" {
			t.Errorf("%+v (%v), want the input named", r, err)
		}
	})
	t.Run("observer", func(t *testing.T) {
		stop := errors.New("disk full")
		m := &memory{}
		r, err := Ranks(t.Context(), ranksOf(t, 4, nil), &watcher{step: func(StepEvent) error { return stop }}, m)
		if !errors.Is(err, stop) || !r.Saved {
			t.Errorf("%+v (%v), want the observer's error and a checkpoint", r, err)
		}
	})
}

func TestShardsRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"not a power of two":  {func(c *Config) { c.Options.Shards = 3 }, "powers of two"},
		"more ranks":          {func(c *Config) { c.Options.Shards, c.Group = 2, group.DryRun(4)[1] }, "a part for each rank"},
		"ranks without parts": {func(c *Config) { c.Options.Shards, c.Group = 1, group.DryRun(2)[0] }, "a part for each rank"},
		"small batches":       {func(c *Config) { c.Options.Shards = 16 }, "batches of 8 sequences"},
		"stateful":            {func(c *Config) { c.Options.Shards, c.Options.Stateful = 2, true }, "take shards = 1"},
		"stateful ranks":      {func(c *Config) { c.Options.Stateful, c.Group = true, group.DryRun(2)[0] }, "there are 2 ranks; start one process"},
	} {
		cfg := Config{Net: newToy(), Task: newToyTask(), Options: toyOptions()}
		c.change(&cfg)
		if _, err := NewSession(cfg); !errors.Is(err, ErrOption) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want ErrOption and %q", name, err, c.want)
		}
	}
}

// TestRanksUnequal changes one number of one of four ranks, and wants all of them to end, the tensor named
// and nothing saved.
func TestRanksUnequal(t *testing.T) {
	list := ranksOf(t, 4, nil)
	p := list[2].Params()
	p.slice(1)[0]++
	m := &memory{}
	r, err := Ranks(t.Context(), list, nil, m)
	if !errors.Is(err, ErrUnequal) || !strings.Contains(err.Error(), p.specs[1].Name+" of rank 2") || r.Saved || m.saved != nil {
		t.Errorf("%v, saved %v, want that %s of rank 2 differs, and nothing saved", err, r.Saved, p.specs[1].Name)
	}
}

func TestDivide(t *testing.T) {
	for want, c := range map[int]struct {
		o       Options
		divided bool
	}{
		1: {Options{Accumulate: 1}, false}, 8: {Options{Accumulate: 1}, true}, 16: {Options{Accumulate: 9}, false}, 4: {Options{Shards: 4, Accumulate: 2}, true},
	} {
		o := c.o
		o.Divide(c.divided)
		if o.Shards != want {
			t.Errorf("%+v: %d shards, want %d", c, o.Shards, want)
		}
	}
}
