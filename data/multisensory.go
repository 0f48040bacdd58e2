package data

import "galvani/engine/cite"

// Multisensory is the settings of the task multisensory, NeuroGym's MultiSensoryIntegration:
// two noisy stimuli, say a picture and a sound, give evidence for the same choice.
//
// Periods: fixation, stimulus, decision. Input: fixation point, a ring of one channel per
// choice for modality 1 and another one for modality 2; the coherence of the trial is divided
// between them at random (TrialTiming has the rest). Classes: fixate, choice 1, choice 2.
//
// Chance is 1/2. The sum of the evidence of both modalities is expected to reach 74.6 % at coherence
// 5 %, 97.6 % at 15 %, 90.7 % over all with the default settings, and reaches 90.4 % of the 2000 test
// trials of seed 1; one modality alone is expected to reach 83 %.
//
// Source: Raposo, Kaufman and Churchland (2014), doi:10.1038/nn.3865.
type Multisensory struct {
	Ring       int       `toml:"ring" doc:"choices, one channel each" unit:"1" min:"2" max:"64"`
	Coherences []float64 `toml:"coherences" doc:"strengths of the stimuli, both together" unit:"%" min:"0" max:"100" nonempty:"true"`
	FixationMs float64   `toml:"fixation_ms" doc:"fixation before the stimulus" unit:"ms" min:"0" max:"100000"`
	StimulusMs float64   `toml:"stimulus_ms" doc:"duration of the stimulus" unit:"ms" min:"0" max:"100000"`
	DecisionMs float64   `toml:"decision_ms" doc:"time for the choice" unit:"ms" min:"0" max:"100000"`
	TrialTiming
}

func init() {
	Register(Entry{
		Name:       "multisensory",
		Doc:        "choose by the evidence of two noisy stimuli together (MultiSensoryIntegration; chance: 50 % of trials)",
		Source:     "Raposo, Kaufman and Churchland (2014), doi:10.1038/nn.3865; NeuroGym: Molano-Mazón et al. (2022), doi:10.31234/osf.io/aqc9n",
		References: []cite.Work{categoryFree, neuroGym},
		New:        func() Config { return newMultisensory() },
	})
}

func newMultisensory() *Multisensory {
	return &Multisensory{Ring: 2, Coherences: []float64{5, 15, 50}, FixationMs: 300, StimulusMs: 750, DecisionMs: 100,
		TrialTiming: newTrialTiming(100, 1)}
}

// Open implements Config.
func (c *Multisensory) Open(env Env) (*Task, error) {
	const name = "multisensory"
	if err := check(name, c); err != nil {
		return nil, err
	}
	if err := c.atLeastOne(name, duration{"stimulus_ms", c.StimulusMs}, duration{"decision_ms", c.DecisionMs}); err != nil {
		return nil, err
	}
	p := &multisensoryTrials{c.Ring, c.Coherences, [3]int{c.count(c.FixationMs), c.count(c.StimulusMs), c.count(c.DecisionMs)}}
	length := p.steps[0] + p.steps[1] + p.steps[2]
	t := &Task{Name: name, I: 1 + modalities*c.Ring, Classes: choices(c.Ring)}
	return openTrials(t, env, c.TrialTiming, p, []string{"fixation", "stimulus", "decision"}, length, length)
}

// multisensoryTrials draws the trials of the task.
type multisensoryTrials struct {
	ring       int
	coherences []float64
	steps      [3]int // of the periods
}

func (p *multisensoryTrials) draw(index int, r stream) (trial, stream) {
	var t trial
	k := turns(index)
	t.lay(p.steps[:]...)
	choice := k.next(p.ring)
	t.choice, t.coherence = 1+choice, p.coherences[k.next(len(p.coherences))]
	share := r.float()
	t.showRing(1, 1, p.ring, float64(choice), share*t.coherence)
	t.showRing(1, 1+p.ring, p.ring, float64(choice), (1-share)*t.coherence)
	return t, r
}

// categoryFree describes the task.
var categoryFree = cite.Work{Key: "raposo2014category", Kind: "article", Authors: "Raposo, David and Kaufman, Matthew T. and Churchland, Anne K.",
	Title: "A category-free neural population supports evolving demands during decision-making",
	In:    "Nature Neuroscience", Volume: "17", Number: "12", Pages: "1784-1792", Year: 2014, DOI: "10.1038/nn.3865"}
