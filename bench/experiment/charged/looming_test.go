package charged

import (
	"math"
	"strings"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/data"
)

func TestLooming(t *testing.T) {
	o := exptest.Quickly(t, "looming")
	if len(o.Charts) != 3 || o.Charts[2].Name != "peak" {
		t.Errorf("%d charts: %+v", len(o.Charts), o.Charts)
	}
}

func TestLoomingRefuses(t *testing.T) {
	for want, change := range map[string]func(*looming){
		"no learning rate": func(s *looming) { s.Models = []string{"gru"} },
		"at least 3":       func(s *looming) { s.LV = s.LV[:2] },
	} {
		e, err := experiment.Lookup("looming")
		if err != nil {
			t.Fatal(err)
		}
		s := e.New().(*looming)
		change(s)
		if _, err := s.Cases([]uint64{1}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// TestFitPeaks finds the locust's line again in η, sampled at steps of 10 ms, and holds that
// smoothing hardly changes its slope. It does move peaks, which rise more slowly than they fall.
func TestFitPeaks(t *testing.T) {
	const (
		step, start    = 10., 1200.
		exact          = 0.01 // relative: the parabola
		slope, shifted = 0.03, 10.
	)
	lv := []float64{20, 30, 40, 50, 80}
	var peaks, smoothed []float64
	for _, l := range lv {
		var y []float64
		for tau := start; tau > -300; tau -= step {
			seen := tau + locustDelta // η of data.EtaPeak
			y = append(y, 2*l/(seen*seen+l*l)*math.Exp(-locustAlpha*data.AngularSize(l, seen)))
		}
		peaks, smoothed = append(peaks, start-step*peak(y)), append(smoothed, start-step*peak(smooth(y, smoothing/step)))
	}
	f, g := fitPeaks(lv, peaks), fitPeaks(lv, smoothed)
	if math.Abs(f.alpha/locustAlpha-1) > exact || math.Abs(f.delta/locustDelta-1) > 10*exact || !f.like() || math.Abs(f.angle()-24) > 0.2 {
		t.Errorf("peaks %v give %+v, angle %v", peaks, f, f.angle())
	}
	if math.Abs(g.alpha/locustAlpha-1) > slope || math.Abs(g.delta-locustDelta) > shifted || !g.like() {
		t.Errorf("smoothed, peaks %v give %+v", smoothed, g)
	}
	peaks[1], peaks[3] = math.NaN(), math.NaN()
	if g := fitPeaks(lv, peaks); !g.like() {
		t.Errorf("three peaks give %+v", g)
	}
	peaks[0] = math.NaN()
	if g := fitPeaks(lv, peaks); !math.IsNaN(g.alpha) || g.like() {
		t.Errorf("two peaks give %+v", g)
	}
	for _, y := range [][]float64{{1, 2, 3}, {3, 2, 1}, {1, 1}} {
		if at := peak(y); !math.IsNaN(at) {
			t.Errorf("peak of %v at %v", y, at)
		}
	}
	// The parabola −(x−1.25)² has its top at 1.25.
	if at := peak([]float64{-1.5625, -0.0625, -0.5625}); at != 1.25 {
		t.Errorf("peak at %v, want 1.25", at)
	}
}

func TestLogOdds(t *testing.T) {
	r := readout{weight: []float64{1, 2, -1, 0.5, 0, 3}, bias: []float64{0.1, 0.2, -0.3}}
	h := []float32{0.5, -1}
	z := []float64{0.5 - 2 + 0.1, -0.5 - 0.5 + 0.2, -3 - 0.3}
	want := z[0] - math.Log(math.Exp(z[1])+math.Exp(z[2]))
	const tolerance = 1e-12 // rounding of float64
	if got := r.logOdds(h); math.Abs(got-want) > tolerance {
		t.Errorf("log-odds are %v, want %v", got, want)
	}
}
