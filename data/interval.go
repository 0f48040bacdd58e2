package data

import (
	"fmt"

	"galvani/engine/cite"
)

// ReadySetGo is the settings of the task ready-set-go, NeuroGym's ReadySetGo: measure the
// interval between two flashes and produce it again after the second.
//
// Periods: fixation, ready, measure, set, production. The interval to measure is drawn evenly
// from measure_min to measure_max and runs from the onset of ready to the onset of set; go is
// due the same interval, times interval_gain, after the onset of set. Production begins when
// set ends and lasts twice the interval to produce. Input: fixation point, ready, set, each 1
// while it is there, the last two with noise throughout the trial. Classes: fixate, go.
//
// Go stays the target from when it is due to the end of the trial, as in NeuroGym the trial
// ends with it; hold = false asks for it in one step alone, which is NeuroGym's target. A trial
// is solved where the first go comes within margin·interval + 25 ms of when it is due.
//
// Whoever says go at the one best time after set, whatever the interval, solves 69 % of the
// trials with the default settings.
//
// Source: Remington, Narain, Hosseini and Jazayeri (2018), doi:10.1016/j.neuron.2018.05.020.
type ReadySetGo struct {
	FixationMs float64 `toml:"fixation_ms" doc:"fixation before ready" unit:"ms" min:"0" max:"100000"`
	ReadyMs    float64 `toml:"ready_ms" doc:"duration of ready" unit:"ms" min:"0" max:"100000"`
	MeasureMin float64 `toml:"measure_min" doc:"shortest interval from ready to set" unit:"ms" min:"0" max:"100000"`
	MeasureMax float64 `toml:"measure_max" doc:"longest interval from ready to set" unit:"ms" min:"0" max:"100000"`
	SetMs      float64 `toml:"set_ms" doc:"duration of set" unit:"ms" min:"0" max:"100000"`
	Gain       float64 `toml:"interval_gain" doc:"interval to produce over interval measured" unit:"1" min:"0.01" max:"100"`
	Margin     float64 `toml:"margin" doc:"error of a right interval, relative to it; 25 ms more are allowed" unit:"1" min:"0" max:"1"`
	Hold       bool    `toml:"hold" doc:"go stays the target until the end of the trial"`
	TrialTiming
}

func init() {
	registerTrials("ready-set-go",
		"measure the interval between two flashes and produce it again (ReadySetGo)",
		"Remington, Narain, Hosseini and Jazayeri (2018), doi:10.1016/j.neuron.2018.05.020", flexible, newReadySetGo)
}

func newReadySetGo() *ReadySetGo {
	return &ReadySetGo{FixationMs: 100, ReadyMs: 83, MeasureMin: 800, MeasureMax: 1500, SetMs: 83,
		Gain: 1, Margin: 0.2, Hold: true, TrialTiming: newTrialTiming(80, 0)}
}

// Open implements Config.
func (c *ReadySetGo) Open(env Env) (*Task, error) {
	const name = "ready-set-go"
	if err := check(name, c); err != nil {
		return nil, err
	}
	if c.MeasureMin > c.MeasureMax {
		return nil, fmt.Errorf("data: %s: measure_min is %v, want at most measure_max = %v: %w", name, c.MeasureMin, c.MeasureMax, ErrConfig)
	}
	if err := c.atLeastOne(name, duration{"ready_ms", c.ReadyMs}, duration{"set_ms", c.SetMs}); err != nil {
		return nil, err
	}
	if c.count(c.MeasureMin) < c.count(c.ReadyMs) {
		return nil, fmt.Errorf("data: %s: measure_min is %v, want at least ready_ms = %v: %w", name, c.MeasureMin, c.ReadyMs, ErrConfig)
	}
	p := &intervalTrials{*c}
	if shortest := p.produced(c.count(c.MeasureMin)); shortest < c.count(c.SetMs) {
		return nil, fmt.Errorf("data: %s: the shortest interval to produce is %d steps, want at least the %d of set_ms = %v: %w",
			name, shortest, c.count(c.SetMs), c.SetMs, ErrConfig)
	}
	t := &Task{Name: name, I: 3, Classes: []string{"fixate", "go"}}
	return openTrials(t, env, c.TrialTiming, p, []string{"fixation", "ready", "measure", "set", "production"},
		p.length(c.count(c.MeasureMin)), p.length(c.count(c.MeasureMax)))
}

// intervalTrials draws the trials of the task.
type intervalTrials struct{ cfg ReadySetGo }

// produced returns the steps to produce after an interval of some steps.
func (p *intervalTrials) produced(measured int) int { return int(float64(measured) * p.cfg.Gain) }

// length returns the steps of a trial with an interval of some steps.
func (p *intervalTrials) length(measured int) int {
	return p.cfg.count(p.cfg.FixationMs) + measured + p.cfg.count(p.cfg.SetMs) + 2*p.produced(measured)
}

func (p *intervalTrials) draw(_ int, r stream) (trial, stream) {
	var t trial
	c := &p.cfg
	measured, ready, set := c.count(r.between(c.MeasureMin, c.MeasureMax)), c.count(c.ReadyMs), c.count(c.SetMs)
	produced := p.produced(measured)
	t.lay(c.count(c.FixationMs), ready, measured-ready, set, 2*produced)
	t.show(patch{first: t.starts[1], end: t.starts[2], channel: 1, n: 1, base: 1})
	t.show(patch{first: t.starts[3], end: t.starts[4], channel: 2, n: 1, base: 1})
	t.show(patch{end: t.settled, channel: 1, n: 2, noisy: true})

	slack := c.count(c.Margin*float64(produced)*c.StepMs + slackMs)
	t.choice, t.due = 1, t.starts[3]+produced
	t.earliest, t.latest = max(t.due-slack, t.starts[4]), min(t.due+slack, t.settled-1)
	if !c.Hold {
		t.settled = t.due + 1
	}
	return t, r
}

// slackMs is the error that is allowed however short the interval, ms.
const slackMs = 25

// flexible describes the task.
var flexible = cite.Work{Key: "remington2018flexible", Kind: "article", Authors: "Remington, Evan D. and Narain, Devika and Hosseini, Eghbal A. and Jazayeri, Mehrdad",
	Title: "Flexible Sensorimotor Computations through Rapid Reconfiguration of Cortical Dynamics",
	In:    "Neuron", Volume: "98", Number: "5", Pages: "1005-1019", Year: 2018, DOI: "10.1016/j.neuron.2018.05.020"}
