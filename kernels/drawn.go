package kernels

import (
	"math"
	"math/bits"
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
// With In each unit has entries from In different sources, of all or of all others. For the units of block b, 2048 b to
// 2048 b + 2047, the sources are in the order Shuffled of the stream Key.Stream(^b), and that is divided into In
// groups, of which number g is behind its first g n/In of n; unit i has one source of each, whose place in the group is
// number i of Key.Stream(^b).Stream(g), by random.Stream.Below. Units choose independently; of the n/In sources of a
// group none has two, which sets drawn without groups may have.
//
// The weight and the delay of the entry of number n, where they differ, are number n of Stream(1) and Stream(2) of that
// stream, and with In number i of those of Key.Stream(j). A weight whose sign is not that of A is 0.
type Drawn struct {
	P        float64
	Out      []int32 // by source
	In       int     // 0 for others
	Autapses bool    // a unit may reach itself
	Weight   Spread  // mV·ms, of a conductance ms
	Delay    Spread  // ms; steps are the nearest whole number of them, from 1 to the largest
	Key      random.Stream
	Expected float64 // entries
}

// DrawnBlock is how many targets of a source have a stream of their own.
const DrawnBlock = 2048

// Spread is a distribution: the number A, all from A to B, or a normal one of mean A and deviation B, which is that of
// random.Stream.Normal4 and so within Reach of the mean, or one whose logarithm is such a normal one, of the sign of A.
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
	SpreadLognormal
)

// powersBelow is how many sums of 256 units of 2⁻¹³ a number of Normal4 may be below 0, and powersHigh how many there are.
const powersBelow, powersHigh = 132, 264

// Powers returns tables of a lognormal distribution. The number that z of Normal4 makes, which is k units of 2⁻¹³, is
// high[k/256+132] low[k mod 256], the quotient rounded down: z standard deviations of the logarithm. The mean is A to 0.2 %
// where B is at most 1.3 A, as Normal4 is nearly normal.
func (s Spread) Powers() (high [powersHigh]float64, low [256]float64) {
	variance := math.Log1p(s.B * s.B / (s.A * s.A))
	unit := math.Sqrt(variance) * 0x1p-13
	for k := range high {
		high[k] = s.A * math.Exp(float64(256*(k-powersBelow))*unit-variance/2)
	}
	for k := range low {
		low[k] = math.Exp(float64(k) * unit)
	}
	return high, low
}

// end returns the number of a lognormal distribution so many standard deviations of the logarithm from its middle.
func (s Spread) end(deviations float64) float64 {
	variance := math.Log1p(s.B * s.B / (s.A * s.A))
	return s.A * math.Exp(deviations*math.Sqrt(variance)-variance/2)
}

// Least returns a number that none is below, Most one that none is above.
func (s Spread) Least() float64 {
	switch s.Form {
	case SpreadNormal:
		return s.A - random.Farthest*s.B
	case SpreadLognormal:
		return min(s.end(-random.Farthest), s.end(random.Farthest))
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
	case SpreadLognormal:
		return max(s.end(-random.Farthest), s.end(random.Farthest))
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

// Shuffled returns where number i, 0 ≤ i < n, is in an order of the numbers 0 to n−1 that a stream has: another number of
// 0 to n−1 for each. It takes a bijection of the numbers below the next power of two, of four rounds of a product with an
// odd number, a sum and a shift, again and again until it gives one below n (Black and Rogaway 2002, "Ciphers with
// arbitrary finite domains").
func Shuffled(key random.Stream, i, n uint32) uint32 {
	mask := uint32(1)<<bits.Len32(n-1) - 1
	half := max(1, (bits.Len32(n-1)+1)/2)
	for {
		for k := range uint64(4) {
			x := key.At(k)
			i = (i*(uint32(x)|1) + uint32(x>>32)) & mask
			i ^= i >> half
		}
		if i < n {
			return i
		}
	}
}

// Regenerated reports whether the entries of some projection are drawn again and again.
func (c *Circuit) Regenerated() bool {
	return slices.ContainsFunc(c.Projections, func(p Projection) bool { return p.Drawn != nil })
}

// choices returns of how many sources those of a unit are chosen.
func (d *Drawn) choices(p Projection, sources int) int {
	if p.From == p.To && !d.Autapses {
		sources--
	}
	return sources
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
	case d.In != 0 && (d.Out != nil || d.In < 1 || d.In > d.choices(p, sources)):
		return circuitError("%s: %d sources of each unit, want 0 to %d, and no numbers of entries beside them", at, d.In, d.choices(p, sources))
	case !finite(d.Weight.Least()/step) || !finite(d.Weight.Most()/step) || !finite(d.Delay.Least()) || !finite(d.Delay.Most()):
		return circuitError("%s: weights and delays are not finite", at)
	case (len(p.Weight) == 1) != (d.Weight.Form == SpreadSame) || len(p.Delay) != delays || int(p.Delay[len(p.Delay)-1]) != longest:
		return circuitError("%s: weights %v and delays %v are not those of what is drawn", at, p.Weight, p.Delay)
	}
	return nil
}
