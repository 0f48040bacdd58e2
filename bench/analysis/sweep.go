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
	o, rows := s.Task.O, 1
	if every {
		rows = s.Task.T
	}
	logits, one := make([]float32, rows*s.width(n)*o), make([]float32, rows*o)
	return s.run(set, n, every, func(g *engine.Graph[float32], b *data.Batch, at []int) error {
		if err := g.Logits(logits); err != nil {
			return err
		}
		for col, index := range at {
			if index < 0 {
				continue
			}
			for row := range rows {
				copy(one[row*o:(row+1)*o], logits[(row*b.B+col)*o:])
			}
			visit(index, b, col, one)
		}
		return nil
	})
}

// width returns how many of n sequences are run at once.
func (s *Subject) width(n int) int {
	if s.Stateful {
		return s.Batch
	}
	return max(1, min(s.Batch, n))
}

// run runs the first n samples of a set in batches and calls look behind each, with the graph, the batch, and the number of the
// sample in each of its columns, -1 for none. With Stateful columns go through the set as those of evaluations do.
func (s *Subject) run(set data.Set, n int, every bool, look func(g *engine.Graph[float32], b *data.Batch, at []int) error) error {
	t, batch := s.Task, s.width(n)
	graph, err := engine.NewGraph(engine.GraphConfig{Net: s.Net, Device: s.Device, T: t.T, B: batch, I: t.I,
		Goal: t.Goal, Every: every, Masked: t.Masked, Noise: s.Noise, Update: engine.EvaluationDraws(s.Seed)}, s.Params)
	if err != nil {
		return err
	}
	defer graph.Close()
	given := data.NewBatch(t, batch)
	all := *t
	all.Every = every
	fed := data.NewBatch(&all, batch)
	fed.X, fed.Mask = given.X, given.Mask // targets stay 0: the loss is not looked at
	order, at := engine.Columns{Len: n, Batch: batch, Stateful: s.Stateful}, make([]int, batch)
	if s.Stateful {
		order.Len = set.Len() // of which the first n are looked at
	}
	for k := range order.Batches() {
		for col := range at {
			if at[col] = order.Sample(k, col); at[col] < 0 || at[col] >= n {
				at[col] = -1
				continue
			}
			if err := set.Fill(given, col, 0, at[col]); err != nil {
				return err
			}
		}
		graph.From(k * batch)
		if err := graph.Load(fed); err != nil {
			return err
		}
		if err := graph.Run(); err != nil {
			return err
		}
		if err := look(graph, given, at); err != nil {
			return err
		}
		if !s.Stateful {
			continue
		}
		if err := graph.CarryState(); err != nil {
			return err
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
