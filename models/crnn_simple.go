package models

import (
	"math"

	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

func init() {
	Register(Entry{
		Name:       "crnn-simple",
		Doc:        "Charged RNN with reversal potentials at rest and a learned dense coupling W.",
		Source:     "Notes on the charged RNN, section 3, second equation; restoring signs are ours",
		References: []cite.Work{chargedNotes},
		Equations: `h' = h + dt (-W h - h∘x - σ(w_m h + b_m) σ(-w_n h - b_n)∘h + b)
x  = syn_kernel of U x(t), tau_s, tau_l`,
		Notes: []string{
			"W is subtracted: -W_ij is the weight from unit j to unit i, and W_ii is the leak of unit i. With dale -W_ij has the sign of unit j off the diagonal, and the leak is at least 0; neither a mask nor autapses = no takes it away.",
			synapseNote, irregularNote,
			"signs literal: h' = h + dt (-W h + h∘x + σ(w_m h + b_m) σ(-w_n h - b_n)∘h + b).",
		},
		New: func() Cell { return NewCRNNSimple() },
	})
}

// CRNNSimple is the simplified charged RNN:
//
//	x̄  = synapse(U x)                                            (see Synapse)
//	σ₊ = σ(w_m∘h + b_m),  σ₋ = σ(−w_n∘h − b_n)
//	h' = h + Δt (−W h − h∘x̄ − σ₊∘σ₋∘h + b)                       restoring
//	h' = h + Δt (−W h + h∘x̄ + σ₊∘σ₋∘h + b)                       literal
//
// The synapse takes in x first; then h moves with W h of its old value. With the literal
// signs input makes h grow: they are kept as an ablation.
//
// An irregular cell takes the length of each step from the mask: the traces decay by it
// (Synapse.Over), and it multiplies Δt, which the Euler rule bears up to a limit.
//
// Shape: x [B,I]; h, x̄ [B,H].
// Units: dimensionless; Δt, τ_s and τ_l in time steps.
// Source: notes on the charged RNN, section 3, second equation.
type CRNNSimple struct {
	Dt        float64 `toml:"dt" doc:"step of the Euler rule" unit:"step" min:"1e-6" max:"10"`
	TauS      float64 `toml:"tau_s" doc:"time constant of the fast synaptic trace" unit:"step" min:"0.1" max:"1e6"`
	TauL      float64 `toml:"tau_l" needs:"syn_kernel!=ema|alpha" doc:"time constant of the slow synaptic trace" unit:"step" min:"0.1" max:"1e6"`
	SynKernel string  `toml:"syn_kernel" doc:"synaptic filter" oneof:"ema|ema_diff|ema_diff_relu|alpha|dualexp"`
	Signs     string  `toml:"signs" doc:"signs of the input and gate terms" oneof:"restoring|literal"`
	Irregular bool    `toml:"irregular" needs:"bin_ms>0" doc:"steps last as long as the task says"`
}

// NewCRNNSimple returns the cell with its defaults.
func NewCRNNSimple() *CRNNSimple {
	return &CRNNSimple{Dt: 0.2, TauS: 2, TauL: 8, SynKernel: "ema_diff_relu", Signs: "restoring"}
}

// Params implements Cell.
func (c *CRNNSimple) Params(d Dims) ([]kernels.Spec, error) {
	syn, err := c.synapse()
	if err != nil {
		return nil, err
	}
	vec := func(name, doc string, init kernels.Init) kernels.Spec {
		return learned(name, "H", []int{d.H}, kernels.Vec, doc, init)
	}
	bias := kernels.Init{Kind: kernels.Normal, B: 0.5}
	slope := kernels.Init{Kind: kernels.Normal, A: 3, B: 1}
	w := learned("W", "H H", []int{d.H, d.H}, kernels.Rec, "coupling; the leak is its diagonal",
		kernels.Init{Kind: kernels.Identity, A: 1})
	w.Leak = true
	return []kernels.Spec{
		learned("U", "H I", []int{d.H, d.I}, kernels.In, "input weights of the synaptic conductance",
			kernels.Init{Kind: kernels.XavierUniform, A: 1 / syn.Gain()}),
		w,
		// Without b the state would stay at 0: input acts by scaling it.
		vec("b", "constant current", bias),
		vec("w_m", "slope of the activation gate", slope),
		vec("b_m", "offset of the activation gate", bias),
		vec("w_n", "slope of the inactivation gate", slope),
		vec("b_n", "offset of the inactivation gate", bias),
	}, nil
}

// synapse checks the settings and returns the synaptic filter.
func (c *CRNNSimple) synapse() (Synapse, error) {
	if err := checkSettings(c); err != nil {
		return Synapse{}, err
	}
	return NewSynapse(c.SynKernel, c.TauS, c.TauL)
}

// sign is the factor of the input and gate terms: −1 with the literal signs.
func (c *CRNNSimple) sign() float64 {
	if c.Signs == "literal" {
		return -1
	}
	return 1
}

// NoiseScale implements Noisy.
func (c *CRNNSimple) NoiseScale() (float64, string, error) { return traceNoise(c.SynKernel, c.TauS) }

// Starts implements Starts: traces begin without input.
func (c *CRNNSimple) Starts() []kernels.Bound { return []kernels.Bound{kernels.Free(), held, held} }

// Scan implements Cell.
func (c *CRNNSimple) Scan(Dims) (kernels.Cell, error) {
	s, err := c.synapse()
	if err != nil {
		return kernels.Cell{}, err
	}
	var rectify, alpha, length float64
	if s.Rectify {
		rectify = 1
	}
	if c.SynKernel == "alpha" {
		alpha = 1
	}
	if c.Irregular {
		length = 1
	}
	return kernels.Cell{Header: "crnn_simple", States: 3, Rest: []float64{0, 0, 0},
		Consts: []float64{c.Dt, c.sign(), s.PP, s.PQ, s.PU, s.QQ, s.QU, s.XP, s.XQ,
			math.Log(s.PP), math.Log(s.QQ), rectify, alpha, length}}, nil
}

func (c *CRNNSimple) irregular() bool { return c.Irregular }

// Unroll implements Cell.
func (c *CRNNSimple) Unroll(k *Ops, p *Params) Step {
	s, err := c.synapse()
	k.Fail(err)
	syn := constantSynapse(k, s)
	if c.Irregular {
		syn.lp, syn.lq = k.Const(math.Log(s.PP)), k.Const(math.Log(s.QQ))
	}
	u, w, b := p.In("U", 0), p.Rec("W", 0), p.Vec("b", 0)
	gates := gatePair(k, p, 0)
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		h, syn, dt := s[0], syn, k.Const(c.Dt)
		if c.Irregular {
			syn, dt = syn.over(k, k.Elapsed()), k.Mul(dt, k.Elapsed())
		}
		xbar, p1, q1 := syn.step(k, k.MatMul(x, u), s[1], s[2])
		gated := k.Scale(k.Mul(h, k.Add(xbar, gates(h))), c.sign())
		dh := k.Sub(k.Sub(b, k.MatMul(h, w)), gated)
		return []*gorgonia.Node{k.Add(h, k.Mul(dt, dh)), p1, q1}
	}
}

// gatePair returns h ↦ σ(w_m∘h + b_m)∘σ(−w_n∘h − b_n) with plane c of the gate parameters.
func gatePair(k *Ops, p *Params, c int) func(h *gorgonia.Node) *gorgonia.Node {
	wm, bm, wn, bn := p.Vec("w_m", c), p.Vec("b_m", c), p.Vec("w_n", c), p.Vec("b_n", c)
	return func(h *gorgonia.Node) *gorgonia.Node {
		up := k.Sigmoid(k.Add(k.Mul(wm, h), bm))
		down := k.Sigmoid(k.Neg(k.Add(k.Mul(wn, h), bn)))
		return k.Mul(up, down)
	}
}

// learned returns the row of an unconstrained, dimensionless, learned parameter.
func learned(name, letters string, shape []int, role kernels.Role, doc string, init kernels.Init) kernels.Spec {
	return kernels.Spec{Name: name, Letters: letters, Shape: shape, Role: role, Unit: "1", Doc: doc,
		Init: init, Bound: kernels.Free(), Learned: true}
}
