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
// trial at random, with periods of the given names and durations in ms.
func (c *Evidence) open(name string, cfg Config, env Env, stimuli int, periods []string, durations ...float64) (*Task, error) {
	if err := check(name, cfg); err != nil {
		return nil, err
	}
	if err := c.atLeastOne(name, duration{"stimulus_ms", c.StimulusMs}, duration{"decision_ms", c.DecisionMs}); err != nil {
		return nil, err
	}
	p := &evidenceTrials{ring: c.Ring, coherences: c.Coherences, stimuli: stimuli}
	length := 0
	for _, ms := range durations {
		p.steps = append(p.steps, c.count(ms))
		length += c.count(ms)
	}
	t := &Task{Name: name, I: 1 + stimuli*c.Ring, Classes: choices(c.Ring)}
	return openTrials(t, env, c.TrialTiming, p, periods, length, length)
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
