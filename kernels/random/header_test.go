//go:build cgo

package random_test

import (
	"testing"

	"galvani/kernels/random"
	"galvani/kernels/random/internal/header"
)

// TestHeader holds every function of random.h, normal.h and draws.h to the bits of its Go counterpart.
func TestHeader(t *testing.T) {
	words := []uint64{0, 1, 2, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 1}
	source := random.New(7)
	for i := range uint64(2000) {
		words = append(words, source.At(i))
	}
	poisson, err := random.Poisson(3.5)
	if err != nil {
		t.Fatal(err)
	}
	for k, key := range words {
		s, i := random.Stream(key), words[(k*7+3)%len(words)]
		n := uint32(i>>5) | 1
		half := random.Chance(0.3)
		if random.Mix(key) != header.Mix(key) || uint64(s.Stream(i)) != header.Key(key, i) || s.At(i) != header.At(key, i) ||
			s.Uniform32(i) != header.Uniform32(key, i) || s.Uniform(i) != header.Uniform(key, i) || s.Below(i, n) != header.Below(key, i, n) ||
			s.Chance(i, half) != header.Chance(key, i, half) || s.Count(i, poisson) != header.Count(key, i, poisson) {
			t.Fatalf("key %#x, number %#x: random.h differs", key, i)
		}
		u := s.Uniform(i + 1)
		mean, of := 100*u*u*u, int(n%300)
		if random.Decay(mean) != header.Decay(mean) || s.Poisson(i, mean) != header.Poisson(key, i, mean) || s.Binomial(i, of, u) != header.Binomial(key, i, of, u) {
			t.Fatalf("key %#x, number %#x: draws.h differs", key, i)
		}
		for n, z := range s.Normal4(i) {
			if z != header.Normal(key, i, n) {
				t.Fatalf("key %#x, number %#x: normal.h differs", key, i)
			}
		}
	}
}
