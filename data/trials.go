package data

import (
	"fmt"
	"math"

	"galvani/engine/cite"
)

// TrialTiming is the settings that all trial tasks share: the cognitive tasks of NeuroGym, with
// its names, periods and defaults.
//
// A trial is a row of periods. Input: x [T,B,I]; channel 0 is the fixation point, lit until the
// last period begins, then come the channels of the stimuli. Target at every step: class 0,
// fixate, until the last period, then the choice. A duration that is no multiple of step_ms
// loses the rest. Where trials differ in length the mask is in use.
//
// A ring of n channels shows a stimulus at angle θ with coherence c as 1/2 + c/200·cos(θ_i − θ)
// in channel i, θ_i = 2πi/n, plus Gaussian noise of standard deviation sigma/√step_ms.
//
// Conditions (choice, coherence and so on) take turns with the index, so that they are balanced
// exactly; NeuroGym draws them.
//
// Source: Molano-Mazón et al. (2022), doi:10.31234/osf.io/aqc9n; the weights of fixation and
// response after Yang et al. (2019), doi:10.1038/s41593-018-0310-2.
type TrialTiming struct {
	StepMs         float64 `toml:"step_ms" doc:"duration of one step" unit:"ms" min:"0.1" max:"1000"`
	Sigma          float64 `toml:"sigma" doc:"noise of the stimulus, its standard deviation in a step of 1 ms" unit:"√ms" min:"0" max:"1000"`
	FixationWeight float64 `toml:"fixation_weight" doc:"weight of the steps before the last period; those of the last weigh 1" unit:"1" min:"0" max:"1"`
	Sampling
}

// newTrialTiming returns the defaults: one fifth of the weight for fixation.
func newTrialTiming(stepMs, sigma float64) TrialTiming {
	return TrialTiming{StepMs: stepMs, Sigma: sigma, FixationWeight: 0.2,
		Sampling: Sampling{Fresh: true, TrainSize: 5000, TestSize: 2000}}
}

// Fixate is the class that all trial tasks ask for before the last period of a trial.
const Fixate = 0

// Trials is a set whose samples are trials with a right choice, as those of the cognitive tasks.
type Trials interface {
	Set
	// Trial returns what a sample of an epoch shows and asks for.
	Trial(epoch, index int) Trial
}

// Trial is the structure of one trial and its right answer. Steps count from 0.
type Trial struct {
	Periods   []Period // in order, without gaps, the last one for the response
	Choice    int      // the right class
	Earliest  int      // first and last step at which the choice may come
	Latest    int
	Coherence float64 // of the stimuli that count, in %; 0 for tasks without
	Kind      string  // which task it is of, where there are several in one; otherwise empty
}

// Period is the steps First to End−1 of a trial.
type Period struct {
	Name       string
	First, End int
}

// Right reports whether answers, the class chosen at each step, solve the trial: the first
// answer of the last period that is not to fixate is the right choice and comes in time, or there is none where
// to fixate is right. As in
// NeuroGym, a broken fixation in an earlier period does not end the trial. There must be an
// answer to every step of the trial; those after its end are not looked at.
func (t Trial) Right(answers []int) bool {
	response := t.Periods[len(t.Periods)-1]
	d := Decision{response.First, response.End, t.Choice, t.Earliest, t.Latest}
	return d.Right(func(step int) int { return answers[step] })
}

// Decision is what decides a trial: the steps First to End−1 of its last period, the right choice,
// and the first and last step at which it may come.
type Decision struct {
	First, End       int
	Choice           int
	Earliest, Latest int
}

// Right is Trial.Right for the answers at the steps of the last period.
func (d Decision) Right(answer func(step int) int) bool {
	for step := d.First; step < d.End; step++ {
		if a := answer(step); a != Fixate {
			return a == d.Choice && step >= d.Earliest && step <= d.Latest
		}
	}
	return d.Choice == Fixate
}

// Sizes that the trials of all tasks keep within, so that drawing one allocates nothing.
const (
	mostPeriods = 6
	mostPatches = 8
	mostSteps   = 100000
)

// patch is a part of the input, added to what is there already: n channels from channel on,
// over the steps first to end−1, at level base + swing·cos(2π(i − peak)/n), or with a bump around the peak.
type patch struct {
	first, end  int
	channel, n  int
	base, swing float64
	peak        float64
	noisy       bool
	bump        float64 // strength of a bump around the peak, see Yang; 0 for none
}

// trial is a drawn trial.
type trial struct {
	starts           [mostPeriods + 1]int // of the periods, then the end of the trial
	choice           int
	due, settled     int // the choice is the target in the steps due to settled−1
	earliest, latest int // steps at which it is taken for right
	coherence        float64
	kind             string // of tasks that are several
	patches          [mostPatches]patch
	shown            int // patches in use
}

