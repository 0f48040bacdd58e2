package analysis

import (
	"math"
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
