package kernels

import (
	"math"
	"slices"

	"galvani/kernels/random"
)

// Drawn is the entries of a projection that nobody keeps: a device draws those of a source again in each step in which
// it spikes. The Matrix of the projection has no entries, Weight is empty where weights differ, and Delay then has the
// least and the largest.
//
// Without Out each pair is joined with probability P. The entries of source j onto the units 2048 b to 2048 b + 2047 are
// those of the stream Key.Stream(j).Stream(b): number n of it, its upper 53 bits, says how many units are passed over
// before the next one that is joined, as many thresholds of Gaps as are not above it; all of them mean that no unit is
// joined yet. With Out source j has Out[j] entries, and number n of Key.Stream(j).Stream(0) is the unit of entry n, by
// random.Stream.Below of all units, or of all others.
//
// The weight and the delay of the entry of number n, where they differ, are number n of Stream(1) and Stream(2) of that
// stream. A weight whose sign is not that of A is 0.
type Drawn struct {
	P        float64
	Out      []int32 // by source
	Autapses bool    // a unit may reach itself
	Weight   Spread  // mV·ms, of a conductance ms
	Delay    Spread  // ms; steps are the nearest whole number of them, from 1 to the largest
	Key      random.Stream
	Expected float64 // entries
}

// DrawnBlock is how many targets of a source have a stream of their own.
const DrawnBlock = 2048

// Spread is a distribution: the number A, all from A to B, or a normal one of mean A and deviation B, which is that of
// random.Stream.Normal4 and so within Reach of the mean.
type Spread struct {
	Form SpreadForm
	A, B float64
}

// SpreadForm is one of the forms of a Spread.
type SpreadForm int

// The forms.
const (
	SpreadSame SpreadForm = iota
	SpreadUniform
	SpreadNormal
)

// Least returns a number that none is below, Most one that none is above.
func (s Spread) Least() float64 {
	if s.Form == SpreadNormal {
		return s.A - random.Farthest*s.B
	}
	return s.A
}

// Most is told of with Least.
func (s Spread) Most() float64 {
	switch s.Form {
	case SpreadUniform:
		return s.B
	case SpreadNormal:
		return s.A + random.Farthest*s.B
	}
	return s.A
}

// Steps returns a delay in steps, at least 1.
func Steps(ms, step float64) int { return max(1, int(min(ms/step, MaxDelay)+0.5)) }

// mostGaps is the most thresholds of Gaps.
const mostGaps = 4096

// Gaps returns the thresholds of 53 bits by which entries of probability P are drawn: number k is reached where more than k
// units are passed over. guide has for each of 1024 equal parts of the numbers how many thresholds are not above its
// first one.
func (d *Drawn) Gaps() (threshold []uint64, guide []int32) {
	n := mostGaps
	if d.P > 0 {
		n = int(min(mostGaps, math.Ceil(4/d.P)))
	}
	fail := math.Log1p(-d.P)
	for k := range n {
		threshold = append(threshold, uint64(math.Ceil(-math.Expm1(float64(k+1)*fail)*0x1p53)))
	}
	at := int32(0)
	for part := range uint64(1024) {
		for int(at) < n && threshold[at] <= part<<43 {
			at++
		}
		guide = append(guide, at)
	}
	return threshold, guide
}

// Regenerated reports whether the entries of some projection are drawn again and again.
func (c *Circuit) Regenerated() bool {
	return slices.ContainsFunc(c.Projections, func(p Projection) bool { return p.Drawn != nil })
}

// check refuses what Drawn cannot be at a place, of a projection from so many sources.
func (d *Drawn) check(at string, p Projection, step float64, sources int) error {
	delays, longest := 2, Steps(d.Delay.Most(), step)
	if d.Delay.Form == SpreadSame {
		delays = 1
	}
	switch {
	case p.Matrix.Len() > 0 || p.Plasticity != nil:
		return circuitError("%s: its entries are drawn anew, and it has others or weights that change", at)
	case d.Out == nil && !(d.P >= 0 && d.P <= 1), d.Out != nil && len(d.Out) != sources:
		return circuitError("%s: the probability %g, or %d numbers of entries, want 0 to 1, or %d", at, d.P, len(d.Out), sources)
	case !finite(d.Weight.A/step) || !finite(d.Weight.B/step) || !finite(d.Delay.A) || !finite(d.Delay.B):
		return circuitError("%s: weights and delays are not finite", at)
	case (len(p.Weight) == 1) != (d.Weight.Form == SpreadSame) || len(p.Delay) != delays || p.Delay[len(p.Delay)-1] != longest:
		return circuitError("%s: weights %v and delays %v are not those of what is drawn", at, p.Weight, p.Delay)
	}
	return nil
}
