package data

import "galvani/engine/cite"

// AntiReach is the settings of the task anti-reach, NeuroGym's AntiReach: choose the direction opposite to a stimulus.
//
// Periods: fixation, stimulus, delay, decision. Input: fixation point, then a ring of one channel per direction, whose
// channel i is cos(θ_i − θ) during a stimulus at θ, without noise by default. With anti = false the direction of the
// stimulus is right. A ring of an odd number has no opposite channel, and is refused with anti. Classes: fixate, and
// one for each direction.
//
// Chance is 1/ring.
//
// Source: Munoz and Everling (2004), doi:10.1038/nrn1345.
type AntiReach struct {
	Ring int  `toml:"ring" doc:"directions, one channel each" unit:"1" min:"2" max:"64"`
	Anti bool `toml:"anti" doc:"whether the opposite direction is right"`
	OneStimulus
}

func init() {
	registerTrials("anti-reach",
		"choose the direction opposite to a stimulus (AntiReach; chance: 1/ring of trials)",
		"Munoz and Everling (2004), doi:10.1038/nrn1345", lookAway, newAntiReach)
}

func newAntiReach() *AntiReach {
	return &AntiReach{Ring: 32, Anti: true, OneStimulus: OneStimulus{FixationMs: 500, StimulusMs: 500, DecisionMs: 500, TrialTiming: newTrialTiming(100, 0)}}
}

// Open implements Config.
func (c *AntiReach) Open(env Env) (*Task, error) {
	if err := check("anti-reach", c); err != nil {
		return nil, err
	}
	if c.Anti && c.Ring%2 != 0 {
		return nil, wrong("anti-reach", "ring is %d, and no channel is opposite to another; make it even, or take anti = false", c.Ring)
	}
	t := &Task{Name: "anti-reach", I: 1 + c.Ring, Classes: choices(c.Ring)}
	return c.openAlike(c, t, env, func(steps []int) protocol { return &reachTrials{*c, steps} }, c.spans()...)
}

// reachTrials draws the trials of the task.
type reachTrials struct {
	cfg   AntiReach
	steps []int
}

func (p *reachTrials) draw(index int, r stream) (trial, stream) {
	var t trial
	k := turns(index)
	t.lay(p.steps...)
	at := k.next(p.cfg.Ring)
	t.choice = 1 + at
	if p.cfg.Anti {
		t.choice = 1 + (at+p.cfg.Ring/2)%p.cfg.Ring
	}
	t.show(patch{t.starts[1], t.starts[2], 1, p.cfg.Ring, 0, 1, float64(at), true, 0})
	return t, r
}

// lookAway describes the task.
var lookAway = cite.Work{Key: "munoz2004look", Kind: "article", Authors: "Munoz, Douglas P. and Everling, Stefan",
	Title: "Look away: the anti-saccade task and the voluntary control of eye movement",
	In:    "Nature Reviews Neuroscience", Volume: "5", Number: "3", Pages: "218-228", Year: 2004, DOI: "10.1038/nrn1345"}
