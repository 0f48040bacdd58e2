package data

import (
	"slices"

	"galvani/engine/cite"
)

// Yang is the settings of the task yang19: the twenty tasks of Yang et al. (2019) in one network, with NeuroGym's names,
// timing and stimuli. Which task a trial asks for is told by the rule input.
//
// Periods: fixation, stimulus 1, delay, stimulus 2, decision; tasks with less have periods of no steps. Input: fixation
// point, lit until the decision, a ring of channels for modality 1, one for modality 2, and a channel for each of the
// twenty rules, 1 throughout the trial. A stimulus at channel k of a ring with strength s is
// 0.8·s·exp(−(d_i/(π/8))²/2) in channel i, d_i its distance on the circle, plus Gaussian noise of standard deviation
// sigma/√step_ms while stimuli are compared or matched. Classes: fixate, and a choice for each direction of the ring.
//
//	go, rtgo, dlygo        respond in the direction of the stimulus: behind it, at once, behind a delay
//	anti, rtanti, dlyanti  in the opposite direction
//	dm1, dm2               in the direction of the stronger one of two stimuli, in modality 1 or 2
//	ctxdm1, ctxdm2         the same with stimuli in both modalities, one of which counts
//	multidm                the same by the sum of both
//	dlydm1 … multidlydm    these five with the stimuli one behind the other
//	dms, dnms              respond in the direction of the second stimulus if it matches the first, or if it does not
//	dmc, dnmc              the same for matches of category, which half of the ring a stimulus is in
//
// Tasks take turns with the index, and so do modality, direction and match; the rest is drawn.
//
// Sources: Yang, Joglekar, Song, Newsome and Wang (2019), doi:10.1038/s41593-018-0310-2; the collection yang19 of
// NeuroGym, whose categories are unequal by one direction.
type Yang struct {
	Rules []string `toml:"rules" doc:"tasks of the set, which take turns; each has its channel among twenty" oneof:"go|rtgo|dlygo|anti|rtanti|dlyanti|dm1|dm2|ctxdm1|ctxdm2|multidm|dlydm1|dlydm2|ctxdlydm1|ctxdlydm2|multidlydm|dms|dnms|dmc|dnmc" unit:"1" nonempty:"true"`
	Ring  int      `toml:"ring" doc:"channels of each modality, and directions; an even number" unit:"1" min:"4" max:"64"`
	TrialTiming
}

// yangKind is a kind of task of the set.
type yangKind int

const (
	reach   yangKind = iota // to or away from a stimulus
	compare                 // two stimuli by their strength
	match                   // two stimuli by their direction
)

// rule is a task of the set.
type rule struct {
	name     string
	family   yangKind
	away     bool       // reach: to the other side
	reaction bool       // reach: the stimulus comes with the decision
	delay    float64    // ms
	weights  [2]float64 // compare: of the modalities
	shown    [2]bool    // compare: the modalities
	category bool       // match: halves of the ring
	nonmatch bool       // match: respond to what does not match
}

// yangRules are the tasks in the order of their channels.
var yangRules = []rule{
	{name: "go", family: reach}, {name: "rtgo", family: reach, reaction: true}, {name: "dlygo", family: reach, delay: 500},
	{name: "anti", family: reach, away: true}, {name: "rtanti", family: reach, away: true, reaction: true}, {name: "dlyanti", family: reach, away: true, delay: 500},
	{name: "dm1", family: compare, weights: [2]float64{1, 1}, shown: [2]bool{true, false}},
	{name: "dm2", family: compare, weights: [2]float64{1, 1}, shown: [2]bool{false, true}},
	{name: "ctxdm1", family: compare, weights: [2]float64{1, 0}, shown: [2]bool{true, true}},
	{name: "ctxdm2", family: compare, weights: [2]float64{0, 1}, shown: [2]bool{true, true}},
	{name: "multidm", family: compare, weights: [2]float64{1, 1}, shown: [2]bool{true, true}},
	{name: "dlydm1", family: compare, delay: 1000, weights: [2]float64{1, 1}, shown: [2]bool{true, false}},
	{name: "dlydm2", family: compare, delay: 1000, weights: [2]float64{1, 1}, shown: [2]bool{false, true}},
	{name: "ctxdlydm1", family: compare, delay: 1000, weights: [2]float64{1, 0}, shown: [2]bool{true, true}},
	{name: "ctxdlydm2", family: compare, delay: 1000, weights: [2]float64{0, 1}, shown: [2]bool{true, true}},
	{name: "multidlydm", family: compare, delay: 1000, weights: [2]float64{1, 1}, shown: [2]bool{true, true}},
	{name: "dms", family: match, delay: 1000}, {name: "dnms", family: match, delay: 1000, nonmatch: true},
	{name: "dmc", family: match, delay: 1000, category: true}, {name: "dnmc", family: match, delay: 1000, category: true, nonmatch: true},
}

