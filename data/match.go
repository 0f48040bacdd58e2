package data

import "galvani/engine/cite"

// DelayMatch is the settings of the task dms, NeuroGym's DelayMatchSample: is the test the same
// stimulus as the sample before the delay?
//
// Periods: fixation, sample, delay, test, decision. Input: fixation point, then a ring of
// channels; the stimulus of a test that does not match lies on the other side of the ring from
// the sample. Coherence is 100 % (TrialTiming has the rest). Classes: fixate, match, non-match.
//
// Chance is 1/2, also for whoever knows the sample or the test alone.
//
// Source: Miller, Erickson and Desimone (1996) J Neurosci 16:5154.
type DelayMatch struct {
	Ring       int     `toml:"ring" doc:"channels, and stimuli to be a sample" unit:"1" min:"2" max:"64"`
	FixationMs float64 `toml:"fixation_ms" doc:"fixation before the sample" unit:"ms" min:"0" max:"100000"`
	SampleMs   float64 `toml:"sample_ms" doc:"duration of the sample" unit:"ms" min:"0" max:"100000"`
	DelayMs    float64 `toml:"delay_ms" doc:"from sample to test" unit:"ms" min:"0" max:"100000"`
	TestMs     float64 `toml:"test_ms" doc:"duration of the test" unit:"ms" min:"0" max:"100000"`
	DecisionMs float64 `toml:"decision_ms" doc:"time for the choice" unit:"ms" min:"0" max:"100000"`
	TrialTiming
}

func init() {
	registerTrials("dms",
		"tell whether the stimulus after a delay matches the one before it (DelayMatchSample; chance: 50 % of trials)",
		"Miller, Erickson and Desimone (1996) J Neurosci 16:5154", workingMemory, newDelayMatch)
}

func newDelayMatch() *DelayMatch {
	return &DelayMatch{Ring: 2, FixationMs: 300, SampleMs: 500, DelayMs: 1000, TestMs: 500, DecisionMs: 900,
		TrialTiming: newTrialTiming(100, 1)}
}

// Open implements Config.
func (c *DelayMatch) Open(env Env) (*Task, error) {
	t := &Task{Name: "dms", I: 1 + c.Ring, Classes: []string{"fixate", "match", "non-match"}}
	return c.openAlike(c, t, env, func(steps []int) protocol { return &matchTrials{c.Ring, steps} },
		stretch{"fixation", c.FixationMs, ""}, stretch{"sample", c.SampleMs, "sample_ms"}, stretch{"delay", c.DelayMs, ""},
		stretch{"test", c.TestMs, "test_ms"}, stretch{"decision", c.DecisionMs, "decision_ms"})
}

// matchTrials draws the trials of the task.
type matchTrials struct {
	ring  int
	steps []int // of the periods
}

func (p *matchTrials) draw(index int, r stream) (trial, stream) {
	var t trial
	k := turns(index)
	t.lay(p.steps...)
	differs := k.next(2)
	t.choice, t.coherence = 1+differs, 100
	sample := float64(k.next(p.ring))
	t.showRing(1, 1, p.ring, sample, t.coherence)
	t.showRing(3, 1, p.ring, sample+float64(differs*p.ring)/2, t.coherence)
	return t, r
}

// workingMemory describes the task.
var workingMemory = cite.Work{Key: "miller1996neural", Kind: "article", Authors: "Miller, Earl K. and Erickson, Cynthia A. and Desimone, Robert",
	Title: "Neural Mechanisms of Visual Working Memory in Prefrontal Cortex of the Macaque",
	In:    "The Journal of Neuroscience", Volume: "16", Number: "16", Pages: "5154-5167", Year: 1996, DOI: "10.1523/JNEUROSCI.16-16-05154.1996"}
