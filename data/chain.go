package data

import (
	"fmt"
	"math"

	"galvani/engine/cite"
)

// Chain is the settings of the task chain: follow the last of a chain of leaky units that a random signal drives.
//
//	τ_k du_k/dt = −u_k + g_k r_{k−1},  r_0 = x,  r_k = log(1 + exp(u_k)),  g_1 = 1, all others 2,  y = u_last
//
// Input: x [T,B,1], levels drawn evenly from [−1, 1), each of which lasts for hold_ms on average (geometrically
// distributed), low-passed with smooth_ms. Target: y, at every step; units begin at 0. Units take exact steps in x and in
// the rates of this step.
//
// Baseline: the variance of y, which a note of the task tells, is the error of the best constant answer.
//
// Source: Ellenberger, Haider, Jordan, Max, Jaras, Kriener, Benitez and Petrovici (2024), arXiv:2403.16933, whose chain has
// two units with time constants of 1 and 2, weights of 1 and 2, and passes on the rate of the last.
type Chain struct {
	Steps    int       `toml:"steps" doc:"length of a sequence" unit:"1" min:"2" max:"100000"`
	StepMs   float64   `toml:"step_ms" doc:"duration of a step" unit:"ms" min:"0.001" max:"1e6"`
	HoldMs   float64   `toml:"hold_ms" doc:"how long a level of the signal lasts on average, at least a step" unit:"ms" min:"0.001" max:"1e9"`
	SmoothMs float64   `toml:"smooth_ms" doc:"time constant of the low-pass of the signal; 0 for none" unit:"ms" min:"0" max:"1e9"`
	ChainTau []float64 `toml:"chain_tau" doc:"time constants of the units of the chain, from the first" unit:"ms" min:"0.001" max:"1e6" nonempty:"true"`
	Sampling
}

func init() {
	Register(Entry{
		Name:       "chain",
		Doc:        "follow the last of a chain of leaky units that a random signal drives, at every step",
		Source:     "Ellenberger et al. (2024), arXiv:2403.16933",
		References: []cite.Work{cite.GeneralisedEquilibrium},
		New: func() Config {
			return &Chain{Steps: 200, StepMs: 1, HoldMs: 20, SmoothMs: 5, ChainTau: []float64{10, 20},
				Sampling: Sampling{Fresh: true, TrainSize: 1000, TestSize: 100}}
		},
	})
}

// Open implements Config.
//
// Errors: ErrConfig.
func (c *Chain) Open(env Env) (*Task, error) {
	if err := check("chain", c); err != nil {
		return nil, err
	}
	if c.HoldMs < c.StepMs {
		return nil, fmt.Errorf("data: chain: hold_ms is %g, want at least step_ms = %g: %w", c.HoldMs, c.StepMs, ErrConfig)
	}
	t := &Task{Name: "chain", T: c.Steps, I: 1, O: 1, Goal: Regress, Every: true}
	c.draw(t, env, func(d draws) Set { return &links{d, *c} })
	if err := noteVariance(t, c.TestSize); err != nil {
		return nil, err
	}
	return t, nil
}

// links is the samples of a chain.
type links struct {
	draws
	Chain
}

// Len implements Set.
func (l *links) Len() int { return l.size }

// Fill implements Set.
func (l *links) Fill(b *Batch, col, epoch, index int) error {
	if err := checkFill(l.task, l.size, b, col, index); err != nil {
		return err
	}
	r := l.stream(epoch, index)
	smooth := 1.0
	if l.SmoothMs > 0 {
		smooth = -math.Expm1(-l.StepMs / l.SmoothMs)
	}
	level, x, left := 0.0, 0.0, 0
	u := make([]float64, len(l.ChainTau))
	for t := range b.T {
		if left == 0 {
			level, left = r.between(-1, 1), 1+r.gap(l.StepMs/l.HoldMs, b.T)
		}
		left--
		x += smooth * (level - x)
		in := x
		for k, tau := range l.ChainTau {
			if k > 0 {
				in = 2 * math.Log1p(math.Exp(u[k-1]))
			}
			u[k] -= math.Expm1(-l.StepMs/tau) * (in - u[k])
		}
		at := t*b.B + col
		b.X[at], b.Value[at], b.Weight[at] = float32(x), float32(u[len(u)-1]), 1
	}
	return nil
}
