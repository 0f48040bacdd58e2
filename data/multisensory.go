package data

import "galvani/engine/cite"

// Multisensory is the settings of the task multisensory, NeuroGym's MultiSensoryIntegration:
// two noisy stimuli, say a picture and a sound, give evidence for the same choice.
//
// Periods: fixation, stimulus, decision. Input: fixation point, a ring of one channel per
// choice for modality 1 and another one for modality 2; the coherence of the trial is divided
// between them at random (TrialTiming has the rest). Classes: fixate, choice 1, choice 2.
//
// Chance is 1/2. The sum of the evidence of both modalities is expected to reach 74.6 % at coherence
// 5 %, 97.6 % at 15 %, 90.7 % over all with the default settings, and reaches 90.4 % of the 2000 test
// trials of seed 1; one modality alone is expected to reach 83 %.
//
// Source: Raposo, Kaufman and Churchland (2014), doi:10.1038/nn.3865.
type Multisensory struct{ Evidence }

func init() {
	registerTrials("multisensory",
		"choose by the evidence of two noisy stimuli together (MultiSensoryIntegration; chance: 50 % of trials)",
		"Raposo, Kaufman and Churchland (2014), doi:10.1038/nn.3865", categoryFree, newMultisensory)
}

func newMultisensory() *Multisensory {
	return &Multisensory{Evidence{Ring: 2, Coherences: []float64{5, 15, 50}, FixationMs: 300, StimulusMs: 750, DecisionMs: 100,
		TrialTiming: newTrialTiming(100, 1)}}
}

// Open implements Config.
func (c *Multisensory) Open(env Env) (*Task, error) {
	return c.open("multisensory", c, env, modalities)
}

// categoryFree describes the task.
var categoryFree = cite.Work{Key: "raposo2014category", Kind: "article", Authors: "Raposo, David and Kaufman, Matthew T. and Churchland, Anne K.",
	Title: "A category-free neural population supports evolving demands during decision-making",
	In:    "Nature Neuroscience", Volume: "17", Number: "12", Pages: "1784-1792", Year: 2014, DOI: "10.1038/nn.3865"}
