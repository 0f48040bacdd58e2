package data

import (
	"fmt"

	"galvani/engine/cite"
)

// Adding is the settings of the adding problem: remember two marked numbers and give their
// sum at the end.
//
// Input: x [T,B,2]. Channel 0 holds numbers drawn from [0, 1), channel 1 marks two steps with
// a 1, one in each half of the sequence. Target: the sum of the two marked numbers, at the
// last step. With min_steps below steps the lengths are drawn evenly from min_steps to steps
// and the mask is in use.
//
// Baseline: the constant answer 1 has a mean squared error of 1/6 = 0.167.
//
// Source: Hochreiter and Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735, in the form of
// Le, Jaitly and Hinton (2015), arXiv:1504.00941.
type Adding struct {
	Steps    int `toml:"steps" doc:"longest sequence" unit:"1" min:"2" max:"100000"`
	MinSteps int `toml:"min_steps" doc:"shortest sequence; 0 makes all as long as steps" unit:"1" min:"0" max:"100000"`
	Sampling
}

func init() {
	Register(Entry{
		Name:       "adding",
		Doc:        "sum two marked numbers of a long sequence (constant answer: 0.167)",
		Source:     "Hochreiter and Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735",
		References: []cite.Work{cite.LSTM, cite.IRNN},
		New: func() Config {
			return &Adding{Steps: 100, Sampling: Sampling{Fresh: true, TrainSize: 10000, TestSize: 2000}}
		},
	})
}

// Open implements Config.
func (c *Adding) Open(env Env) (*Task, error) {
	if err := check("adding", c); err != nil {
		return nil, err
	}
	shortest := c.MinSteps
	if shortest == 0 {
		shortest = c.Steps
	}
	if shortest < 2 || shortest > c.Steps {
		return nil, fmt.Errorf("data: adding: min_steps is %d, want 0 or 2 to steps = %d: %w", c.MinSteps, c.Steps, ErrConfig)
	}
	t := &Task{Name: "adding", T: c.Steps, I: 2, O: 1, Goal: Regress, Masked: shortest < c.Steps}
	c.draw(t, env, func(d draws) Set { return &sums{d, shortest} })
	return t, nil
}

// sums is the samples of the adding problem.
type sums struct {
	draws
	shortest int // steps of the shortest sequence
}

// Fill implements Set.
func (s *sums) Fill(b *Batch, col, epoch, index int) error {
	if err := checkFill(s.task, s.size, b, col, index); err != nil {
		return err
	}
	r := s.stream(epoch, index)
	steps := s.shortest + r.below(b.T-s.shortest+1)
	for t := range b.T {
		x := b.input(t, col)
		clear(x)
		if t < steps {
			x[0] = float32(r.float())
		}
		if b.Mask != nil {
			b.Mask[t*b.B+col] = 0
			if t < steps {
				b.Mask[t*b.B+col] = 1
			}
		}
	}
	half := steps / 2
	first, second := b.input(r.below(half), col), b.input(half+r.below(steps-half), col)
	first[1], second[1] = 1, 1
	b.Value[col], b.Weight[col] = first[0]+second[0], 1
	return nil
}
