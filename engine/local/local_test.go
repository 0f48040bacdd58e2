package local

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
)

// double is a model of one weight that is to become twice the input, and its own run.
type double struct{ bad bool }

func (d *double) Name() string { return "double" }
func (d *double) Hidden() int  { return 1 }
func (d *double) Outputs() int { return 1 }
func (d *double) Specs() []kernels.Spec {
	return []kernels.Spec{{Name: "w", Letters: "O I", Shape: []int{1, 1}, Role: kernels.Readout, Unit: "1", Doc: "weight", Bound: kernels.Bound{Lo: -1, Hi: 1.5}, Learned: true}}
}
func (d *double) Prepare(params [][]float32)      { params[0][0] = 0.25 }
func (d *double) Targets(dst, _, value []float32) { copy(dst, value) }
func (d *double) start(width int, params [][]float32) (Run, error) {
	return &doubleRun{d: d, out: make([]float32, width), params: params, state: make([]float32, 1)}, nil
}

type doubleRun struct {
	d          *double
	out, state []float32
	params     [][]float32
}

func (r *doubleRun) Learn(x, targets, weight []float32, lr float64) error {
	if err := r.Answer(x); err != nil {
		return err
	}
	for i, y := range r.out[:len(x)] {
		r.params[0][0] += float32(lr) * weight[i] * (targets[i] - y) * x[i]
	}
	if r.d.bad {
		r.params[0][0] = float32(math.NaN())
	}
	r.state[0]++
	return nil
}

func (r *doubleRun) Answer(x []float32) error {
	for i, v := range x {
		r.out[i] = r.params[0][0] * v
	}
	return nil
}
func (r *doubleRun) Next(x []float32) error { return r.Answer(x) }
func (r *doubleRun) Outputs() []float32     { return r.out }
func (r *doubleRun) Reset()                 { r.state[0] = 0 }
func (r *doubleRun) State(visit func(string, []int, []float32)) {
	visit("count", []int{1}, r.state)
}

// twice is samples of y = 2 x.
type twice int

func (n twice) Len() int { return int(n) }
func (n twice) Fill(b *data.Batch, col, _, index int) error {
	b.X[col] = float32(index+1) / float32(n)
	b.Value[col], b.Weight[col] = 2*b.X[col], 1
	return nil
}

// row is samples of y = 2 x at every step or at the last.
type row struct{ twice }

func (n row) Fill(b *data.Batch, col, _, index int) error {
	for t := range b.T {
		at := t*b.B + col
		b.X[at] = float32(index+1+t) / 10
		if b.Every {
			b.Value[at], b.Weight[at] = 2*b.X[at], 1
		}
	}
	if !b.Every {
		b.Value[col], b.Weight[col] = 2*b.X[(b.T-1)*b.B+col], 1
	}
	return nil
}

// TestSequences holds that the steps of a sequence come one after the other, from rest, and that answers are scored and
// taught where the task has targets.
func TestSequences(t *testing.T) {
	for _, every := range []bool{true, false} {
		s := sessionOf(t, &double{}, &data.Task{Name: "row", T: 3, I: 1, O: 1, Every: every, Goal: data.Regress, Train: row{4}, Test: row{2}})
		before, err := s.Evaluate(context.Background(), row{2})
		if err != nil {
			t.Fatal(err)
		}
		want, n := 0.0, 0.0
		for i := range 2 {
			for k := range 3 {
				if every || k == 2 {
					want, n = want+math.Pow(1.75*float64(i+1+k)/10, 2), n+1
				}
			}
		}
		if math.Abs(before.Loss()-want/n) > 1e-6 {
			t.Errorf("every step %t: loss %v, want %v", every, before.Loss(), want/n)
		}
		b, err := s.Batch(row{4}, 2)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := s.Step(b); err != nil {
				t.Fatal(err)
			}
		}
		if w := s.Params().Learned()[0]; w <= 0.25 {
			t.Errorf("every step %t: the weight is %v and was 0.25: nothing is learned", every, w)
		}
		state, err := s.State()
		if err != nil {
			t.Fatal(err)
		}
		var count [4]byte
		if _, err := binary.Encode(count[:], binary.LittleEndian, float32(3)); err != nil {
			t.Fatal(err)
		}
		if c, ok := state.Tensor("learner.count"); !ok || !slices.Equal(c.Data, count[:]) {
			t.Errorf("every step %t: the run has counted %v steps since rest, want 3", every, c.Data)
		}
	}
}

func newSession(t *testing.T, d *double) *engine.Session {
	t.Helper()
	return sessionOf(t, d, &data.Task{Name: "twice", T: 1, I: 1, O: 1, Goal: data.Regress, Train: twice(5), Test: twice(3)})
}

func sessionOf(t *testing.T, d *double, task *data.Task) *engine.Session {
	t.Helper()
	o := engine.DefaultOptions()
	o.Epochs, o.Batch, o.LR, o.Schedule = 3, 2, 0.1, "constant"
	s, err := engine.NewSession(engine.Config{Net: d, Options: o, Learner: NewLearner(d, d.start), Task: task})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestLearns holds that a model learns from first values of its own, within its bounds, in narrower batches, too; that
// losses are those of the answers; and that the state of the run is saved.
func TestLearns(t *testing.T) {
	s := newSession(t, &double{})
	if w := s.Params().Learned()[0]; w != 0.25 {
		t.Errorf("the first weight is %v, want that of Prepare", w)
	}
	before, err := s.Evaluate(context.Background(), twice(3))
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for _, x := range []float64{1. / 3, 2. / 3, 1} {
		want += math.Pow(1.75*x, 2) / 3
	}
	if math.Abs(before.Loss()-want) > 1e-6 {
		t.Errorf("loss %v, want %v", before.Loss(), want)
	}
	r, err := s.Train(context.Background(), nil, nil)
	if err != nil || r.Step != 9 {
		t.Fatalf("%+v %v", r, err)
	}
	if w := s.Params().Learned()[0]; !(w > 0.25 && w <= 1.5) || r.Last.Loss() >= before.Loss() {
		t.Errorf("weight %v, loss %v: the model does not learn within its bounds", w, r.Last.Loss())
	}
	state, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := state.Tensor("learner.count"); !ok {
		t.Error("the state of the run is not saved")
	}
}

// TestRefusesNaN holds that an update that makes a weight not finite is not made.
func TestRefusesNaN(t *testing.T) {
	d := &double{}
	s := newSession(t, d)
	d.bad = true
	before := slices.Clone(s.Params().Learned())
	b, err := s.Batch(twice(5), 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = s.Step(b); !errors.Is(err, engine.ErrNotFinite) {
		t.Errorf("error %v, want ErrNotFinite", err)
	}
	if !slices.Equal(s.Params().Learned(), before) {
		t.Error("a refused update changed a parameter")
	}
	state, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	if count, ok := state.Tensor("learner.count"); !ok || !slices.Equal(count.Data, make([]byte, 4)) {
		t.Errorf("a refused update changed the state of the run: %v", count.Data)
	}
}