// The strengths of stimuli that are compared: of two at once c are (1 ± c)/2, of two with a delay between them two
// different numbers.
var (
	contrasts = []float64{0.08, 0.16, 0.32, 0.64}
	strengths = []float64{0.3, 0.6, 1}
)

// Fixation before stimuli that are compared is drawn from leastFixation to mostFixation, in ms.
const leastFixation, mostFixation = 200, 500

// periods returns the durations in ms, but for a fixation that is drawn.
func (r rule) periods(fixation float64) []float64 {
	switch {
	case r.reaction:
		return []float64{500, 0, 0, 0, 500}
	case r.family == reach:
		return []float64{500, 500, r.delay, 0, 500}
	case r.family == match:
		return []float64{300, 500, r.delay, 500, 900}
	case r.delay > 0:
		return []float64{fixation, 500, r.delay, 500, 200}
	}
	return []float64{fixation, 500, 0, 0, 200}
}

func init() {
	registerTrials("yang19",
		"the twenty tasks of Yang et al. in one network, with a rule input (NeuroGym's yang19: go, anti, decisions by context, matching)",
		"Yang, Joglekar, Song, Newsome and Wang (2019), doi:10.1038/s41593-018-0310-2", manyTasks, newYang)
}

func newYang() *Yang {
	c := &Yang{Ring: 16, TrialTiming: newTrialTiming(100, 1)}
	for _, r := range yangRules {
		c.Rules = append(c.Rules, r.name)
	}
	return c
}

// Open implements Config.
func (c *Yang) Open(env Env) (*Task, error) {
	const name = "yang19"
	if err := check(name, c); err != nil {
		return nil, err
	}
	if c.Ring%2 != 0 {
		return nil, wrong(name, "ring is %d, want an even number, for directions that lie opposite", c.Ring)
	}
	if err := c.atLeastOne(name, duration{"the shortest period", leastFixation}); err != nil {
		return nil, err
	}
	p, shortest, longest := &yangTrials{cfg: *c}, mostSteps+1, 0
	for _, of := range c.Rules {
		i := slices.IndexFunc(yangRules, func(r rule) bool { return r.name == of })
		p.rules = append(p.rules, i)
		_, least := c.counts(yangRules[i].periods(leastFixation)...)
		_, most := c.counts(yangRules[i].periods(mostFixation)...)
		shortest, longest = min(shortest, least), max(longest, most)
	}
	t := &Task{Name: name, I: 1 + modalities*c.Ring + len(yangRules), Classes: choices(c.Ring)}
	return openTrials(t, env, c.TrialTiming, p, []string{"fixation", "stimulus 1", "delay", "stimulus 2", "decision"}, shortest, longest)
}

// yangTrials draws the trials of the task.
type yangTrials struct {
	cfg   Yang
	rules []int // numbers of yangRules
}

