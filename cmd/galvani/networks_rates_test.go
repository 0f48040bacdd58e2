package main

import (
	"math"
	"strings"
	"testing"
)

// TestPublishedRates holds the networks to the rates of their sources, each within what its tolerance says.
func TestPublishedRates(t *testing.T) {
	needsCPU(t)
	type rate struct{ hz, within float64 }
	for name, c := range map[string]struct {
		line string
		want map[string]rate
	}{
		// Zhu (2020): 13.2 Hz at a mean input of 8 mV, and 55.9 Hz at 24 mV. Networks differ by 0.5 Hz, as all
		// neurons have the same sources: three times that.
		"mean input of 8 mV":  {"feed-forward --for 2s", map[string]rate{"post": {13.2, 1.5}, "e": {5, 0.2}}},
		"mean input of 24 mV": {"feed-forward --for 1s --j-e 20 --r-e 15", map[string]rate{"post": {55.9, 5.59}}},
		// Zhu (2020): 9.2 to 9.7 and 22.0 to 22.5 Hz within 5 %.
		"recurrent": {"recurrent --for 250ms", map[string]rate{"e": {9.45, 0.72}, "i": {22.25, 1.36}}},
		// Brian 2 with Euler's steps has 20.68 Hz over 10 s, NEST 19.1; half a second is within 10 % of Brian's.
		"coba": {"coba --for 500ms", map[string]rate{"e": {20.68, 2.07}, "i": {20.68, 2.07}}},
		// Of 30000 neurons e2 fires below 0.1 Hz, of 2000 still below a fifth of e1.
		"semi-balanced": {"semi-balanced --n 2000 --for 1s", map[string]rate{"e1": {10, 1.5}, "e2": {0, 2}, "i": {14, 2}}},
		// Zhu (2020) has 3.3 and 9.5 Hz in the long run without plasticity; 300 ms from a start at random are a
		// little more.
		"isp without learning": {"isp --for 300ms --eta-e 0 --eta-i 0", map[string]rate{"e": {3.5, 0.5}, "i": {9.8, 1}}},
		// NEST 3.10 with the same sizes, 3 s after the first 500 ms; half a second from the start is within four
		// standard errors of counts of such rates, and 10 %.
		"microcircuit": {"microcircuit --scale 0.05 --degree 0.05 --for 500ms", map[string]rate{"l23e": {0.300, 0.15}, "l23i": {1.303, 0.4}, "l4e": {3.252, 0.5},
			"l4i": {3.849, 0.8}, "l5e": {5.453, 1.2}, "l5i": {6.767, 2}, "l6e": {0.518, 0.2}, "l6i": {6.088, 1.2}}},
		// Brian 2 has 164 Hz before inhibition is learned. With it a small network comes to a
		// fifth in the mean of 4 s.
		"vogels without learning": {"vogels --n 2000 --p 0.1 --for 150ms --eta 0", map[string]rate{"e": {164, 5}}},
		"vogels":                  {"vogels --n 1000 --p 0.2 --for 4s", map[string]rate{"e": {30, 10}}},
	} {
		r := told[simulation](t, args([]string{"simulate"}, strings.Fields(c.line)...)...)
		for population, want := range c.want {
			if got := r.Populations[population].RateHz; math.Abs(got-want.hz) > want.within {
				t.Errorf("%s: population %s fires at %.3f Hz, want %.3f within %.3f", name, population, got, want.hz, want.within)
			}
		}
	}
}
