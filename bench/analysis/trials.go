package analysis

import (
	"cmp"
	"fmt"
	"slices"

	"galvani/data"
)

// Trials counts the trials of one coherence of the stimuli, or of one task where there are several in one.
type Trials struct {
	Kind      string  `json:"kind,omitempty"`
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

// Decide counts the trials of a set that end in the right choice, by coherence or by task.
//
// Errors: those of Sweep.
func (s *Subject) Decide(set data.Trials) ([]Trials, error) {
	c := tally{set: set, at: map[group]*Trials{}}
	err := s.Sweep(set, set.Len(), true, func(index int, _ *data.Batch, _ int, logits []float32) {
		c.add(index, logits, s.Task.O)
	})
	return c.list(), err
}

// group is what trials are counted apart by.
type group struct {
	kind      string
	coherence float64
}

// Name says which trials are counted.
func (t Trials) Name() string { return group{t.Kind, t.Coherence}.String() }

func (g group) String() string {
	if g.kind != "" {
		return g.kind
	}
	return fmt.Sprintf("%g %%", g.coherence)
}

// tally counts trials by group.
type tally struct {
	set data.Trials // nil for a task without
	at  map[group]*Trials
}

// add takes a trial with the logits [T,O] of its answers.
func (c tally) add(index int, logits []float32, outputs int) {
	answers := make([]int, len(logits)/outputs)
	for t := range answers {
		answers[t] = largest(logits[t*outputs : (t+1)*outputs])
	}
	trial := c.set.Trial(0, index)
	key := group{trial.Kind, trial.Coherence}
	at := c.at[key]
	if at == nil {
		at = &Trials{Kind: trial.Kind, Coherence: trial.Coherence}
		c.at[key] = at
	}
	at.Count++
	if trial.Right(answers) {
		at.Right++
	}
}

func (c tally) list() []Trials {
	var list []Trials
	for _, t := range c.at {
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b Trials) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Coherence, b.Coherence))
	})
	return list
}
