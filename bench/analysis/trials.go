package analysis

import (
	"maps"
	"slices"

	"galvani/data"
)

// Trials counts the trials of one coherence of the stimuli.
type Trials struct {
	Coherence float64 `json:"coherence"` // in %, 0 for tasks without
	Count     int     `json:"count"`
	Right     int     `json:"right"`
}

// Total adds up the trials of all coherences.
func Total(list []Trials) Trials {
	var all Trials
	for _, t := range list {
		all.Count, all.Right = all.Count+t.Count, all.Right+t.Right
	}
	return all
}

// Decide counts the trials of a set that end in the right choice, by coherence.
//
// Errors: those of Sweep.
func (s *Subject) Decide(set data.Trials) ([]Trials, error) {
	c := tally{set: set, at: map[float64]*Trials{}}
	err := s.Sweep(set, set.Len(), true, func(index int, _ *data.Batch, _ int, logits []float32) {
		c.add(index, logits, s.Task.O)
	})
	return c.list(), err
}

// tally counts trials by coherence.
type tally struct {
	set data.Trials // nil for a task without
	at  map[float64]*Trials
}

// add takes a trial with the logits [T,O] of its answers.
func (c tally) add(index int, logits []float32, outputs int) {
	answers := make([]int, len(logits)/outputs)
	for t := range answers {
		answers[t] = largest(logits[t*outputs : (t+1)*outputs])
	}
	trial := c.set.Trial(0, index)
	at := c.at[trial.Coherence]
	if at == nil {
		at = &Trials{Coherence: trial.Coherence}
		c.at[trial.Coherence] = at
	}
	at.Count++
	if trial.Right(answers) {
		at.Right++
	}
}

func (c tally) list() []Trials {
	var list []Trials
	for _, coherence := range slices.Sorted(maps.Keys(c.at)) {
		list = append(list, *c.at[coherence])
	}
	return list
}
