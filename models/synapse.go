package models

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
)

// synapseNote says what the keys of a Synapse mean.
const synapseNote = `tau_s and tau_l count time steps: a trace keeps d = exp(-1/tau) of itself in a step, whatever dt is; dt is of h alone. With u = U x, d_s, d_l and a = 1 - d, syn_kernel is
ema            p' = d_s p + a_s u;  x = p'
ema_diff       p' as ema, q' = d_l q + a_l u;  x = p' - q', which may be negative
ema_diff_relu  x = max(0, p' - q')
alpha          p' = d_s (p + q), q' = d_s q + u;  x = p': one event gives t exp(-t/tau_s)
dualexp        p' = d_s p + u, q' = d_l q + u;  x = tau_l tau_s / (tau_l - tau_s) (q' - p')`

// irregularNote says what a step of another length is.
const irregularNote = "With irregular = true the mask holds the length k of each step: traces keep exp(-k/tau), and dt is multiplied by k."

// Synapse is the filter from the weighted input u to a conductance x̄. It runs two traces
// p and q of exponential decay, exact for input that is constant within a step:
//
//	p' = PP·p + PQ·q + PU·u
//	q' = QQ·q + QU·u
//	x̄  = XP·p' + XQ·q', and max(0, x̄) with Rectify
//
// The kernels, with d = exp(−1/τ) and a = 1 − d:
//
//	ema            p' = p + a_s(u − p);  x̄ = p'
//	ema_diff       and q' = q + a_l(u − q);  x̄ = p' − q', which may be negative
//	ema_diff_relu  x̄ = max(0, p' − q')
//	alpha          p' = d_s(p + q), q' = d_s q + u;  x̄ = p', the bump t·exp(−t/τ_s)
//	dualexp        p' = d_s p + u, q' = d_l q + u;  x̄ = k(q' − p'), k = τ_l τ_s/(τ_l − τ_s)
//
// A difference of averages has no response to constant input; the bumps have.
//
// Units: τ_s and τ_l in time steps.
// Source: notes on the LGMD neuron, eqs. 3 to 5; their eq. 4 (ema_diff) is the derivative of
// a bump and is rectified here to stay a conductance.
type Synapse struct {
	PP, PQ, PU, QQ, QU, XP, XQ float64
	Rectify                    bool
}

// synapseKernels are the kinds of synaptic filter, numbered as the cell headers number them.
var synapseKernels = []string{"ema", "ema_diff", "ema_diff_relu", "alpha", "dualexp"}

// NewSynapse returns the filter of the named kernel.
//
// Errors: an unknown kernel; a time constant that is not positive; a kernel made of the
// difference of two exponentials with τ_s = τ_l, which would be zero.
func NewSynapse(kernel string, tauS, tauL float64) (Synapse, error) {
	if !(tauS > 0) || !(tauL > 0) {
		return Synapse{}, fmt.Errorf("models: tau_s and tau_l are %v and %v, want positive numbers", tauS, tauL)
	}
	if usesTauL(kernel) && tauS == tauL {
		return Synapse{}, fmt.Errorf("models: syn_kernel %s needs tau_s and tau_l to differ, both are %v", kernel, tauS)
	}
	ds, dl := math.Exp(-1/tauS), math.Exp(-1/tauL)
	averages := Synapse{PP: ds, PU: 1 - ds, QQ: dl, QU: 1 - dl, XP: 1}
	switch kernel {
	case "ema":
		return averages, nil
	case "ema_diff", "ema_diff_relu":
		averages.XQ, averages.Rectify = -1, kernel == "ema_diff_relu"
		return averages, nil
	case "alpha":
		return Synapse{PP: ds, PQ: ds, QQ: ds, QU: 1, XP: 1}, nil
	case "dualexp":
		k := tauL * tauS / (tauL - tauS)
		return Synapse{PP: ds, PU: 1, QQ: dl, QU: 1, XP: -k, XQ: k}, nil
	}
	return Synapse{}, fmt.Errorf("models: unknown syn_kernel %q", kernel)
}

// usesTauL reports whether the response of a kernel depends on τ_l.
func usesTauL(kernel string) bool { return kernel != "ema" && kernel != "alpha" }

