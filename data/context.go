package data

import (
	"fmt"
	"math"

	"galvani/engine/cite"
)

// Context is the settings of the task context, NeuroGym's ContextDecisionMaking with its cue:
// two noisy stimuli at once, say the motion and the colour of dots, and a cue that says which
// one to judge.
//
// Periods: fixation, stimulus, delay, decision; the delay is drawn from an exponential
// distribution, cut off at both ends. Input: fixation point, a ring of one channel per choice
// for modality 1, another one for modality 2, and two channels for the cue, which is there
// throughout the trial (TrialTiming has the rest). Classes: fixate, choice 1, choice 2. The
// choices of the two modalities are independent. With relevant = 1 or 2 that modality counts in
// all trials and there is no cue (SingleContextDecisionMaking).
//
// Chance is 1/2, and so is whoever judges the wrong modality. The sum of the evidence of the
// right one reaches 82.5 % at coherence 5 %, 99.8 % at 15 %, 94.1 % over all with the default
// settings; whoever adds the two modalities up reaches 74 %.
//
// Source: Mante, Sussillo, Shenoy and Newsome (2013), doi:10.1038/nature12742.
type Context struct {
	Ring       int       `toml:"ring" doc:"choices, one channel each" unit:"1" min:"2" max:"64"`
	Relevant   int       `toml:"relevant" doc:"modality that counts: 1 or 2 in all trials and without a cue; 0 for either, with a cue" unit:"1" min:"0" max:"2"`
	Coherences []float64 `toml:"coherences" doc:"strengths of the stimulus" unit:"%" min:"0" max:"100" nonempty:"true"`
	FixationMs float64   `toml:"fixation_ms" doc:"fixation before the stimulus" unit:"ms" min:"0" max:"100000"`
	StimulusMs float64   `toml:"stimulus_ms" doc:"duration of the stimulus" unit:"ms" min:"0" max:"100000"`
	DelayMean  float64   `toml:"delay_mean" doc:"mean of the exponential distribution of delays before it is cut off" unit:"ms" min:"1" max:"100000"`
	DelayMin   float64   `toml:"delay_min" doc:"shortest delay between stimulus and decision" unit:"ms" min:"0" max:"100000"`
	DelayMax   float64   `toml:"delay_max" doc:"longest delay" unit:"ms" min:"0" max:"100000"`
	DecisionMs float64   `toml:"decision_ms" doc:"time for the choice" unit:"ms" min:"0" max:"100000"`
	TrialTiming
}

func init() {
	registerTrials("context",
		"judge the one of two noisy stimuli that a cue points at, and answer after a delay (ContextDecisionMaking; chance: 50 % of trials)",
		"Mante, Sussillo, Shenoy and Newsome (2013), doi:10.1038/nature12742", contextDependent, newContext)
}

func newContext() *Context {
	return &Context{Ring: 2, Coherences: []float64{5, 15, 50}, FixationMs: 300, StimulusMs: 750,
		DelayMean: 600, DelayMin: 300, DelayMax: 3000, DecisionMs: 100, TrialTiming: newTrialTiming(100, 1)}
}

// Open implements Config.
func (c *Context) Open(env Env) (*Task, error) {
	const name = "context"
	if err := check(name, c); err != nil {
		return nil, err
	}
	if err := c.atLeastOne(name, duration{"stimulus_ms", c.StimulusMs}, duration{"decision_ms", c.DecisionMs}); err != nil {
		return nil, err
	}
	if c.DelayMin > c.DelayMax {
		return nil, fmt.Errorf("data: %s: delay_min is %v, want at most delay_max = %v: %w", name, c.DelayMin, c.DelayMax, ErrConfig)
	}
	t := &Task{Name: name, I: 1 + 2*c.Ring, Classes: choices(c.Ring)}
	if c.Relevant == 0 {
		t.I += modalities
	}
	p := &contextTrials{*c}
	constant := c.count(c.FixationMs) + c.count(c.StimulusMs) + c.count(c.DecisionMs)
	return openTrials(t, env, c.TrialTiming, p, []string{"fixation", "stimulus", "delay", "decision"},
		constant+c.count(c.DelayMin), constant+c.count(c.DelayMax))
}

// modalities is how many stimuli the tasks context and multisensory show at once.
const modalities = 2

// contextTrials draws the trials of the task.
type contextTrials struct{ cfg Context }

func (p *contextTrials) draw(index int, r stream) (trial, stream) {
	var t trial
	c, k := &p.cfg, turns(index)
	t.lay(c.count(c.FixationMs), c.count(c.StimulusMs), c.count(p.delay(&r)), c.count(c.DecisionMs))
	relevant := c.Relevant - 1
	choice, other := k.next(c.Ring), k.next(c.Ring)
	if c.Relevant == 0 {
		relevant = k.next(modalities)
		t.show(patch{end: t.settled, channel: 1 + modalities*c.Ring + relevant, n: 1, base: 1})
	}
	t.choice, t.coherence = 1+choice, c.Coherences[k.next(len(c.Coherences))]
	t.showRing(1, 1+relevant*c.Ring, c.Ring, float64(choice), t.coherence)
	t.showRing(1, 1+(1-relevant)*c.Ring, c.Ring, float64(other), c.Coherences[k.next(len(c.Coherences))])
	return t, r
}

// delay returns a delay in ms: the inverse of the distribution function, which needs no draws
// to be thrown away.
func (p *contextTrials) delay(r *stream) float64 {
	c := &p.cfg
	within := -math.Expm1(-(c.DelayMax - c.DelayMin) / c.DelayMean) // probability of delay_min to delay_max
	return min(c.DelayMin-c.DelayMean*math.Log1p(-within*r.float()), c.DelayMax)
}

// contextDependent describes the task.
var contextDependent = cite.Work{Key: "mante2013context", Kind: "article", Authors: "Mante, Valerio and Sussillo, David and Shenoy, Krishna V. and Newsome, William T.",
	Title: "Context-dependent computation by recurrent dynamics in prefrontal cortex",
	In:    "Nature", Volume: "503", Number: "7474", Pages: "78-84", Year: 2013, DOI: "10.1038/nature12742"}
