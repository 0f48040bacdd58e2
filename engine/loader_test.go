package engine

import (
	"slices"
	"testing"

	"galvani/data"
)

// indexSet writes the index of the sample into every input.
type indexSet struct{ n int }

func (s indexSet) Len() int { return s.n }

func (s indexSet) Fill(b *data.Batch, col, epoch, index int) error {
	for t := range b.T {
		b.X[t*b.B+col] = float32(1000*epoch + index)
	}
	b.Weight[col], b.Label[col] = 1, float32(index)
	return nil
}

func indexTask(n int) *data.Task {
	return &data.Task{T: 2, I: 1, O: n, Train: indexSet{n}, Test: indexSet{n}}
}

// TestPlan follows the samples of an epoch of 7 in batches of 3.
func TestPlan(t *testing.T) {
	task := indexTask(7)
	samples := func(p plan, epoch int) (all [][]float32, weights []float32) {
		b := data.NewBatch(task, p.batch)
		for k := range p.batches() {
			if err := p.fill(b, p.order(epoch), epoch, k); err != nil {
				t.Fatal(err)
			}
			all = append(all, slices.Clone(b.X[:3]))
			weights = append(weights, b.Weight...)
		}
		return all, weights
	}
	got, weights := samples(plan{set: task.Train, batch: 3}, 1)
	if want := [][]float32{{1000, 1001, 1002}, {1003, 1004, 1005}, {1006, 0, 0}}; !equalRows(got, want) {
		t.Errorf("in order: %v, want %v", got, want)
	}
	if want := []float32{1, 1, 1, 1, 1, 1, 1, 0, 0}; !slices.Equal(weights, want) {
		t.Errorf("weights %v, want %v", weights, want)
	}
	// Each column is a stretch of the set, so that its state can be carried on.
	got, _ = samples(plan{set: task.Train, batch: 3, stateful: true}, 0)
	if want := [][]float32{{0, 3, 6}, {1, 4, 0}, {2, 5, 0}}; !equalRows(got, want) {
		t.Errorf("stateful: %v, want %v", got, want)
	}
	shuffled := plan{set: task.Train, batch: 7, shuffle: true, seed: 1}
	a, b, again := shuffled.order(0), shuffled.order(1), shuffled.order(0)
	if slices.Equal(a, b) || !slices.Equal(a, again) {
		t.Errorf("orders %v, %v, %v: want epochs to differ and to repeat", a, b, again)
	}
	shuffled.seed = 2
	if slices.Equal(a, shuffled.order(0)) {
		t.Error("two seeds gave the same order")
	}
}

func equalRows(a, b [][]float32) bool { return slices.EqualFunc(a, b, slices.Equal[[]float32]) }

// TestLoader holds that a batch stays valid while the next one is filled, that requests out
// of order are served, and that settle leaves no Fill under way.
func TestLoader(t *testing.T) {
	task := indexTask(20)
	l := newLoader(task, plan{set: task.Train, batch: 5})
	defer l.close()
	want := func(b *data.Batch, first float32) {
		t.Helper()
		if b.X[0] != first {
			t.Errorf("batch starts with sample %v, want %v", b.X[0], first)
		}
	}
	for epoch := range 3 {
		for k := range 4 {
			b, err := l.next(place{epoch, k})
			if err != nil {
				t.Fatal(err)
			}
			l.prefetch(place{epoch + (k+1)/4, (k + 1) % 4})
			l.settle()
			want(b, float32(1000*epoch+5*k))
		}
	}
	b, err := l.next(place{7, 2})
	if err != nil {
		t.Fatal(err)
	}
	want(b, 7010)
}

func TestLoaderError(t *testing.T) {
	task := newToyTask()
	task.Train = &toySet{n: 9, fail: 4}
	l := newLoader(task, plan{set: task.Train, batch: 3})
	defer l.close()
	if _, err := l.next(place{0, 0}); err != nil {
		t.Error(err)
	}
	if _, err := l.next(place{0, 1}); err == nil {
		t.Error("the error of Fill is lost")
	}
	if _, err := l.next(place{0, 2}); err != nil {
		t.Error(err)
	}
}

// TestLoaderOwn holds that a rank gets its columns of a batch, and all of them for a second look.
func TestLoaderOwn(t *testing.T) {
	task := newToyTask()
	task.Train = &toySet{n: 8, fail: 1} // a sample of another rank
	l := newLoader(task, plan{set: task.Train, batch: 4, own: func(width int) (lo, hi int) { return width / 2, width }})
	defer l.close()
	b, err := l.next(place{0, 0})
	if err != nil {
		t.Fatal(err)
	}
	whole := data.NewBatch(task, 4)
	if err := (plan{set: &toySet{n: 8, fail: -1}, batch: 4}).fill(whole, nil, 0, 0); err != nil {
		t.Fatal(err)
	}
	for i, x := range b.X {
		if want := whole.X[i] * float32(i/b.I%4/2); x != want {
			t.Errorf("x[%d] is %v, want %v", i, x, want)
		}
	}
	if _, err := l.again(place{0, 0}); err == nil {
		t.Error("a second look is not at the whole batch")
	}
}
