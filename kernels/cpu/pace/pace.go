// Package pace decides whether all threads do a piece of work or one alone.
//
// It is a leaf: it imports nothing of the project. kernels/cpu and kernels/cpu/circuit import it.
package pace

import "math"

// Pace decides, from one stretch of the same work to the next, whether all threads do it or one alone, which gives the same bits.
// Where stretches are short, and a message between two cores takes long, as on some virtual machines at some hours, one is faster.
type Pace struct {
	alone bool
	round int     // stretches of this round
	at    int     // of them, those done
	kept  float64 // the least time in the stretches before those that are tried
	tried float64 // and in those
}

// A round ends with stretches that are done the other way, Tried, as a thread that has slept is slow at first, and some before
// them are measured. First is a short one, but for the time until threads have found their cores. A round in which the other way
// is no better is followed by one twice as long.
const First, Round, Longest, kept, Tried = 20, 64, 1024, 8, 4

// worth is what the other way has to be faster by. How much slower ends a trial is hopeless for one thread, which has not
// slept, and hopelessAll for all, of which some begin late.
const worth, hopeless, hopelessAll = 1.05, 1.5, 2

// New begins with a round of so many stretches.
func New(alone bool, round int) Pace {
	return Pace{alone: alone, round: round, kept: math.Inf(1), tried: math.Inf(1)}
}

// trial tells whether the next stretch is done the other way.
func (p *Pace) trial() bool { return p.at >= p.round-Tried }

// Alone tells whether one thread does the next stretch.
func (p *Pace) Alone() bool { return p.alone != p.trial() }

// Note takes down how long a stretch has taken, for the same amount of work.
func (p *Pace) Note(took float64) {
	switch {
	case p.trial():
		p.tried = min(p.tried, took)
		limit := hopeless
		if p.alone {
			limit = hopelessAll
		}
		if took > limit*p.kept {
			p.at = p.round
		}
	case p.at >= p.round-Tried-kept:
		p.kept = min(p.kept, took)
	}
	p.at++
	switch {
	case p.at < p.round:
	case p.tried*worth < p.kept:
		*p = New(!p.alone, Round)
	default:
		*p = New(p.alone, min(Longest, max(Round, 2*p.round)))
	}
}
