package charged

import (
	"math"
	"testing"

	"galvani/bench/experiment/exptest"
)

func TestRange(t *testing.T) { exptest.Quickly(t, "range") }

// TestRangeUsage holds the counts to states whose use of the range is known.
func TestRangeUsage(t *testing.T) {
	s := &dynamicRange{Bins: 4}
	// Unit 0 is even over the four bins, unit 1 stays at the upper end.
	u := s.usage([]float32{-0.9, 1, -0.3, 1, 0.3, 1, 0.9, 1}, 2)
	const tolerance = 1e-6 // of float32
	entropy := (3*0.125*math.Log(8) + 0.625*math.Log(1.6)) / math.Log(4)
	for _, c := range []struct {
		what      string
		got, want float64
	}{{"entropy", u.entropy, entropy}, {"entropy of units", u.unitEntropy, 0.5}, {"span", u.span, 0.45}, {"saturated", u.saturated, 0.5},
		{"last bin", u.histogram[3], 0.625}} {
		if math.Abs(c.got-c.want) > tolerance {
			t.Errorf("%s is %v, want %v", c.what, c.got, c.want)
		}
	}
}
