package random

import (
	"hash/fnv"
	"math"
	"math/bits"
)

const gamma = 0x9e3779b97f4a7c15

// Mix is the finaliser of SplitMix64 after a Weyl step, a bijection of 64 bits.
func Mix(z uint64) uint64 {
	z += gamma
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Stream is a source of random numbers, named by its key. Number i is output i of SplitMix64 seeded
// with the key.
type Stream uint64

// New keys a stream by a seed.
func New(seed uint64) Stream { return Stream(Mix(seed)) }

// Stream returns the stream of a number within s: one for a purpose, an epoch, a unit.
func (s Stream) Stream(w uint64) Stream { return Stream(Mix(uint64(s) ^ w)) }

// Named returns the stream of a name within s.
func (s Stream) Named(name string) Stream {
	h := fnv.New64a()
	h.Write([]byte(name))
	return s.Stream(h.Sum64())
}

// At returns number i, 64 random bits.
func (s Stream) At(i uint64) uint64 { return Mix(uint64(s) + i*gamma) }

// Uniform32 returns number i in [0,1), a multiple of 2⁻²⁴.
func (s Stream) Uniform32(i uint64) float32 { return float32(s.At(i)>>40) * 0x1p-24 }

// Uniform returns number i in [0,1), a multiple of 2⁻⁵³.
func (s Stream) Uniform(i uint64) float64 { return float64(s.At(i)>>11) * 0x1p-53 }

// Normal returns number i as a standard Gaussian (Box and Muller 1958). It takes the numbers 2i and
// 2i+1 of the stream. There is none in random.h, as logarithm and cosine differ between libraries.
func (s Stream) Normal(i uint64) float64 {
	u, v := 1-s.Uniform(2*i), s.Uniform(2*i+1)
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}

// Below returns number i in [0,n), 0 < n < 2³², by a multiplication: the 32 upper bits of the number
// times n. An integer is at most n/2³² too likely.
func (s Stream) Below(i uint64, n uint32) uint32 { return uint32(s.At(i) >> 32 * uint64(n) >> 32) }

// Permute fills order with a permutation of 0 … n−1 (Fisher and Yates).
func (s Stream) Permute(order []int) {
	for i := range order {
		order[i] = i
	}
	for i := len(order) - 1; i > 0; i-- {
		// The bias of the multiplication, (i+1)/2⁶⁴, is beyond any measurement.
		j, _ := bits.Mul64(s.At(uint64(i)), uint64(i+1))
		order[i], order[j] = order[j], order[i]
	}
}
