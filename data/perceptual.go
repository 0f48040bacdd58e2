package data

import "galvani/engine/cite"

// Perceptual is the settings of the task perceptual, NeuroGym's PerceptualDecisionMaking: which
// of two noisy stimuli is the stronger one on average?
//
// Periods: fixation, stimulus, delay, decision. Input: fixation point, then a ring of one
// channel per choice with its peak at the right one (TrialTiming has the rest). Classes:
// fixate, choice 1, choice 2.
//
// Chance is 1/2. The sum of the evidence over the stimulus tells two choices apart with
// probability Φ(c/100·√(n/2)·√step_ms/sigma) at coherence c in n steps: 50 % at coherence 0,
// 97.8 % at 6.4 %, more beyond, 89.6 % over all with the default settings.
//
// Source: Britten, Shadlen, Newsome and Movshon (1992) J Neurosci 12:4745.
type Perceptual struct {
	Evidence
	DelayMs float64 `toml:"delay_ms" doc:"from the end of the stimulus to the decision" unit:"ms" min:"0" max:"100000"`
}

func init() {
	registerTrials("perceptual",
		"tell after two seconds which of two noisy stimuli was the stronger one (PerceptualDecisionMaking; chance: 50 % of trials)",
		"Britten, Shadlen, Newsome and Movshon (1992) J Neurosci 12:4745", visualMotion, newPerceptual)
}

func newPerceptual() *Perceptual {
	return &Perceptual{Evidence: Evidence{Ring: 2, Coherences: []float64{0, 6.4, 12.8, 25.6, 51.2},
		FixationMs: 100, StimulusMs: 2000, DecisionMs: 100, TrialTiming: newTrialTiming(100, 1)}}
}

// Open implements Config.
func (c *Perceptual) Open(env Env) (*Task, error) {
	return c.open("perceptual", c, env, 1, stretch{"delay", c.DelayMs, ""})
}

// visualMotion describes the task.
var visualMotion = cite.Work{Key: "britten1992analysis", Kind: "article", Authors: "Britten, Kenneth H. and Shadlen, Michael N. and Newsome, William T. and Movshon, J. Anthony",
	Title: "The Analysis of Visual Motion: A Comparison of Neuronal and Psychophysical Performance",
	In:    "The Journal of Neuroscience", Volume: "12", Number: "12", Pages: "4745-4765", Year: 1992, DOI: "10.1523/JNEUROSCI.12-12-04745.1992"}
