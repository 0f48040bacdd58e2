package data

import "galvani/engine/cite"

// IntervalDiscrimination is the settings of the task interval-discrimination, NeuroGym's IntervalDiscrimination: which
// of two stimuli was there for longer?
//
// Periods: fixation, stimulus 1, delay 1, stimulus 2, delay 2, decision. The durations of the stimuli are two different
// numbers of steps from stimulus_min to stimulus_max, that of the first delay is drawn from delay_min to delay_max.
// Input: fixation point, then a channel for each stimulus, 1 while it is there, without noise by default. Classes:
// fixate, choice 1 where the first was longer, choice 2.
//
// Chance is 1/2; who knows the duration of one stimulus alone is right in more.
//
// Source: Genovesio, Tsujimoto and Wise (2009), doi:10.1016/j.neuron.2009.06.018. NeuroGym has trials with equal
// durations, too, whose answer is choice 2.
type IntervalDiscrimination struct {
	FixationMs  float64 `toml:"fixation_ms" doc:"fixation before the first stimulus" unit:"ms" min:"0" max:"100000"`
	StimulusMin float64 `toml:"stimulus_min" doc:"shortest stimulus" unit:"ms" min:"0" max:"100000"`
	StimulusMax float64 `toml:"stimulus_max" doc:"longest stimulus" unit:"ms" min:"0" max:"100000"`
	DelayMin    float64 `toml:"delay_min" doc:"shortest delay between the stimuli" unit:"ms" min:"0" max:"100000"`
	DelayMax    float64 `toml:"delay_max" doc:"longest delay between the stimuli" unit:"ms" min:"0" max:"100000"`
	DelayMs     float64 `toml:"delay_ms" doc:"from the second stimulus to the decision" unit:"ms" min:"0" max:"100000"`
	DecisionMs  float64 `toml:"decision_ms" doc:"time for the choice" unit:"ms" min:"0" max:"100000"`
	TrialTiming
}

func init() {
	registerTrials("interval-discrimination",
		"tell which of two stimuli was there for longer (IntervalDiscrimination; chance: 50 % of trials)",
		"Genovesio, Tsujimoto and Wise (2009), doi:10.1016/j.neuron.2009.06.018", timingOrder, newIntervalDiscrimination)
}

func newIntervalDiscrimination() *IntervalDiscrimination {
	return &IntervalDiscrimination{FixationMs: 300, StimulusMin: 300, StimulusMax: 600, DelayMin: 800, DelayMax: 1500, DelayMs: 500, DecisionMs: 300,
		TrialTiming: newTrialTiming(80, 0)}
}

// Open implements Config.
func (c *IntervalDiscrimination) Open(env Env) (*Task, error) {
	const name = "interval-discrimination"
	if err := check(name, c); err != nil {
		return nil, err
	}
	if err := c.atLeastOne(name, duration{"stimulus_min", c.StimulusMin}, duration{"decision_ms", c.DecisionMs}); err != nil {
		return nil, err
	}
	if c.count(c.StimulusMax) <= c.count(c.StimulusMin) {
		return nil, wrong(name, "stimulus_max is %v, want a step of step_ms = %v more than stimulus_min = %v at least", c.StimulusMax, c.StepMs, c.StimulusMin)
	}
	if c.DelayMin > c.DelayMax {
		return nil, wrong(name, "delay_min is %v, want at most delay_max = %v", c.DelayMin, c.DelayMax)
	}
	_, shortest := c.counts(c.FixationMs, c.StimulusMin, c.DelayMin, c.StimulusMin, c.DelayMs, c.DecisionMs)
	_, longest := c.counts(c.FixationMs, c.StimulusMax, c.DelayMax, c.StimulusMax, c.DelayMs, c.DecisionMs)
	t := &Task{Name: name, I: 3, Classes: choices(2)}
	return openTrials(t, env, c.TrialTiming, &durationTrials{*c}, []string{"fixation", "stimulus 1", "delay 1", "stimulus 2", "delay 2", "decision"}, shortest, longest)
}

// durationTrials draws the trials of the task.
type durationTrials struct{ cfg IntervalDiscrimination }

func (p *durationTrials) draw(index int, r stream) (trial, stream) {
	var t trial
	c := &p.cfg
	k := turns(index)
	t.choice = 1 + k.next(2)
	least, n := c.count(c.StimulusMin), c.count(c.StimulusMax)-c.count(c.StimulusMin)+1
	first, second := r.below(n), r.below(n-1)
	if second >= first {
		second++
	}
	if (first > second) != (t.choice == 1) {
		first, second = second, first
	}
	shortest := c.count(c.DelayMin)
	delay := shortest + r.below(c.count(c.DelayMax)-shortest+1)
	t.lay(c.count(c.FixationMs), least+first, delay, least+second, c.count(c.DelayMs), c.count(c.DecisionMs))
	t.showLevel(1, 1, 1)
	t.showLevel(3, 2, 1)
	return t, r
}

// timingOrder describes the task.
var timingOrder = cite.Work{Key: "genovesio2009feature", Kind: "article", Authors: "Genovesio, Aldo and Tsujimoto, Satoshi and Wise, Steven P.",
	Title: "Feature- and Order-Based Timing Representations in the Frontal Cortex",
	In:    "Neuron", Volume: "63", Number: "2", Pages: "254-266", Year: 2009, DOI: "10.1016/j.neuron.2009.06.018"}
