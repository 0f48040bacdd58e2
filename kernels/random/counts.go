package random

import (
	"fmt"
	"math"
)

// Distributions are tables of thresholds: number i of a stream, its lowest bit aside, is compared with
// integers, which gives the same result everywhere.

// certain is the threshold of probability 1.
const certain = 1 << 63

// Chance returns the threshold of an event of probability p, 0 ≤ p ≤ 1; other values are taken for
// the nearer end, NaN for 0.
func Chance(p float64) uint64 {
	switch {
	case p >= 1:
		return certain
	case p > 0:
		return uint64(p * certain)
	}
	return 0
}

// Chance reports whether number i falls below a threshold of the function Chance.
func (s Stream) Chance(i uint64, threshold uint64) bool { return s.At(i)>>1 < threshold }

// Count returns how many of the rising thresholds number i reaches, which is an integer of the
// distribution that they are of.
func (s Stream) Count(i uint64, thresholds []uint64) int {
	x := s.At(i) >> 1
	k := 0
	for k < len(thresholds) && x >= thresholds[k] {
		k++
	}
	return k
}

// MostPoisson is the largest mean that Poisson takes; beyond it the table grows long.
const MostPoisson = 500

// Poisson returns the thresholds of the Poisson distribution of a mean. Counts that come less than
// once in 2⁶² numbers are left out.
//
// Errors: a mean that is not from 0 to MostPoisson.
func Poisson(mean float64) ([]uint64, error) {
	if !(mean >= 0 && mean <= MostPoisson) {
		return nil, fmt.Errorf("random: the mean of a Poisson distribution is %v, want 0 to %d", mean, MostPoisson)
	}
	var thresholds []uint64
	p, sum := math.Exp(-mean), 0.0
	for k := 0; ; k++ {
		if sum += p; float64(k) >= mean && p < 0x1p-62 || sum >= 1 {
			return thresholds, nil
		}
		thresholds = append(thresholds, Chance(sum))
		p *= mean / float64(k+1)
	}
}
