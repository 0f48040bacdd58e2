package rules

import (
	"testing"

	"galvani/bench/experiment"
	"galvani/data"
	"galvani/engine"
	"galvani/models/layered"
)

// vast is a set with inputs beside which float32 has no room.
type vast struct{ blobSet }

// Fill implements data.Set.
func (s vast) Fill(b *data.Batch, col, epoch, index int) error {
	err := s.blobSet.Fill(b, col, epoch, index)
	for i := range b.I {
		b.X[col*b.I+i] *= 3e38
	}
	return err
}

// TestTrainingThatFails: a training whose numbers do not stay finite has an error of 1 and says why.
func TestTrainingThatFails(t *testing.T) {
	s := &alignment{LR: 0.1}
	s.Quick()
	m := layered.NewMLP()
	m.Hidden = s.Hidden
	for _, fails := range []bool{false, true} {
		task := blobs()
		if fails {
			task.Train = vast{24}
		}
		net, err := layered.Bind("mlp", m, task.I, task.O)
		if err != nil {
			t.Fatal(err)
		}
		evaluations := 0
		cfg := engine.Config{Net: net, Task: task, Options: s.options(1), Exact: net.Exact()}
		r, steps, err := train(t.Context(), experiment.NewEnv(1, nil), cfg, func(engine.EvalEvent) error { evaluations++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		if (r.Note != "") != fails || (r.Values["error"] == 1) != fails || (evaluations < s.Epochs) != fails || (steps < 6) != fails {
			t.Errorf("fails %v: %+v after %d steps and %d evaluations", fails, r, steps, evaluations)
		}
	}
}
