package models

import (
	"math"
	"testing"
)

// TestOver holds a long step to short ones without input before one with it, and to two parts of
// any length.
func TestOver(t *testing.T) {
	for _, kernel := range synapseKernels {
		s, err := NewSynapse(kernel, 3, 8)
		if err != nil {
			t.Fatal(err)
		}
		for _, steps := range []int{1, 2, 7, 100} {
			x, p, q := s.Over(float64(steps)).Step(0.7, 0.5, 0.25)
			p1, q1 := 0.5, 0.25
			for range steps - 1 {
				_, p1, q1 = s.Step(0, p1, q1)
			}
			x1, p1, q1 := s.Step(0.7, p1, q1)
			near(t, kernel, []float64{x, p, q}, []float64{x1, p1, q1}, 1e-14)
		}
		_, p, q := s.Over(2.75).Step(0, 0.5, 0.25)
		_, p1, q1 := s.Over(0.5).Step(0, 0.5, 0.25)
		_, p1, q1 = s.Over(2.25).Step(0, p1, q1)
		near(t, kernel+" in parts", []float64{p1, q1}, []float64{p, q}, 1e-14)
		if p, q := 0.5, 0.25; s.Over(0).PP*p+s.Over(0).PQ*q != p || s.Over(0).QQ*q != q {
			t.Errorf("%s: no time changes the traces", kernel)
		}
	}
}

// TestMost: no conductance without input is larger than the bound, the bound is not far above the
// largest one unless two traces cancel, and it is 0 just where there is none.
func TestMost(t *testing.T) {
	traces := []float64{-1, -0.5, 0, 0.3, 0.5, 1}
	for _, kernel := range synapseKernels {
		for _, tau := range [][2]float64{{2, 8}, {8, 2}} {
			s, err := NewSynapse(kernel, tau[0], tau[1])
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range traces {
				for _, q := range traces {
					largest := s.XP*p + s.XQ*q
					if s.Rectify {
						largest = max(0, largest)
					}
					largest = math.Abs(largest)
					for steps := 0.05; steps < 100; steps *= 1.05 {
						x, _, _ := s.Over(steps).Step(0, p, q)
						largest = max(largest, math.Abs(x))
					}
					most := s.Most(p, q)
					if largest > most || s.Rectify && (largest == 0) != (most == 0) {
						t.Errorf("%s τ %v from p=%v q=%v: bound %v, largest conductance %v", kernel, tau, p, q, most, largest)
					}
					if q == 0 && most > 1.0001*max(largest, math.Abs(s.XP*p)) {
						t.Errorf("%s τ %v from p=%v: bound %v, want %v", kernel, tau, p, most, math.Abs(s.XP*p))
					}
				}
			}
			if s.Most(0, 0) != 0 {
				t.Errorf("%s: traces that have vanished give %v", kernel, s.Most(0, 0))
			}
		}
	}
}
