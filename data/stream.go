package data

import (
	"math"
	"math/bits"
	"math/rand/v2"

	"galvani/kernels/random"
)

// split tells training samples from those of validation and of the test.
type split uint64

const (
	train split = iota + 1
	test
	fixed // things drawn once per task, such as a pixel order
	validation
)

// stream is the random numbers of one sample. It depends on the words it was keyed with
// alone, so that samples may be made in any order, on any thread, and again after a resume.
// It is a value: keying and drawing allocate nothing.
type stream struct{ pcg rand.PCG }

// newStream keys a stream by the run's seed, the split, the epoch and the sample.
func newStream(seed uint64, s split, epoch, index int) stream {
	k := random.New(seed)
	for _, w := range [...]uint64{uint64(s), uint64(epoch), uint64(index)} {
		k = k.Stream(w)
	}
	var r stream
	r.pcg.Seed(uint64(k), random.Mix(uint64(k)))
	return r
}

// float returns a number in [0, 1) with 53 random bits.
func (r *stream) float() float64 { return float64(r.pcg.Uint64()>>11) * 0x1p-53 }

// between returns a number in [lo, hi).
func (r *stream) between(lo, hi float64) float64 { return lo + (hi-lo)*r.float() }

// normal returns a number from the standard normal distribution (Box and Muller 1958).
func (r *stream) normal() float64 {
	radius := math.Sqrt(-2 * math.Log1p(-r.float()))
	return radius * math.Cos(2*math.Pi*r.float())
}

// below returns an integer in [0, n), n > 0, by a multiplication; its bias of n/2⁶⁴ is beyond
// any measurement.
func (r *stream) below(n int) int {
	hi, _ := bits.Mul64(r.pcg.Uint64(), uint64(n))
	return int(hi)
}

// gap returns how many trials fail before the next success of probability p, 0 < p ≤ 1, and
// at most limit. Sparse events cost one draw each instead of one per trial.
func (r *stream) gap(p float64, limit int) int {
	if p >= 1 {
		return 0
	}
	g := math.Log1p(-r.float()) / math.Log1p(-p)
	if g >= float64(limit) {
		return limit
	}
	return int(g)
}

// shuffle permutes s (Fisher and Yates).
func (r *stream) shuffle(s []int) {
	for i := len(s) - 1; i > 0; i-- {
		j := r.below(i + 1)
		s[i], s[j] = s[j], s[i]
	}
}
