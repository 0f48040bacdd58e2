package data

import "galvani/engine/cite"

// DelayComparison is the settings of the task delay-comparison, NeuroGym's DelayComparison: which of two stimuli, with a
// delay between them, was the stronger one?
//
// Periods: fixation, stimulus 1, delay, stimulus 2, decision. Input: fixation point, then one channel with the strength
// of the stimulus and noise while it is there. The pairs of strengths are (10, 18), (14, 22), (18, 26), (22, 30) and
// (26, 34), in either order, and 10 to 34 are shown as 0.5 to 1. Classes: fixate, choice 1 where the first is stronger,
// choice 2.
//
// Chance is 1/2; who knows one stimulus alone is right in 70 %: the strengths 18, 22 and 26 are the stronger ones as
// often as the weaker ones.
//
// Source: Barak, Tsodyks and Romo (2010), doi:10.1523/JNEUROSCI.1875-10.2010.
type DelayComparison struct {
	FixationMs float64 `toml:"fixation_ms" doc:"fixation before the first stimulus" unit:"ms" min:"0" max:"100000"`
	StimulusMs float64 `toml:"stimulus_ms" doc:"duration of each stimulus" unit:"ms" min:"0" max:"100000"`
	DelayMs    float64 `toml:"delay_ms" doc:"between the stimuli" unit:"ms" min:"0" max:"100000"`
	DecisionMs float64 `toml:"decision_ms" doc:"time for the choice" unit:"ms" min:"0" max:"100000"`
	TrialTiming
}

func init() {
	registerTrials("delay-comparison",
		"tell which of two stimuli with a delay between them was stronger (DelayComparison; chance: 50 % of trials)",
		"Barak, Tsodyks and Romo (2010), doi:10.1523/JNEUROSCI.1875-10.2010", parametricMemory, newDelayComparison)
}

func newDelayComparison() *DelayComparison {
	return &DelayComparison{FixationMs: 500, StimulusMs: 500, DelayMs: 1000, DecisionMs: 100, TrialTiming: newTrialTiming(100, 1)}
}

// Open implements Config.
func (c *DelayComparison) Open(env Env) (*Task, error) {
	t := &Task{Name: "delay-comparison", I: 2, Classes: choices(2)}
	return c.openAlike(c, t, env, func(steps []int) protocol { return &comparisonTrials{steps} },
		stretch{"fixation", c.FixationMs, ""}, stretch{"stimulus 1", c.StimulusMs, "stimulus_ms"}, stretch{"delay", c.DelayMs, ""},
		stretch{"stimulus 2", c.StimulusMs, ""}, stretch{"decision", c.DecisionMs, "decision_ms"})
}

// weaker are the weaker strengths of the pairs, apart is by how much the others are stronger.
var weaker = [...]float64{10, 14, 18, 22, 26}

const apart = 8

// comparisonTrials draws the trials of the task.
type comparisonTrials struct{ steps []int }

func (p *comparisonTrials) draw(index int, r stream) (trial, stream) {
	var t trial
	k := turns(index)
	t.lay(p.steps...)
	t.choice = 1 + k.next(2)
	pair := k.next(len(weaker))
	strengths := [2]float64{weaker[pair] + apart, weaker[pair]}
	if t.choice == 2 {
		strengths[0], strengths[1] = strengths[1], strengths[0]
	}
	least, most := weaker[0], weaker[len(weaker)-1]+apart
	for s, v := range strengths {
		t.showLevel(1+2*s, 1, (1+(v-least)/(most-least))/2)
	}
	return t, r
}

// parametricMemory describes the task.
var parametricMemory = cite.Work{Key: "barak2010neuronal", Kind: "article", Authors: "Barak, Omri and Tsodyks, Misha and Romo, Ranulfo",
	Title: "Neuronal Population Coding of Parametric Working Memory",
	In:    "The Journal of Neuroscience", Volume: "30", Number: "28", Pages: "9424-9430", Year: 2010, DOI: "10.1523/JNEUROSCI.1875-10.2010"}