// lay puts periods of the given numbers of steps in a row, the last one for the response, and
// lights the fixation point before it. The choice may come at any step of the last period.
func (t *trial) lay(steps ...int) {
	for k, n := range steps {
		t.starts[k+1] = t.starts[k] + n
	}
	t.due, t.settled = t.starts[len(steps)-1], t.starts[len(steps)]
	t.earliest, t.latest = t.due, t.settled-1
	t.show(patch{end: t.due, n: 1, base: 1})
}

func (t *trial) show(p patch) {
	t.patches[t.shown] = p
	t.shown++
}

// showRing shows a stimulus on a ring of n channels throughout a period.
func (t *trial) showRing(period, channel, n int, peak, coherence float64) {
	t.show(patch{t.starts[period], t.starts[period+1], channel, n, 0.5, coherence / 200, peak, true, 0})
}

// showLevel holds a channel at a level throughout a period.
func (t *trial) showLevel(period, channel int, level float64) {
	t.show(patch{first: t.starts[period], end: t.starts[period+1], channel: channel, n: 1, base: level, noisy: true})
}

// protocol is what makes a trial task.
type protocol interface {
	// draw returns a trial and the stream behind it. The conditions come from the index, the
	// rest from the stream.
	draw(index int, r stream) (trial, stream)
}

// trials is the samples of a trial task.
type trials struct {
	draws
	protocol protocol
	periods  []string
	noise    float64 // standard deviation per step
	fixation float64 // weight of the steps before the last period
}

var _ Trials = (*trials)(nil)

// turns deals out the conditions of a sample: each one takes turns, faster than the next, so
// that all combinations come equally often.
type turns int

// next returns which of n values of the next condition it is the sample's turn to have.
func (k *turns) next(n int) int {
	now := int(*k) % n
	*k /= turns(n)
	return now
}

// count returns how many whole steps a duration has.
func (c *TrialTiming) count(ms float64) int {
	const rounding = 1e-9 // of the division, so that 0.3 ms are 3 steps of 0.1 ms
	return int(ms/c.StepMs + rounding)
}

// stretch is a period of trials that all have the same ones: its name, how long it lasts, and the key of that where
// it must last a step at least.
type stretch struct {
	name string
	ms   float64
	key  string
}

// openAlike opens the task with settings cfg, whose trials have the periods of spans; draw makes its protocol from
// their steps. T has name, inputs and classes.
func (c *TrialTiming) openAlike(cfg Config, t *Task, env Env, draw func(steps []int) protocol, spans ...stretch) (*Task, error) {
	if err := check(t.Name, cfg); err != nil {
		return nil, err
	}
	var names []string
	var ms []float64
	for _, s := range spans {
		if s.key != "" {
			if err := c.atLeastOne(t.Name, duration{s.key, s.ms}); err != nil {
				return nil, err
			}
		}
		names, ms = append(names, s.name), append(ms, s.ms)
	}
	steps, length := c.counts(ms...)
	return openTrials(t, env, *c, draw(steps), names, length, length)
}

// OneStimulus is the timing of trials with one stimulus: fixation, stimulus, delay, decision.
type OneStimulus struct {
	FixationMs float64 `toml:"fixation_ms" doc:"fixation before the stimulus" unit:"ms" min:"0" max:"100000"`
	StimulusMs float64 `toml:"stimulus_ms" doc:"duration of the stimulus" unit:"ms" min:"0" max:"100000"`
	DelayMs    float64 `toml:"delay_ms" doc:"from the end of the stimulus to the decision" unit:"ms" min:"0" max:"100000"`
	DecisionMs float64 `toml:"decision_ms" doc:"time for the choice" unit:"ms" min:"0" max:"100000"`
	TrialTiming
}

// spans returns the periods.
func (c *OneStimulus) spans() []stretch {
	return []stretch{{"fixation", c.FixationMs, ""}, {"stimulus", c.StimulusMs, "stimulus_ms"}, {"delay", c.DelayMs, ""},
		{"decision", c.DecisionMs, "decision_ms"}}
}

// counts returns the steps of periods, and their sum.
func (c *TrialTiming) counts(ms ...float64) (steps []int, total int) {
	for _, d := range ms {
		steps = append(steps, c.count(d))
		total += c.count(d)
	}
	return steps, total
}

// wrong is an error about the settings of a task.
func wrong(task, format string, args ...any) error {
	return fmt.Errorf("data: %s: %s: %w", task, fmt.Sprintf(format, args...), ErrConfig)
}

// duration is the value of a key in ms.
type duration struct {
	key string
	ms  float64
}

// atLeastOne refuses durations that are shorter than a step.
func (c *TrialTiming) atLeastOne(task string, durations ...duration) error {
	for _, d := range durations {
		if c.count(d.ms) < 1 {
			return fmt.Errorf("data: %s: %s is %v, want at least step_ms = %v: %w", task, d.key, d.ms, c.StepMs, ErrConfig)
		}
	}
	return nil
}

