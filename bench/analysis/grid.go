package analysis

import (
	"galvani/data"
	"galvani/engine"
)

// Scores are results of a network on sequences of several conditions.
type Scores struct {
	Loss float64
	// Right is, for each condition, the part of its trials that are decided rightly, or of its targets where there are no
	// trials; nil for a regression.
	Right []float64
}

// Scores measures the network on the first sequences of a set, each of the condition that of says, of c conditions.
//
// Errors: engine.ErrNotFinite for a loss without sense, and those of Sweep.
func (s *Subject) Scores(set data.Set, of []int, c int) (Scores, error) {
	var all engine.Metrics
	right, count := make([]float64, c), make([]float64, c)
	trials, _ := set.(data.Trials)
	err := s.Sweep(set, len(of), s.Task.Every, func(index int, b *data.Batch, col int, logits []float32) {
		m := score(b, col, logits)
		all.Add(m)
		if trials == nil {
			right[of[index]] += float64(m.Correct)
			count[of[index]] += float64(m.Count)
			return
		}
		answers := make([]int, len(logits)/s.Task.O)
		for t := range answers {
			answers[t] = largest(logits[t*s.Task.O : (t+1)*s.Task.O])
		}
		count[of[index]]++
		if trials.Trial(0, index).Right(answers) {
			right[of[index]]++
		}
	})
	if loss := all.Loss(); err == nil && loss-loss != 0 {
		err = engine.ErrNotFinite
	}
	r := Scores{Loss: all.Loss()}
	if s.Task.Goal == data.Classify {
		for k := range right {
			right[k] /= max(1, count[k])
		}
		r.Right = right
	}
	return r, err
}
