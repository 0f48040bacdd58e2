package analysis

import (
	"fmt"
	"slices"

	"galvani/data"
	"galvani/engine"
)

// States are h of the last layer of a network on sequences of a set, each of one condition.
type States struct {
	N, T, H int
	Values  []float32 // [N,T,H]
	Ends    []int     // steps of each sequence
	Keys    []float64 // of the conditions, rising: classes, or coherences in %
	Of      []int     // the condition of each sequence, a number of Keys
}

// Conditions are what sequences can be told apart by.
var Conditions = []string{"class", "coherence"}

// States runs the first n sequences of a set. Sequences of a task without classes are of one condition.
//
// Errors: engine.ErrOption for coherences of a task without trials; engine.ErrNotFinite; those of Sweep.
func (s *Subject) States(set data.Set, n int, by string) (*States, error) {
	trials, ok := set.(data.Trials)
	if by == "coherence" && !ok {
		return nil, fmt.Errorf("analysis: task %s has no coherences: %w", s.Task.Name, engine.ErrOption)
	}
	n = min(n, set.Len())
	w := &States{N: n, T: s.Task.T, H: s.Net.Hidden()}
	w.Values = make([]float32, n*w.T*w.H)
	var keys []float64
	h := make([]float32, w.T*max(1, min(s.Batch, n))*w.H)
	err := s.run(set, n, true, func(g *engine.Graph[float32], b *data.Batch, first, size int) error {
		if err := g.H(h); err != nil {
			return err
		}
		for col := range size {
			end := 0
			for t := range w.T {
				if b.Mask == nil || b.Mask[t*b.B+col] != 0 {
					end = t + 1
				}
				copy(w.Values[((first+col)*w.T+t)*w.H:][:w.H], h[(t*b.B+col)*w.H:])
			}
			w.Ends = append(w.Ends, end)
			key := 0.0
			switch {
			case by == "coherence":
				key = trials.Trial(0, first+col).Coherence
			case ok:
				key = float64(trials.Trial(0, first+col).Choice)
			case b.Label != nil && !b.Every:
				key = float64(b.Label[col])
			}
			keys = append(keys, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, v := range w.Values {
		if v-v != 0 {
			return nil, fmt.Errorf("analysis: states: %w", engine.ErrNotFinite)
		}
	}
	w.Keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	for _, k := range keys {
		at, _ := slices.BinarySearch(w.Keys, k)
		w.Of = append(w.Of, at)
	}
	return w, nil
}

// at returns h of a sequence at a step, [H].
func (w *States) at(seq, t int) []float32 { return w.Values[(seq*w.T+t)*w.H:][:w.H] }

// Means returns the course of each condition, the mean over its sequences, [C,T',H], over the T' steps that each
// condition has a sequence of.
func (w *States) Means() (values []float64, steps int) {
	longest := make([]int, len(w.Keys))
	for seq, end := range w.Ends {
		longest[w.Of[seq]] = max(longest[w.Of[seq]], end)
	}
	steps = slices.Min(longest)
	values = make([]float64, len(w.Keys)*steps*w.H)
	counts := make([]float64, len(w.Keys)*steps)
	for seq, end := range w.Ends {
		for t := range min(end, steps) {
			row := w.Of[seq]*steps + t
			counts[row]++
			for i, v := range w.at(seq, t) {
				values[row*w.H+i] += float64(v)
			}
		}
	}
	for row, n := range counts {
		for i := range w.H {
			values[row*w.H+i] /= n
		}
	}
	return values, steps
}

// Rows returns h at all steps of all sequences, [n,H].
func (w *States) Rows() []float64 {
	var rows []float64
	for seq, end := range w.Ends {
		for t := range end {
			for _, v := range w.at(seq, t) {
				rows = append(rows, float64(v))
			}
		}
	}
	return rows
}

// Activity returns the mean of h over the steps of each sequence, [N,H].
func (w *States) Activity() []float64 {
	mean := make([]float64, w.N*w.H)
	for seq, end := range w.Ends {
		for t := range end {
			for i, v := range w.at(seq, t) {
				mean[seq*w.H+i] += float64(v) / float64(end)
			}
		}
	}
	return mean
}
