//go:build cgo

package circuit

import "time"

// pace decides from stretch to stretch whether all threads of a plan do its parts or one alone, which gives the same bits. Where
// steps are short, and a message between two cores takes long, as on some virtual machines at some hours, one is faster.
type pace struct {
	alone    bool
	stretch  int
	kept     float64 // the least time of a step in the stretches before the trial
	tried    float64 // and of it
	worth    float64 // what the other way has to be faster by
	measured func() time.Time
}

// Each round of stretches begins with some that are measured and some done the other way.
const paceRound, paceKept, paceTried = 64, 2, 2

func newPace() pace { return pace{worth: 1.05, measured: time.Now} }

// trial reports whether the next stretch is done the other way. The first round begins with two stretches that fill the caches.
func (p *pace) trial() bool {
	k := p.stretch % paceRound
	return k >= 2+paceKept && k < 2+paceKept+paceTried
}

// run does a stretch of so many steps, and notes how long it takes.
func (p *pace) run(steps int, do func(alone bool) error) error {
	begin := p.measured()
	err := do(p.alone != p.trial())
	took := p.measured().Sub(begin).Seconds() / float64(steps)
	switch k := p.stretch % paceRound; {
	case k == 2:
		p.kept = took
	case k == 2+paceKept:
		p.tried = took
	case p.trial():
		p.tried = min(p.tried, took)
	case k < 2+paceKept:
		p.kept = min(p.kept, took)
	}
	p.stretch++
	if p.stretch%paceRound == 2+paceKept+paceTried && p.tried*p.worth < p.kept {
		p.alone = !p.alone
	}
	return err
}