// Step advances the traces by one input.
func (s Synapse) Step(u, p, q float64) (x, p1, q1 float64) {
	p1 = s.PP*p + s.PQ*q + s.PU*u
	q1 = s.QQ*q + s.QU*u
	x = s.XP*p1 + s.XQ*q1
	if s.Rectify {
		x = max(0, x)
	}
	return x, p1, q1
}

// Gain returns the largest response to a unit step: input weights divided by it drive the
// cell alike under every kernel.
func (s Synapse) Gain() float64 {
	const lifetimes, most = 20, 100_000 // e^-20 is below float32 rounding
	slowest := -1 / math.Log(max(s.PP, s.QQ))
	gain, x, p, q := 0.0, 0.0, 0.0, 0.0
	for range int(min(lifetimes*slowest+1, most)) {
		x, p, q = s.Step(1, p, q)
		gain = max(gain, math.Abs(x))
	}
	if gain == 0 { // a slow τ_s answers the end of a step, not its beginning
		return 1
	}
	return gain
}

// synapse is a Synapse on a graph. A nil coefficient is zero.
type synapse struct {
	pp, pq, pu, qq, qu, xp, xq *gorgonia.Node
	lp, lq                     *gorgonia.Node // ln pp, ln qq, for over
	rectify                    bool
}

// constantSynapse puts fixed coefficients on the graph.
func constantSynapse(k *Ops, s Synapse) synapse {
	c := func(v float64) *gorgonia.Node {
		if v == 0 {
			return nil
		}
		return k.Const(v)
	}
	// PU stays even where it is 0, so that the graph always leads back to the input weights.
	return synapse{pp: c(s.PP), pq: c(s.PQ), pu: k.Const(s.PU), qq: c(s.QQ), qu: c(s.QU),
		xp: c(s.XP), xq: c(s.XQ), rectify: s.Rectify}
}

// tauSynapse computes the coefficients of a kernel from the time constants, planes [B,H].
func tauSynapse(k *Ops, kernel string, tauS, tauL *gorgonia.Node) synapse {
	one := k.Const(1)
	ls := k.Neg(k.Div(one, tauS))
	ds := k.Exp(ls)
	if kernel == "alpha" {
		return synapse{pp: ds, pq: ds, pu: k.Const(0), qq: ds, qu: one, xp: one, lp: ls, lq: ls}
	}
	ll := k.Neg(k.Div(one, tauL))
	dl := k.Exp(ll)
	if kernel == "dualexp" {
		area := k.Div(k.Mul(tauL, tauS), k.Sub(tauL, tauS))
		return synapse{pp: ds, pu: one, qq: dl, qu: one, xp: k.Neg(area), xq: area, lp: ls, lq: ll}
	}
	s := synapse{pp: ds, pu: k.OneMinus(ds), qq: dl, qu: k.OneMinus(dl), xp: one, lp: ls, lq: ll}
	if kernel != "ema" {
		s.xq, s.rectify = k.Const(-1), kernel == "ema_diff_relu"
	}
	return s
}

// over returns the filter of steps of lengths t [B,H] (Synapse.Over).
func (s synapse) over(k *Ops, t *gorgonia.Node) synapse {
	s.pp, s.qq = k.Exp(k.Mul(t, s.lp)), k.Exp(k.Mul(t, s.lq))
	if s.pq != nil {
		s.pq = k.Mul(t, s.pp)
	}
	return s
}

// step advances the traces by the input u and returns the conductance x̄ with them.
func (s synapse) step(k *Ops, u, p, q *gorgonia.Node) (x, p1, q1 *gorgonia.Node) {
	p1 = combine(k, s.pp, p, s.pq, q, s.pu, u)
	q1 = combine(k, s.qq, q, s.qu, u)
	x = combine(k, s.xp, p1, s.xq, q1)
	if s.rectify {
		x = k.Relu(x)
	}
	return x, p1, q1
}

// combine returns the sum of coefficient∘plane over the given pairs.
func combine(k *Ops, pairs ...*gorgonia.Node) *gorgonia.Node {
	var sum *gorgonia.Node
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == nil {
			continue
		}
		term := k.Mul(pairs[i], pairs[i+1])
		if sum == nil {
			sum = term
		} else {
			sum = k.Add(sum, term)
		}
	}
	return sum
}
