package kernels_test

import (
	"math"
	"testing"

	"galvani/kernels"
	"galvani/kernels/random"
)

// TestShuffled: every number of an order is there once, each number is in each place as often, and two neighbours are as
// often at each distance.
func TestShuffled(t *testing.T) {
	for n := uint32(1); n < 300; n += 1 + n/7 {
		seen := make([]bool, n)
		for i := range n {
			at := kernels.Shuffled(random.New(uint64(n)), i, n)
			if at >= n || seen[at] {
				t.Fatalf("number %d of %d is at %d, which is none or taken", i, n, at)
			}
			seen[at] = true
		}
	}
	const n, keys = 37, 20000
	place, distance := make([]float64, n), make([]float64, n)
	for k := range uint64(keys) {
		a, b := kernels.Shuffled(random.New(k), 20, n), kernels.Shuffled(random.New(k), 21, n)
		place[a]++
		distance[(b+n-a)%n]++
	}
	chi := func(counts []float64) (sum float64) {
		for _, c := range counts {
			want := keys / float64(len(counts))
			sum += (c - want) * (c - want) / want
		}
		return sum
	}
	for what, x := range map[string]float64{"places": chi(place), "distances": chi(distance[1:])} {
		if x > n+6*math.Sqrt(2*n) {
			t.Errorf("%s are uneven: chi square is %.0f of %d", what, x, n-1)
		}
	}
}

// TestPowers: the numbers of a lognormal distribution have its mean and its deviation.
func TestPowers(t *testing.T) {
	s := kernels.Spread{Form: kernels.SpreadLognormal, A: -3, B: 2}
	high, low := s.Powers()
	sum, squares, n := 0.0, 0.0, 200000
	for i := range n {
		k := int(random.New(1).Normal4(uint64(i))[0]*0x1p13) + 132*256
		x := high[k>>8] * low[k&255]
		if sum, squares = sum+x, squares+x*x; x < s.Least() || x > s.Most() {
			t.Fatalf("%v is not within %v and %v", x, s.Least(), s.Most())
		}
	}
	mean := sum / float64(n)
	if sd := math.Sqrt(squares/float64(n) - mean*mean); math.Abs(mean+3) > 0.03 || math.Abs(sd-2) > 0.05 {
		t.Errorf("numbers have the mean %v and the deviation %v", mean, sd)
	}
}
