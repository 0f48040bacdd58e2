package analysis

import (
	"context"
	"math"

	"galvani/data"
	"galvani/engine"
	"galvani/engine/dynamics"
)

// Walk is what a network goes through on sequences of the test set.
type Walk struct {
	Dim    int       // of a state, S·H
	States []float64 // visited, [n,S·H]: sequence by sequence, each from rest
	Ends   []int     // of each sequence in States, counted in states
	Class  []int     // of each sequence, −1 where it has none
	inputs []float64 // sums over the sequences, [T,I]
	counts []float64 // sequences that have not ended, [T]
}

// mostVisits bounds the states that are kept of a sequence; of longer ones every second, third
// and so on is.
const mostVisits = 256

// Walk runs the first n sequences of the test set, step by step.
//
// Errors: ctx.Err(), and those of data.Set and engine.StepMap.
func (s *Subject) Walk(ctx context.Context, m *engine.StepMap, n int) (*Walk, error) {
	t := s.Task
	n = min(n, t.Test.Len())
	w := &Walk{Dim: m.Dim(), inputs: make([]float64, t.T*t.I), counts: make([]float64, t.T)}
	for first := 0; first < n; first += m.Batch() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b := data.NewBatch(t, min(m.Batch(), n-first))
		for col := range b.B {
			if err := t.Test.Fill(b, col, 0, first+col); err != nil {
				return nil, err
			}
			w.Class = append(w.Class, s.classOf(b, col, first+col))
		}
		if err := w.follow(m, b, engine.FirstState(s.Net, s.Params)); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// classOf returns the class of a sequence that has one target, −1 for the others.
func (s *Subject) classOf(b *data.Batch, col, index int) int {
	if set, ok := s.Task.Test.(data.Trials); ok {
		return set.Trial(0, index).Choice
	}
	if b.Label == nil || b.Every {
		return -1
	}
	return int(b.Label[col])
}

// follow adds the states and inputs of a batch.
func (w *Walk) follow(m *engine.StepMap, b *data.Batch, first []float32) error {
	every := (b.T + mostVisits - 1) / mostVisits
	state := make([]float64, b.B*w.Dim)
	for i := range state {
		state[i] = float64(first[i%w.Dim])
	}
	paths := make([][]float64, b.B)
	x := make([]float64, m.Batch()*b.I)
	for t := -1; t < b.T; t++ {
		if t >= 0 {
			for i := range b.B * b.I {
				x[i] = float64(b.X[t*b.B*b.I+i])
			}
			if err := m.Input(x); err != nil {
				return err
			}
			if err := m.Step(state, state); err != nil {
				return err
			}
		}
		for col := range b.B {
			if t >= 0 && b.Mask != nil && b.Mask[t*b.B+col] == 0 {
				continue // the sequence has ended, and its state is not looked at any more
			}
			if t >= 0 {
				w.counts[t]++
				for i := range b.I {
					w.inputs[t*b.I+i] += x[col*b.I+i]
				}
			}
			if (t+1)%every == 0 {
				paths[col] = append(paths[col], state[col*w.Dim:(col+1)*w.Dim]...)
			}
		}
	}
	for _, p := range paths {
		w.States = append(w.States, p...)
		w.Ends = append(w.Ends, len(w.States)/w.Dim)
	}
	return nil
}

// MeanInput returns the mean over the sequences and the steps from to to−1, [I].
func (w *Walk) MeanInput(from, to int) []float64 {
	mean := make([]float64, len(w.inputs)/len(w.counts))
	n := 0.0
	for t := from; t < to; t++ {
		n += w.counts[t]
		for i := range mean {
			mean[i] += w.inputs[t*len(mean)+i]
		}
	}
	for i := range mean {
		mean[i] /= max(1, n)
	}
	return mean
}

// InputOf returns the input of a test sequence at a step, [I].
func (s *Subject) InputOf(n, step int) ([]float64, error) {
	b := data.NewBatch(s.Task, 1)
	if err := s.Task.Test.Fill(b, 0, 0, n); err != nil {
		return nil, err
	}
	x := make([]float64, b.I)
	for i := range x {
		x[i] = float64(b.X[step*b.I+i])
	}
	return x, nil
}

// nearest returns the distance ‖a−b‖/√N to the nearest visited state.
func (w *Walk) nearest(s []float64) float64 {
	least := math.Inf(1)
	for at := 0; at < len(w.States); at += w.Dim {
		least = min(least, dynamics.Distance(w.States[at:at+w.Dim], s))
	}
	return least
}
