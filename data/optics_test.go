package data

import (
	"math"
	"testing"
)

// angularSpeed is the rate of expansion θ' = 2L/(τ² + L²).
func angularSpeed(L, tau float64) float64 { return 2 * L / (tau*tau + L*L) }

// eta is the response of the looming detector that EtaPeak is about.
func eta(L, tau, alpha, delta float64) float64 {
	seen := tau + delta
	return angularSpeed(L, seen) * math.Exp(-alpha*AngularSize(L, seen))
}

// TestEtaTable is the check table of the looming literature: with α = 4.7 and δ = 27 ms the
// peak comes αL − δ before collision, and the delayed angle at the peak is the same for
// every L. An L of 5 ms peaks after the collision.
func TestEtaTable(t *testing.T) {
	const alpha, delta, step = 4.7, 27., 0.01
	for _, c := range []struct{ L, peak float64 }{
		{5, -3.5}, {10, 20}, {20, 67}, {30, 114}, {40, 161}, {50, 208}, {80, 349},
	} {
		if got := EtaPeak(c.L, alpha, delta); math.Abs(got-c.peak) > 1e-12 {
			t.Errorf("L=%v: peak is at %v ms, want %v", c.L, got, c.peak)
		}
		// Count the steps in integers, so that the grid itself has no rounding drift.
		best, top := 0., 0.
		for k := -2600; k < 60000; k++ {
			tau := float64(k) * step
			if e := eta(c.L, tau, alpha, delta); e > top {
				best, top = tau, e
			}
		}
		if math.Abs(best-c.peak) > step {
			t.Errorf("L=%v: numeric peak is at %v ms, want %v within a step of %v", c.L, best, c.peak, step)
		}
		if deg := AngularSize(c.L, c.peak+delta) * 180 / math.Pi; math.Abs(deg-24.0230) > 5e-5 {
			t.Errorf("L=%v: angle at the delayed peak is %.4f°, want 24.0230°", c.L, deg)
		}
		// Peak value in closed form.
		want := 2 / (c.L * (1 + alpha*alpha)) * math.Exp(-2*alpha*math.Atan(1/alpha))
		if got := eta(c.L, c.peak, alpha, delta); math.Abs(got-want) > 1e-12*want {
			t.Errorf("L=%v: peak value is %v, want %v", c.L, got, want)
		}
	}
}

// TestAngles holds the angles to their limits and the speed to the slope of the size.
func TestAngles(t *testing.T) {
	if got := AngularSize(30, 0); got != math.Pi {
		t.Errorf("size at collision is %v, want π", got)
	}
	if got := AngularSize(30, 30); math.Abs(got-math.Pi/2) > 1e-15 {
		t.Errorf("size at τ = L is %v, want π/2", got)
	}
	// Central differences err by h²θ'''/6, at most 2h²/(3L³) = 5.3e-9 at L = 5.
	const h = 1e-3 // ms
	for _, L := range []float64{5, 10, 80} {
		last := math.Inf(1)
		for tau := 0.0; tau < 600; tau += 7 {
			slope := (AngularSize(L, tau-h) - AngularSize(L, tau+h)) / (2 * h)
			if got := angularSpeed(L, tau); math.Abs(got-slope) > 6e-9 {
				t.Errorf("L=%v τ=%v: speed is %v, slope of the size %v", L, tau, got, slope)
			}
			if size := AngularSize(L, tau); size >= last {
				t.Errorf("L=%v: size does not fall with τ at %v", L, tau)
			} else {
				last = size
			}
		}
	}
}
