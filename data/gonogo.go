package data

import "galvani/engine/cite"

// GoNoGo is the settings of the task go-nogo, NeuroGym's GoNogo: answer after the one stimulus, and do not after the
// other.
//
// Periods: fixation, stimulus, delay, decision. Input: fixation point, then a channel that is 1 during the stimulus
// nogo and one for go, without noise by default. Classes: fixate, go. A trial of nogo is solved where the network
// fixates until its end.
//
// Chance is 1/2.
//
// Source: the timing of Zhang et al. (2019), doi:10.7554/eLife.43191, in NeuroGym.
type GoNoGo struct{ OneStimulus }

func init() {
	registerTrials("go-nogo",
		"answer after one of two stimuli and keep still after the other (GoNogo; chance: 50 % of trials)",
		"Zhang et al. (2019), doi:10.7554/eLife.43191", activeMaintenance, newGoNoGo)
}

func newGoNoGo() *GoNoGo {
	return &GoNoGo{OneStimulus{StimulusMs: 500, DelayMs: 500, DecisionMs: 500, TrialTiming: newTrialTiming(100, 0)}}
}

// Open implements Config.
func (c *GoNoGo) Open(env Env) (*Task, error) {
	t := &Task{Name: "go-nogo", I: 3, Classes: []string{"fixate", "go"}}
	return c.openAlike(c, t, env, func(steps []int) protocol { return &goTrials{steps} }, c.spans()...)
}

// goTrials draws the trials of the task.
type goTrials struct{ steps []int }

func (p *goTrials) draw(index int, r stream) (trial, stream) {
	var t trial
	k := turns(index)
	t.lay(p.steps...)
	t.choice = k.next(2)
	for kind := range 2 {
		t.showLevel(1, 1+kind, float64(kind^t.choice^1))
	}
	return t, r
}

// activeMaintenance is where the timing of go-nogo and paired-association is from.
var activeMaintenance = cite.Work{Key: "zhang2019active", Kind: "article", Authors: "Zhang, Xiaoxing and Yan, Wenjun and Wang, Wenliang and Fan, Hongmei and Hou, Ruiqing and Chen, Yulei and Chen, Zhaoqin and Ge, Chaofan and Duan, Shumin and Compte, Albert and Li, Chengyu T.",
	Title: "Active information maintenance in working memory by a sensory cortex",
	In:    "eLife", Volume: "8", Pages: "e43191", Year: 2019, DOI: "10.7554/eLife.43191"}
