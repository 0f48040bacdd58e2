package data

// PairedAssociation is the settings of the task paired-association, NeuroGym's DelayPairedAssociation: do two stimuli,
// with a delay between them, belong together?
//
// Periods: fixation, stimulus 1, delay 1, stimulus 2, delay 2, decision. Input: fixation point, then a channel for each
// of four stimuli, 1 while it is there, without noise by default. Stimulus 1 or 2 comes first, then 3 or 4; 1 and 3, and
// 2 and 4 belong together. Classes: fixate, go. A trial of stimuli that do not belong together is solved where the
// network fixates until its end.
//
// Chance is 1/2, also for whoever knows one stimulus alone.
//
// Source: Zhang et al. (2019), doi:10.7554/eLife.43191.
type PairedAssociation struct {
	FixationMs float64 `toml:"fixation_ms" doc:"fixation before the first stimulus" unit:"ms" min:"0" max:"100000"`
	StimulusMs float64 `toml:"stimulus_ms" doc:"duration of each stimulus" unit:"ms" min:"0" max:"100000"`
	BetweenMs  float64 `toml:"between_ms" doc:"between the stimuli" unit:"ms" min:"0" max:"100000"`
	DelayMs    float64 `toml:"delay_ms" doc:"from the second stimulus to the decision" unit:"ms" min:"0" max:"100000"`
	DecisionMs float64 `toml:"decision_ms" doc:"time for the choice" unit:"ms" min:"0" max:"100000"`
	TrialTiming
}

func init() {
	registerTrials("paired-association",
		"answer where two stimuli with a delay between them belong together (DelayPairedAssociation; chance: 50 % of trials)",
		"Zhang et al. (2019), doi:10.7554/eLife.43191", activeMaintenance, newPairedAssociation)
}

func newPairedAssociation() *PairedAssociation {
	return &PairedAssociation{StimulusMs: 1000, BetweenMs: 1000, DelayMs: 1000, DecisionMs: 500, TrialTiming: newTrialTiming(100, 0)}
}

// Open implements Config.
func (c *PairedAssociation) Open(env Env) (*Task, error) {
	t := &Task{Name: "paired-association", I: 5, Classes: []string{"fixate", "go"}}
	return c.openAlike(c, t, env, func(steps []int) protocol { return &pairTrials{steps} },
		stretch{"fixation", c.FixationMs, ""}, stretch{"stimulus 1", c.StimulusMs, "stimulus_ms"}, stretch{"delay 1", c.BetweenMs, ""},
		stretch{"stimulus 2", c.StimulusMs, ""}, stretch{"delay 2", c.DelayMs, ""}, stretch{"decision", c.DecisionMs, "decision_ms"})
}

// pairTrials draws the trials of the task.
type pairTrials struct{ steps []int }

func (p *pairTrials) draw(index int, r stream) (trial, stream) {
	var t trial
	k := turns(index)
	t.lay(p.steps...)
	first, second := k.next(2), k.next(2)
	if first == second {
		t.choice = 1
	}
	t.showLevel(1, 1+first, 1)
	t.showLevel(3, 3+second, 1)
	return t, r
}
