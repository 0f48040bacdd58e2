package models

import "math"

// Over returns the filter of a step that lasts the given number of time steps, at the end of
// which its input arrives as one event: the traces decay longer or shorter, an event counts as
// in a step of length 1. A step of length k equals k−1 steps without input and one with it:
//
//	PP(Δ) = PP^Δ,  QQ(Δ) = QQ^Δ,  PQ(Δ) = Δ·PQ·PP^(Δ−1)
//
// The last is the closed form of the two equal decays behind each other of the kernel alpha;
// all other kernels have PQ = 0.
//
// Units: time steps, at least 0.
func (s Synapse) Over(steps float64) Synapse {
	if steps == 1 {
		return s
	}
	// The logarithm of the rounded decay, not −1/τ: this is to be the power of that number.
	p := math.Exp(steps * math.Log(s.PP))
	if s.PQ != 0 {
		s.PQ *= steps * p / s.PP
	}
	s.PP, s.QQ = p, math.Exp(steps*math.Log(s.QQ))
	return s
}

// Silent reports whether x̄ is zero from traces p and q on for as long as no input comes, and
// at all lengths of step. Only a rectified difference becomes so before its traces vanish.
func (s Synapse) Silent(p, q float64) bool {
	if !s.Rectify {
		return p == 0 && q == 0
	}
	// p·PP^t − q·QQ^t has the sign of a monotonic function between p − q now and the trace that
	// decays more slowly.
	if s.PP < s.QQ {
		return p <= q && q >= 0
	}
	return p <= q && p <= 0
}