// choices names fixation and n choices.
func choices(n int) []string {
	names := []string{"fixate"}
	for k := range n {
		names = append(names, fmt.Sprintf("choice %d", k+1))
	}
	return names
}

// openTrials gives a task its shape and its sets. Task t has name, inputs and classes; longest
// is the length of the longest trial in steps.
func openTrials(t *Task, env Env, c TrialTiming, p protocol, periods []string, shortest, longest int) (*Task, error) {
	if longest > mostSteps {
		return nil, fmt.Errorf("data: %s: a trial is up to %d steps of step_ms = %v, want at most %d: %w",
			t.Name, longest, c.StepMs, mostSteps, ErrConfig)
	}
	t.T, t.O, t.Goal, t.Every, t.Masked, t.Trials = longest, len(t.Classes), Classify, true, shortest < longest, true
	noise := c.Sigma / math.Sqrt(c.StepMs)
	c.draw(t, env, func(d draws) Set { return &trials{d, p, periods, noise, c.FixationWeight} })
	return t, nil
}

// Trial implements Trials.
func (s *trials) Trial(epoch, index int) Trial {
	drawn, _ := s.protocol.draw(index, s.stream(epoch, index))
	t := Trial{Choice: drawn.choice, Earliest: drawn.earliest, Latest: drawn.latest, Coherence: drawn.coherence, Kind: drawn.kind}
	for k, name := range s.periods {
		t.Periods = append(t.Periods, Period{name, drawn.starts[k], drawn.starts[k+1]})
	}
	return t
}

// Fill implements Set.
func (s *trials) Fill(b *Batch, col, epoch, index int) error {
	if err := checkFill(s.task, s.size, b, col, index); err != nil {
		return err
	}
	t, r := s.protocol.draw(index, s.stream(epoch, index))
	for step := range b.T {
		clear(b.input(step, col))
	}
	for _, p := range t.patches[:t.shown] {
		s.paint(b, col, p, &r)
	}
	s.setTargets(b, col, &t)
	b.Decisions[col] = Decision{t.starts[len(s.periods)-1], t.starts[len(s.periods)], t.choice, t.earliest, t.latest}
	return nil
}

// paint adds a patch to the input.
func (s *trials) paint(b *Batch, col int, p patch, r *stream) {
	for i := range p.n {
		level := p.base
		if p.swing != 0 {
			level += p.swing * math.Cos(2*math.Pi*(float64(i)-p.peak)/float64(p.n))
		}
		if p.bump != 0 {
			d := math.Abs(math.Remainder(float64(i)-p.peak, float64(p.n))) * 2 * math.Pi / float64(p.n)
			level += bumpHeight * p.bump * math.Exp(-d*d/(2*bumpWidth*bumpWidth))
		}
		for step := p.first; step < p.end; step++ {
			v := level
			if p.noisy && s.noise > 0 {
				v += s.noise * r.normal()
			}
			b.input(step, col)[p.channel+i] += float32(v)
		}
	}
}

// A bump of strength 1 is so high, and has this standard deviation.
const bumpHeight, bumpWidth = 0.8, math.Pi / 8

// setTargets writes class, weight and mask of every step.
func (s *trials) setTargets(b *Batch, col int, t *trial) {
	response, end := t.starts[len(s.periods)-1], t.starts[len(s.periods)]
	for step := range b.T {
		n := step*b.B + col
		b.Label[n], b.Weight[n] = Fixate, 0
		if b.Mask != nil {
			b.Mask[n] = 0
		}
		if step >= end {
			continue
		}
		if b.Mask != nil {
			b.Mask[n] = 1
		}
		b.Weight[n] = 1
		if step < response {
			b.Weight[n] = float32(s.fixation)
		}
		if step >= t.due && step < t.settled {
			b.Label[n] = float32(t.choice)
		}
	}
}

// registerTrials adds a task that NeuroGym has, too.
func registerTrials[C Config](name, doc, source string, work cite.Work, settings func() C) {
	Register(Entry{
		Name:       name,
		Doc:        doc,
		Source:     source + "; NeuroGym: Molano-Mazón et al. (2022), doi:10.31234/osf.io/aqc9n",
		References: []cite.Work{work, neuroGym},
		New:        func() Config { return settings() },
	})
}

// neuroGym is where the timing of the cognitive tasks is from.
var neuroGym = cite.Work{Key: "molano2022neurogym", Kind: "misc", Authors: "Molano-Mazón, Manuel and Barbosa, Joao and Pastor-Ciurana, Jordi and Fradera, Marta and Zhang, Ru-Yuan and Forest, Jeremy and del Pozo Lerida, Jorge and Ji-An, Li and Cueva, Christopher J. and de la Rocha, Jaime and Narain, Devika and Yang, Guangyu Robert",
	Title: "NeuroGym: An Open Resource for Developing and Sharing Neuroscience Tasks",
	In:    "PsyArXiv", Year: 2022, DOI: "10.31234/osf.io/aqc9n"}
