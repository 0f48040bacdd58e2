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

// TestSilent: silent traces give no conductance ever after, and those that are not give some.
func TestSilent(t *testing.T) {
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
					if !s.Rectify {
						largest = math.Abs(p) + math.Abs(q)
					}
					for _, steps := range []float64{0.01, 0.1, 1, 2, 5, 10, 20, 50} {
						x, _, _ := s.Over(steps).Step(0, p, q)
						largest = max(largest, x)
					}
					if s.Silent(p, q) != (largest <= 0) {
						t.Errorf("%s τ %v from p=%v q=%v: silent is %v, largest conductance %v", kernel, tau, p, q, s.Silent(p, q), largest)
					}
				}
			}
		}
	}
}
