package engine_test

import (
	"context"
	"errors"
	"testing"

	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
	"galvani/models"
)

// What a program forgot to give is an error, not a panic.
func TestMissingParts(t *testing.T) {
	settings := &data.Copy{Delay: 1, Symbols: 2, Categories: 2, Sampling: data.Sampling{TrainSize: 16, TestSize: 16}}
	task, err := settings.Open(data.Env{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	net, err := models.Bind("gru", &models.GRU{}, models.Dims{I: task.I, H: 4, O: task.O})
	if err != nil {
		t.Fatal(err)
	}
	untaught, aimless := *task, *task
	untaught.Train = nil
	aimless.Goal = 7
	options := engine.DefaultOptions()
	for name, c := range map[string]struct {
		cfg  engine.Config
		want error
	}{
		"net":      {engine.Config{Task: task, Options: options}, engine.ErrOption},
		"task":     {engine.Config{Net: net, Options: options}, engine.ErrOption},
		"training": {engine.Config{Net: net, Task: &untaught, Options: options}, kernels.ErrShape},
		"a goal":   {engine.Config{Net: net, Task: &aimless, Options: options}, engine.ErrOption},
	} {
		if _, err := engine.NewSession(c.cfg); !errors.Is(err, c.want) {
			t.Errorf("without %s: NewSession returned %v, want %v", name, err, c.want)
		}
	}
	session, err := engine.NewSession(engine.Config{Net: net, Task: task, Options: options})
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []data.Set{weighed{task.Train, -0.5}, task.Train} {
		if _, err := session.Evaluate(context.Background(), set); errors.Is(err, data.ErrConfig) != (set != task.Train) {
			t.Errorf("Evaluate of a set of type %T returned %v", set, err)
		}
	}
	if _, err := session.Batch(weighed{task.Train, -0.5}, 4); !errors.Is(err, data.ErrConfig) {
		t.Errorf("a negative weight: Batch returned %v, want %v", err, data.ErrConfig)
	}
	if _, err := session.Evaluate(context.Background(), nil); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("without a set: Evaluate returned %v, want %v", err, kernels.ErrShape)
	}
	if _, err := models.Bind("gru", nil, models.Dims{I: 2, H: 4, O: 2}); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("without a cell: Bind returned %v, want %v", err, kernels.ErrShape)
	}
	if _, err := models.Bind("gru", &models.LSTM{}, models.Dims{I: 2, H: 4, O: 2}); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("another cell's name: Bind returned %v, want %v", err, kernels.ErrShape)
	}
	if _, err := models.Bind("mine", &models.LSTM{}, models.Dims{I: 2, H: 4, O: 2}); err != nil {
		t.Errorf("a name of one's own: Bind returned %v", err)
	}
	useClosed(t, session, task)
}

// weighed is a set whose targets have another weight.
type weighed struct {
	data.Set
	weight float32
}

// Fill implements data.Set.
func (w weighed) Fill(b *data.Batch, col, epoch, index int) error {
	if err := w.Set.Fill(b, col, epoch, index); err != nil {
		return err
	}
	for n := col; n < len(b.Weight); n += b.B {
		b.Weight[n] *= w.weight
	}
	return nil
}

// useClosed closes a session and wants engine.ErrClosed of whatever it could do before.
func useClosed(t *testing.T, s *engine.Session, task *data.Task) {
	t.Helper()
	ctx, set := context.Background(), task.Train
	batch, err := s.Batch(set, 4)
	if err != nil {
		t.Fatal(err)
	}
	state, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for what, call := range map[string]func() error{
		"Train":         func() error { _, err := s.Train(ctx, nil, nil); return err },
		"Evaluate":      func() error { _, err := s.Evaluate(ctx, set); return err },
		"Step":          func() error { _, err := s.Step(batch); return err },
		"Trace":         func() error { _, err := s.Trace(batch); return err },
		"StepGradients": func() error { _, err := s.StepGradients(batch); return err },
		"Curvature":     func() error { _, err := s.Curvature(batch, 2); return err },
		"State":         func() error { _, err := s.State(); return err },
		"Restore":       func() error { return s.Restore(state) },
		"LoadParams":    func() error { return s.LoadParams(state) },
		"Assign":        func() error { return s.Assign(map[string][]float32{"readout.bias": {1, 1}}) },
	} {
		if err := call(); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("%s of a closed session returned %v, want %v", what, err, engine.ErrClosed)
		}
	}
}