func (p *yangTrials) draw(index int, r stream) (trial, stream) {
	var t trial
	k := turns(index)
	number := p.rules[k.next(len(p.rules))]
	rule := &yangRules[number]
	steps, _ := p.cfg.counts(rule.periods(r.between(leastFixation, mostFixation))...)
	t.lay(steps...)
	t.kind = rule.name
	t.show(patch{end: t.settled, channel: 1 + modalities*p.cfg.Ring + number, n: 1, base: 1})
	switch rule.family {
	case reach:
		p.drawReach(&t, rule, &k)
	case compare:
		p.drawCompare(&t, rule, &k, &r)
	case match:
		p.drawMatch(&t, rule, &k, &r)
	}
	return t, r
}

// stimulus shows a direction in a modality during a period.
func (p *yangTrials) stimulus(t *trial, period, modality, at int, strength float64) {
	t.show(patch{first: t.starts[period], end: t.starts[period+1], channel: 1 + modality*p.cfg.Ring, n: p.cfg.Ring, peak: float64(at), bump: strength})
}

// noise adds noise to n channels during a period.
func (t *trial) noise(period, channel, n int) {
	t.show(patch{first: t.starts[period], end: t.starts[period+1], channel: channel, n: n, noisy: true})
}

func (p *yangTrials) drawReach(t *trial, rule *rule, k *turns) {
	modality, at, period := k.next(modalities), k.next(p.cfg.Ring), 1
	t.choice = 1 + at
	if rule.away {
		at = (at + p.cfg.Ring/2) % p.cfg.Ring
	}
	if rule.reaction {
		period = 4
	}
	p.stimulus(t, period, modality, at, 1)
}

func (p *yangTrials) drawCompare(t *trial, rule *rule, k *turns, r *stream) {
	ring := p.cfg.Ring
	at := [2]int{k.next(ring)}
	at[1] = (at[0] + 1 + r.below(ring-1)) % ring
	period := [2]int{1, 1}
	if rule.delay > 0 {
		period[1] = 3
		t.noise(3, 1, modalities*ring)
	}
	t.noise(1, 1, modalities*ring)
	var sum [2]float64
	for m, shown := range rule.shown {
		if !shown {
			continue
		}
		c := contrasts[r.below(len(contrasts))] * float64(1-2*r.below(2))
		pair := [2]float64{(1 + c) / 2, (1 - c) / 2}
		if rule.delay > 0 {
			first := r.below(len(strengths))
			pair = [2]float64{strengths[first], strengths[(first+1+r.below(len(strengths)-1))%len(strengths)]}
		}
		for i, s := range pair {
			p.stimulus(t, period[i], m, at[i], s)
			sum[i] += rule.weights[m] * s
		}
	}
	stronger := r.below(2) // where both are alike
	if d := sum[1] - sum[0]; d > sameStrength {
		stronger = 1
	} else if d < -sameStrength {
		stronger = 0
	}
	t.choice = 1 + at[stronger]
}

// sameStrength is more than rounding makes of equal sums of strengths.
const sameStrength = 1e-9

func (p *yangTrials) drawMatch(t *trial, rule *rule, k *turns, r *stream) {
	ring, half := p.cfg.Ring, p.cfg.Ring/2
	modality, differs, sample := k.next(modalities), k.next(2), k.next(ring)
	test := (sample + differs*half) % ring
	if rule.category {
		test = r.below(half) + half*((sample/half+differs)%2)
	}
	p.stimulus(t, 1, modality, sample, 1)
	p.stimulus(t, 3, modality, test, 1)
	t.noise(1, 1+modality*ring, ring)
	t.noise(3, 1+modality*ring, ring)
	t.choice = Fixate
	if (differs == 1) == rule.nonmatch {
		t.choice = 1 + test
	}
}

// manyTasks describes the set.
var manyTasks = cite.Work{Key: "yang2019task", Kind: "article", Authors: "Yang, Guangyu Robert and Joglekar, Madhura R. and Song, H. Francis and Newsome, William T. and Wang, Xiao-Jing",
	Title: "Task representations in neural networks trained to perform many cognitive tasks",
	In:    "Nature Neuroscience", Volume: "22", Number: "2", Pages: "297-306", Year: 2019, DOI: "10.1038/s41593-018-0310-2"}
