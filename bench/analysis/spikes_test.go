package analysis

import (
	"math"
	"slices"
	"testing"

	"galvani/kernels"
)

// TestSpikesOf takes a unit with intervals of 10, 30 and 20 steps, one with a single interval, and one
// without spikes.
func TestSpikesOf(t *testing.T) {
	c := &kernels.Circuit{Populations: []kernels.Population{{Name: "a", N: 2}, {Name: "b", N: 1}}}
	var spikes []kernels.Spike
	for _, s := range [][2]int{{0, 0}, {3, 1}, {10, 0}, {40, 0}, {50, 1}, {60, 0}} {
		spikes = append(spikes, kernels.Spike{Step: int64(s[0]), Unit: s[1]})
	}
	got := SpikesOf(c, spikes, 100)
	if a := got[0]; a.N != 2 || a.Spikes != 6 || a.RateHz != 30 || a.CV == nil || math.Abs(*a.CV-0.5) > 1e-12 {
		t.Errorf("a did %+v, want 6 spikes, 30 Hz and a CV of 1/2", a)
	}
	if b := got[1]; b != (Spiking{N: 1}) {
		t.Errorf("b did %+v, want nothing", b)
	}
}

// TestWindowsOf compares rates, Fano factors and covariances with those of the counts, of which the last window is left out.
func TestWindowsOf(t *testing.T) {
	c := &kernels.Circuit{Step: 0.5, Populations: []kernels.Population{{Name: "a", N: 4}, {Name: "b", N: 1}}}
	counts := [4][6]int{{1, 0, 2, 3, 0, 0}, {2, 0, 1, 1, 1, 5}, {0, 0, 0, 0, 0, 0}, {9, 1, 7, 0, 0, 0}}
	var spikes []kernels.Spike
	for w := range 6 {
		for u := range counts {
			for k := range counts[u][w] {
				spikes = append(spikes, kernels.Spike{Step: int64(10*w + k), Unit: u})
			}
		}
		slices.SortFunc(spikes, func(a, b kernels.Spike) int { return int(a.Step - b.Step) })
	}
	got := WindowsOf(c, spikes, 59, 10)
	if want := []float64{600, 50, 500, 200, 50}; len(got.RateHz[0]) != 5 || math.Abs(got.RateHz[0][4]-want[4]) > 1e-9 || math.Abs(got.RateHz[0][0]-want[0]) > 1e-9 {
		t.Errorf("rates %v, want %v", got.RateHz[0], want)
	}
	mean := func(x [6]int) (m float64) {
		for _, v := range x[:5] {
			m += float64(v) / 5
		}
		return m
	}
	cov := func(x, y [6]int) (s float64) {
		for w := range 5 {
			s += (float64(x[w]) - mean(x)) * (float64(y[w]) - mean(y)) / 4
		}
		return s
	}
	var fano, pairs, correlation float64
	fire := []int{0, 1, 3}
	for i, u := range fire {
		fano += cov(counts[u], counts[u]) / mean(counts[u]) / 3
		for _, v := range fire[:i] {
			pairs += cov(counts[u], counts[v]) / 6 // of four units, of which one is silent
			correlation += cov(counts[u], counts[v]) / math.Sqrt(cov(counts[u], counts[u])*cov(counts[v], counts[v])) / 3
		}
	}
	if a := got.Counts[0]; math.Abs(*a.Fano-fano) > 1e-12 || math.Abs(*a.Covariance-pairs) > 1e-12 || math.Abs(*a.Correlation-correlation) > 1e-12 {
		t.Errorf("%v, %v and %v, want %v, %v and %v", *a.Fano, *a.Covariance, *a.Correlation, fano, pairs, correlation)
	}
	if got.Counts[1] != (Counts{}) || WindowsOf(c, spikes, 49, 10).Counts[0] != (Counts{}) {
		t.Error("counts of no spikes, or of four windows")
	}
}
