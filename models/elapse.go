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

// Most returns a bound that |x̄| keeps from traces p and q on for as long as no input comes, at
// all lengths of step. It is 0 where x̄ stays zero: under a rectified difference soon after the
// last input, else when the traces have vanished.
func (s Synapse) Most(p, q float64) float64 {
	// p·PP^t − q·QQ^t has the sign of a monotonic function between p − q now and the trace that
	// decays more slowly.
	if s.Rectify && p <= q && (s.PP < s.QQ && q >= 0 || s.PP >= s.QQ && p <= 0) {
		return 0
	}
	p, q = math.Abs(p), math.Abs(q)
	if s.PQ != 0 && q != 0 { // p + t·q under the decay: t·PP^t peaks at −1/ln PP
		p -= q / (math.E * math.Log(s.PP))
	}
	return math.Abs(s.XP)*p + math.Abs(s.XQ)*q
}
