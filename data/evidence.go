package data

// Evidence is the settings of tasks that ask which choice noisy stimuli speak for. Each choice has one
// channel in the ring of a stimulus.
type Evidence struct {
	Ring       int       `toml:"ring" doc:"choices, one channel each" unit:"1" min:"2" max:"64"`
	Coherences []float64 `toml:"coherences" doc:"strengths of the stimuli, all together" unit:"%" min:"0" max:"100" nonempty:"true"`
	FixationMs float64   `toml:"fixation_ms" doc:"fixation before the stimulus" unit:"ms" min:"0" max:"100000"`
	StimulusMs float64   `toml:"stimulus_ms" doc:"duration of the stimulus" unit:"ms" min:"0" max:"100000"`
	DecisionMs float64   `toml:"decision_ms" doc:"time for the choice" unit:"ms" min:"0" max:"100000"`
	TrialTiming
}

// open opens the task cfg, which holds c and shows one stimulus, or two that divide the coherence of a
// trial at random, with delays between stimulus and decision.
func (c *Evidence) open(name string, cfg Config, env Env, stimuli int, delays ...stretch) (*Task, error) {
	t := &Task{Name: name, I: 1 + stimuli*c.Ring, Classes: choices(c.Ring)}
	spans := append([]stretch{{"fixation", c.FixationMs, ""}, {"stimulus", c.StimulusMs, "stimulus_ms"}}, delays...)
	return c.openAlike(cfg, t, env, func(steps []int) protocol {
		return &evidenceTrials{ring: c.Ring, coherences: c.Coherences, stimuli: stimuli, steps: steps}
	}, append(spans, stretch{"decision", c.DecisionMs, "decision_ms"})...)
}

// evidenceTrials draws trials whose choices and coherences take turns.
type evidenceTrials struct {
	ring       int
	coherences []float64
	stimuli    int
	steps      []int // of the periods
}

func (p *evidenceTrials) draw(index int, r stream) (trial, stream) {
	var t trial
	k := turns(index)
	t.lay(p.steps...)
	choice := k.next(p.ring)
	t.choice, t.coherence = 1+choice, p.coherences[k.next(len(p.coherences))]
	share := 1.0
	if p.stimuli == modalities {
		share = r.float()
		t.showRing(1, 1+p.ring, p.ring, float64(choice), (1-share)*t.coherence)
	}
	t.showRing(1, 1, p.ring, float64(choice), share*t.coherence)
	return t, r
}
