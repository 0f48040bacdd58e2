package random

import (
	"fmt"
	"math"
	"testing"
)

// TestDecay holds Decay to math.Exp over all magnitudes.
func TestDecay(t *testing.T) {
	if Decay(0) != 1 || Decay(701) != 0 || Decay(math.Inf(1)) != 0 {
		t.Errorf("Decay of 0, 701 and infinity are %v, %v and %v, want 1, 0 and 0", Decay(0), Decay(701), Decay(math.Inf(1)))
	}
	for x := 1e-12; x < 700; x *= 1.01 {
		// exp itself turns the rounding of x, 2⁻⁵³ of it, into as much of its size.
		if got, want := Decay(x), math.Exp(-x); math.Abs(got-want) > 1e-15*want {
			t.Fatalf("Decay(%v) = %v, want %v", x, got, want)
		}
	}
}

// TestDraws holds mean and variance of numbers of events to those of their distributions.
func TestDraws(t *testing.T) {
	const draws = 20000
	type distribution struct {
		name           string
		draw           func(k uint64) int
		mean, variance float64
	}
	var all []distribution
	stream := New(5).Named("counts")
	for _, m := range []float64{0, 0.02, 3, 100} {
		all = append(all, distribution{fmt.Sprintf("Poisson %g", m), func(k uint64) int { return stream.Poisson(k, m) }, m, m})
	}
	for _, b := range []struct {
		n int
		p float64
	}{{0, 0.5}, {1, 0.3}, {10, 0}, {10, 1}, {10, 0.9}, {1000, 0.2}, {40, 0.5}, {3000, 1e-4}} {
		n := float64(b.n)
		all = append(all, distribution{fmt.Sprintf("binomial %+v", b), func(k uint64) int { return stream.Binomial(k, b.n, b.p) }, n * b.p, n * b.p * (1 - b.p)})
	}
	for _, d := range all {
		var sum, squares float64
		for k := range uint64(draws) {
			x := float64(d.draw(k))
			sum, squares = sum+x, squares+(x-d.mean)*(x-d.mean)
		}
		mean, variance := sum/draws, squares/draws
		if math.Abs(mean-d.mean) > 5*math.Sqrt(d.variance/draws)+1e-12 {
			t.Errorf("%s: the mean is %v, want %v", d.name, mean, d.mean)
		}
		if math.Abs(variance-d.variance) > (0.1+1/math.Sqrt(draws*d.mean+1))*d.variance+1e-12 {
			t.Errorf("%s: the variance is %v, want %v", d.name, variance, d.variance)
		}
	}
}
