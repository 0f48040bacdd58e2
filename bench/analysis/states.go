package analysis

import (
	"cmp"
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
	Names   []string  // of the conditions, in order
	Of      []int     // the condition of each sequence, a number of Names
}

// Conditions are what sequences can be told apart by.
var Conditions = []string{"class", "coherence", "task"}

// condition is one of a set, in the order of its number and then of its name.
type condition struct {
	number float64
	name   string
}

func (a condition) compare(b condition) int {
	return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.name, b.name))
}

// condition returns that of a sequence.
func (s *Subject) condition(by string, set data.Set, b *data.Batch, col, index int) condition {
	class := 0
	if trials, ok := set.(data.Trials); ok {
		switch t := trials.Trial(0, index); by {
		case "coherence":
			return condition{t.Coherence, fmt.Sprintf("%g %%", t.Coherence)}
		case "task":
			return condition{0, cmp.Or(t.Kind, s.Task.Name)}
		default:
			class = t.Choice
		}
	} else if b.Label != nil && !b.Every {
		class = int(b.Label[col])
	}
	if class < len(s.Task.Classes) {
		return condition{float64(class), s.Task.Classes[class]}
	}
	return condition{float64(class), fmt.Sprintf("class %d", class)}
}

// States runs the first n sequences of a set. Sequences of a task without classes are of one condition.
//
// Errors: engine.ErrOption for coherences of a task without trials; engine.ErrNotFinite; those of Sweep.
func (s *Subject) States(set data.Set, n int, by string) (*States, error) {
	if _, ok := set.(data.Trials); by != "class" && !ok {
		return nil, fmt.Errorf("analysis: task %s has no trials to be told apart by %s; take class: %w", s.Task.Name, by, engine.ErrOption)
	}
	n = min(n, set.Len())
	w := &States{N: n, T: s.Task.T, H: s.Net.Hidden()}
	w.Values = make([]float32, n*w.T*w.H)
	w.Ends = make([]int, n)
	keys := make([]condition, n)
	h := make([]float32, w.T*s.width(n)*w.H)
	err := s.run(set, n, true, func(g *engine.Graph[float32], b *data.Batch, at []int) error {
		if err := g.H(h); err != nil {
			return err
		}
		for col, index := range at {
			if index < 0 {
				continue
			}
			end := 0
			for t := range w.T {
				if b.Mask == nil || b.Mask[t*b.B+col] != 0 {
					end = t + 1
				}
				copy(w.Values[(index*w.T+t)*w.H:][:w.H], h[(t*b.B+col)*w.H:])
			}
			w.Ends[index], keys[index] = end, s.condition(by, set, b, col, index)
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
	all := slices.Compact(slices.SortedFunc(slices.Values(keys), condition.compare))
	for _, c := range all {
		w.Names = append(w.Names, c.name)
	}
	for _, c := range keys {
		w.Of = append(w.Of, slices.Index(all, c))
	}
	return w, nil
}

// at returns h of a sequence at a step, [H].
func (w *States) at(seq, t int) []float32 { return w.Values[(seq*w.T+t)*w.H:][:w.H] }

// Means returns the course of each condition, the mean over its sequences, [C,T',H], over the T' steps that each
// condition has a sequence of.
func (w *States) Means() (values []float64, steps int) {
	longest := make([]int, len(w.Names))
	for seq, end := range w.Ends {
		longest[w.Of[seq]] = max(longest[w.Of[seq]], end)
	}
	steps = slices.Min(longest)
	values = make([]float64, len(w.Names)*steps*w.H)
	counts := make([]float64, len(w.Names)*steps)
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
