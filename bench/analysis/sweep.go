package analysis

import (
	"galvani/data"
	"galvani/engine"
)

// Visit is called for a sample with its number, its batch with its column, and its logits.
type Visit func(index int, b *data.Batch, col int, logits []float32)

// Sweep runs the first n samples of a set through the network, forward only, and gives visit the
// logits of each: [O], or [T,O] with every. Every asks for the read-out at all steps also where
// the task has one target.
//
// Errors: those of engine.NewGraph, data.Set and the device.
func (s *Subject) Sweep(set data.Set, n int, every bool, visit Visit) error {
	t, batch := s.Task, max(1, min(s.Batch, n))
	graph, err := engine.NewGraph(engine.GraphConfig{Net: s.Net, Device: s.Device, T: t.T, B: batch, I: t.I,
		Goal: t.Goal, Every: every, Masked: t.Masked, Noise: s.Noise, Update: engine.EvaluationDraws(s.Seed)}, s.Params)
	if err != nil {
		return err
	}
	defer graph.Close()
	rows := 1
	if every {
		rows = t.T
	}
	given := data.NewBatch(t, batch)
	all := *t
	all.Every = every
	fed := data.NewBatch(&all, batch)
	fed.X, fed.Mask = given.X, given.Mask // targets stay 0: the loss is not looked at
	logits := make([]float32, rows*given.B*t.O)
	one := make([]float32, rows*t.O)
	for first := 0; first < n; first += given.B {
		size := min(given.B, n-first)
		for col := range size {
			if err := set.Fill(given, col, 0, first+col); err != nil {
				return err
			}
		}
		graph.From(first)
		if err := graph.Load(fed); err != nil {
			return err
		}
		if err := graph.Run(); err != nil {
			return err
		}
		if err := graph.Logits(logits); err != nil {
			return err
		}
		for col := range size {
			for row := range rows {
				copy(one[row*t.O:(row+1)*t.O], logits[(row*given.B+col)*t.O:])
			}
			visit(first+col, given, col, one)
		}
	}
	return nil
}

// Confusion counts for each true class (row) how often each class was named, over all targets
// that count.
//
// Errors: those of Sweep.
func (s *Subject) Confusion(set data.Set) ([][]int, error) {
	o := s.Task.O
	counts := make([][]int, o)
	for i := range counts {
		counts[i] = make([]int, o)
	}
	err := s.Sweep(set, set.Len(), s.Task.Every, func(_ int, b *data.Batch, col int, logits []float32) {
		for row := range len(logits) / o {
			n := row*b.B + col
			if b.Weight[n] != 0 {
				counts[int(b.Label[n])][largest(logits[row*o:(row+1)*o])]++
			}
		}
	})
	return counts, err
}
