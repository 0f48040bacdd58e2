//go:build cgo

package circuit

import (
	"math"
	"time"
)

// pace decides from stretch to stretch whether all threads of a plan do its parts or one alone, which gives the same bits. Where
// steps are short, and a message between two cores takes long, as on some virtual machines at some hours, one is faster.
type pace struct {
	alone bool
	round int     // stretches of this round
	at    int     // of them, those done
	kept  float64 // the least time of a step in the stretches before those that are tried
	tried float64 // and in those
	now   func() time.Time
}

// A round ends with stretches that are done the other way, four, as a thread that has slept is slow at first, and some before
// them are measured. The first is short, but for the time until threads have found their cores.
const paceFirst, paceRound, paceKept, paceTried = 20, 64, 8, 4

// paceWorth is what the other way has to be faster by.
const paceWorth = 1.05

// newPace begins a round.
func newPace(alone bool, round int, now func() time.Time) pace {
	return pace{alone: alone, round: round, kept: math.Inf(1), tried: math.Inf(1), now: now}
}

// run does a stretch of so many steps, and notes how long it takes.
func (p *pace) run(steps int, do func(alone bool) error) error {
	trial := p.at >= p.round-paceTried
	begin := p.now()
	err := do(p.alone != trial)
	took := p.now().Sub(begin).Seconds() / float64(steps)
	switch {
	case trial:
		p.tried = min(p.tried, took)
	case p.at >= p.round-paceTried-paceKept:
		p.kept = min(p.kept, took)
	}
	if p.at++; p.at == p.round {
		*p = newPace(p.alone != (p.tried*paceWorth < p.kept), paceRound, p.now)
	}
	return err
}
