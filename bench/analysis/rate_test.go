package analysis

import (
	"math"
	"testing"
)

func TestPeakRate(t *testing.T) {
	if ms, hz := PeakRate(nil, 20); !math.IsNaN(ms) || hz != 0 {
		t.Errorf("no spikes peak at %v ms with %v Hz, want NaN and 0", ms, hz)
	}
	if ms, hz := PeakRate([]float64{123.4}, 20); math.Abs(ms-123.4) > 0.06 || math.Abs(hz-1000/(20*math.Sqrt(2*math.Pi))) > 1e-3 {
		t.Errorf("one spike at 123.4 ms peaks at %v ms with %v Hz", ms, hz)
	}
	// One that is alone, and five around 500 ms.
	if ms, _ := PeakRate([]float64{100, 480, 490, 500, 510, 520}, 20); math.Abs(ms-500) > 0.06 {
		t.Errorf("five spikes around 500 ms peak at %v ms", ms)
	}
	// A regular train of 100 Hz has that rate in its middle.
	var train []float64
	for k := range 100 {
		train = append(train, float64(10*k))
	}
	if hz := Rate(train, 20, 500); math.Abs(hz-100) > 1e-6 {
		t.Errorf("a train of 100 Hz has the rate %v", hz)
	}
}
