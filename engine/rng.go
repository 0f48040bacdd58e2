package engine

import (
	"hash/fnv"
	"math"
	"math/bits"
)

// stream is a counter-based source of random numbers: number i depends on the key and i
// alone, so that nothing needs to be saved for a resume.
type stream uint64

// newStream keys a stream by the seed of the run and the name of what is drawn.
func newStream(seed uint64, name string) stream {
	h := fnv.New64a()
	h.Write([]byte(name))
	return stream(mix(mix(seed) ^ h.Sum64()))
}

// at returns number i of the stream.
func (s stream) at(i uint64) uint64 { return mix(uint64(s) + i*0x9e3779b97f4a7c15) }

// uniform returns number i as a float in [0,1) with 53 random bits.
func (s stream) uniform(i uint64) float64 { return float64(s.at(i)>>11) * 0x1p-53 }

// normal returns number i as a standard Gaussian (Box and Muller 1958).
func (s stream) normal(i uint64) float64 {
	u, v := 1-s.uniform(2*i), s.uniform(2*i+1)
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}

// permute fills order with a permutation of 0 … n−1 (Fisher and Yates).
func (s stream) permute(order []int) {
	for i := range order {
		order[i] = i
	}
	for i := len(order) - 1; i > 0; i-- {
		// The bias of the multiplication, (i+1)/2⁶⁴, is beyond any measurement.
		j, _ := bits.Mul64(s.at(uint64(i)), uint64(i+1))
		order[i], order[j] = order[j], order[i]
	}
}

// mix is the finaliser of SplitMix64, a bijection of 64 bits.
//
// Source: Steele, Lea and Flood (2014), doi:10.1145/2660193.2660195.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
