package models

import (
	"fmt"
	"math"
	"slices"

	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

func init() {
	Register(Entry{
		Name:       "rate",
		Doc:        "Rate units whose synaptic currents and rates are low-pass filtered, with time constants that may be learned.",
		Source:     "Quax, D'Asaro and van Gerven (2020), Scientific Reports 10:11360, doi:10.1038/s41598-020-68169-x",
		References: []cite.Work{timeScales},
		Equations: `I' = (1 - dt/tau_s) I + dt/tau_s (W r + U x + b)
r' = (1 - dt/tau_r) r + dt/tau_r f(I')
f  = activation; tau = dt + softplus(t), or dt/tau = sigmoid(a), where learned`,
		Notes: []string{
			"Steps are Euler's: dt/tau is the part of the way that a step goes, and tau >= dt.",
			"Checkpoints hold t_s, t_r or a_s, a_r where time constants are learned; galvani export writes tau_s and tau_r, too.",
		},
		New: func() Cell { return NewRate() },
	})
}

// Rate is a network of rate units. The weighted rates are low-pass filtered by the synapses
// to currents I, and f of these by the membranes to rates r, the output of the cell:
//
//	τ_s dI/dt = −I + W r + U x + b
//	τ_r dr/dt = −r + f(I)
//	I' = (1 − α_s) I + α_s (W r + U x + b),  α = Δt/τ            Euler
//	r' = (1 − α_r) r + α_r f(I')
//
// With τ_s = Δt it is the rate model τ_r dr/dt = −r + f(W r + X), with τ_r = Δt the leaky RNN,
// with both the Elman network.
//
// A learned time constant is never below Δt: it is Δt + softplus(t), or its α is σ(a). A fixed
// one is a parameter too, so that units may differ in it.
//
// Shape: x [B,I]; r, I [B,H]; τ [H], or [1] with tau_shape scalar.
// Units: Δt and τ in time steps; with power f, I in the unit of the threshold and r in that of
// the gain, mV and Hz by default; otherwise dimensionless.
// Source: Quax, D'Asaro and van Gerven (2020), Scientific Reports 10:11360. The default power
// law is a fit to the f-I curve of an exponential integrate-and-fire neuron; with an exponent
// below 1 its slope has no bound near the threshold, and single gradients are large.
type Rate struct {
	Dt             float64 `toml:"dt" doc:"length of a step" unit:"step" min:"1e-6" max:"1e3"`
	TauS           float64 `toml:"tau_s" doc:"synaptic time constant, before learning" unit:"step" min:"1e-6" max:"1e6"`
	TauR           float64 `toml:"tau_r" doc:"membrane time constant, before learning" unit:"step" min:"1e-6" max:"1e6"`
	Learn          string  `toml:"learn" doc:"time constants that are learned" oneof:"all|tau_s|tau_r|none"`
	TauShape       string  `toml:"tau_shape" doc:"one time constant per unit, or one for all units" oneof:"unit|scalar"`
	TauForm        string  `toml:"tau_form" needs:"learn!=none" doc:"what is learned: t of tau = dt + softplus(t), or a of dt/tau = sigmoid(a)" oneof:"softplus|sigmoid"`
	Activation     string  `toml:"activation" doc:"rate as a function of current; power is gain max(0, I - threshold)^exponent" oneof:"tanh|relu|sigmoid|softplus|power|linear"`
	PowerGain      float64 `toml:"power_gain" needs:"activation=power" doc:"gain of the power law" unit:"Hz/mV^exponent" min:"1e-6" max:"1e6"`
	PowerThreshold float64 `toml:"power_threshold" needs:"activation=power" doc:"threshold of the power law" unit:"mV" min:"-1e6" max:"1e6"`
	PowerExponent  float64 `toml:"power_exponent" needs:"activation=power" doc:"exponent of the power law" unit:"1" min:"0.1" max:"4"`
}

// rateActivations are numbered as kernels/cells/rate.h numbers them.
var rateActivations = append(slices.Clone(activations), "power", "linear")

// NewRate returns the cell with its defaults.
func NewRate() *Rate {
	return &Rate{Dt: 1, TauS: 2, TauR: 2, Learn: "all", TauShape: "unit", TauForm: "softplus", Activation: "tanh",
		PowerGain: 7.759, PowerThreshold: 12.99, PowerExponent: 0.6}
}

// Params implements Cell.
func (c *Rate) Params(d Dims) ([]kernels.Spec, error) {
	if err := checkSettings(c); err != nil {
		return nil, err
	}
	// The power law is silent below threshold: units start 1 above it, and W with the gain
	// that the other functions have at 0 or more.
	bias, gain := kernels.Init{}, 1.0
	if c.Activation == "power" {
		bias, gain = kernels.Init{A: c.PowerThreshold + 1}, 1/(c.PowerGain*c.PowerExponent)
	}
	specs := []kernels.Spec{
		learned("U", "H I", []int{d.H, d.I}, kernels.In, "input weights", kernels.Init{Kind: kernels.XavierUniform, A: 1}),
		learned("W", "H H", []int{d.H, d.H}, kernels.Rec, "recurrent weights", kernels.Init{Kind: kernels.Orthogonal, A: gain}),
		learned("b", "H", []int{d.H}, kernels.Vec, "constant current", bias),
	}
	for _, t := range []struct {
		name, of string
		tau      float64
	}{{"s", "synaptic", c.TauS}, {"r", "membrane", c.TauR}} {
		s, err := c.timeConstant(d, t.name, t.of, t.tau)
		if err != nil {
			return nil, err
		}
		specs = append(specs, s)
	}
	return specs, nil
}

// timeConstant returns the row of the parameter that a time constant starting at tau is made of.
func (c *Rate) timeConstant(d Dims, name, of string, tau float64) (kernels.Spec, error) {
	s := kernels.Spec{Letters: "H", Shape: []int{d.H}, Role: kernels.Vec, Learned: c.form(name) != tauFixed, Bound: kernels.Free()}
	if c.TauShape == "scalar" {
		s.Letters, s.Shape, s.Shared = "1", []int{1}, true
	}
	if s.Learned && !(tau > c.Dt) {
		return s, fmt.Errorf("models: tau_%s is %v, want more than dt, %v, to learn it", name, tau, c.Dt)
	}
	switch c.form(name) {
	case tauSoftplus:
		s.Name, s.Unit, s.Doc = "t_"+name, "step", of+" time constant: dt + softplus of this"
		s.Init.A = tau - c.Dt + math.Log(-math.Expm1(c.Dt-tau))
	case tauSigmoid:
		s.Name, s.Unit, s.Doc = "a_"+name, "1", of+" time constant: dt / sigmoid of this"
		s.Init.A = -math.Log(tau/c.Dt - 1)
	default:
		if !(tau >= c.Dt) {
			return s, fmt.Errorf("models: tau_%s is %v, want at least dt, %v", name, tau, c.Dt)
		}
		s.Name, s.Unit, s.Doc = "tau_"+name, "step", of+" time constant"
		s.Init.A, s.Bound = tau, atLeast(c.Dt)
	}
	return s, nil
}

// Forms of the parameter behind a time constant, numbered as kernels/cells/rate.h numbers them.
const (
	tauFixed = iota
	tauSoftplus
	tauSigmoid
)

// form returns the form of tau_s or tau_r, name s or r.
func (c *Rate) form(name string) int {
	switch {
	case c.Learn != "all" && c.Learn != "tau_"+name:
		return tauFixed
	case c.TauForm == "sigmoid":
		return tauSigmoid
	}
	return tauSoftplus
}

// Derived implements Deriver: the time constants that are learned.
func (c *Rate) Derived(stored func(name string) []float32) []Array {
	var list []Array
	for _, t := range []struct{ name, of string }{{"s", "synaptic"}, {"r", "membrane"}} {
		var of string
		tau := func(x float64) float64 { return c.Dt + max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
		switch c.form(t.name) {
		case tauFixed:
			continue
		case tauSoftplus:
			of = "t_"
		case tauSigmoid:
			of = "a_"
			tau = func(x float64) float64 { return c.Dt * (1 + math.Exp(-x)) }
		}
		from := stored(of + t.name)
		a := Array{Name: "tau_" + t.name, Unit: "step", Doc: t.of + " time constant", Shape: []int{len(from)}}
		for _, x := range from {
			a.Values = append(a.Values, float32(tau(float64(x))))
		}
		list = append(list, a)
	}
	return list
}

// NoiseScale implements Noisy: the noise of I, low-pass filtered, has the standard deviation that is asked for.
func (c *Rate) NoiseScale() (float64, string, error) {
	return math.Sqrt(2 * c.TauS / c.Dt), "sqrt(2 tau_s/dt), with tau_s as it is before learning", nil
}

// Scan implements Cell.
func (c *Rate) Scan(Dims) (kernels.Cell, error) {
	if err := checkSettings(c); err != nil {
		return kernels.Cell{}, err
	}
	return kernels.Cell{Header: "rate", States: 2, Rest: []float64{0, 0}, Consts: []float64{
		float64(slices.Index(rateActivations, c.Activation)), c.Dt, float64(c.form("s")), float64(c.form("r")),
		c.PowerGain, c.PowerThreshold, c.PowerExponent}}, nil
}

// Unroll implements Cell.
func (c *Rate) Unroll(k *Ops, p *Params) Step {
	u, w, b := p.In("U", 0), p.Rec("W", 0), p.Vec("b", 0)
	alphaS, alphaR := c.alpha(k, p, "s"), c.alpha(k, p, "r")
	keepS, keepR := k.OneMinus(alphaS), k.OneMinus(alphaR)
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		r, i := s[0], s[1]
		drive := k.Add(k.MatMul(x, u), k.MatMul(r, w), b)
		i = k.Add(k.Mul(keepS, i), k.Mul(alphaS, drive))
		r = k.Add(k.Mul(keepR, r), k.Mul(alphaR, c.rate(k, i)))
		return []*gorgonia.Node{r, i}
	}
}

// alpha returns Δt/τ as a plane.
func (c *Rate) alpha(k *Ops, p *Params, name string) *gorgonia.Node {
	dt := k.Const(c.Dt)
	switch c.form(name) {
	case tauSoftplus:
		return k.Div(dt, k.Add(k.Softplus(p.Vec("t_"+name, 0)), dt))
	case tauSigmoid:
		return k.Sigmoid(p.Vec("a_"+name, 0))
	}
	return k.Div(dt, p.Vec("tau_"+name, 0))
}

// rate returns f(I).
func (c *Rate) rate(k *Ops, i *gorgonia.Node) *gorgonia.Node {
	if c.Activation == "power" {
		return k.Scale(k.Power(k.AddConst(i, -c.PowerThreshold), c.PowerExponent), c.PowerGain)
	}
	return k.Activation(c.Activation, i)
}

// timeScales introduced rate networks that learn their time constants.
var timeScales = cite.Work{Key: "quax2020adaptive", Kind: "article", Authors: "Quax, Silvan C. and D'Asaro, Michele and van Gerven, Marcel A. J.",
	Title: "Adaptive time scales in recurrent neural networks",
	In:    "Scientific Reports", Volume: "10", Pages: "11360", Year: 2020, DOI: "10.1038/s41598-020-68169-x"}
