package models

import (
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
	Dt    float64 `toml:"dt" doc:"length of a step" unit:"step" min:"1e-6" max:"1e3"`
	TauS  float64 `toml:"tau_s" doc:"synaptic time constant, before learning" unit:"step" min:"1e-6" max:"1e6"`
	TauR  float64 `toml:"tau_r" doc:"membrane time constant, before learning" unit:"step" min:"1e-6" max:"1e6"`
	Learn string  `toml:"learn" doc:"time constants that are learned" oneof:"all|tau_s|tau_r|none"`
	TauSettings
	Activation     string  `toml:"activation" doc:"rate as a function of current; power is gain max(0, I - threshold)^exponent" oneof:"tanh|relu|sigmoid|softplus|power|linear"`
	PowerGain      float64 `toml:"power_gain" needs:"activation=power" doc:"gain of the power law" unit:"Hz/mV^exponent" min:"1e-6" max:"1e6"`
	PowerThreshold float64 `toml:"power_threshold" needs:"activation=power" doc:"threshold of the power law" unit:"mV" min:"-1e6" max:"1e6"`
	PowerExponent  float64 `toml:"power_exponent" needs:"activation=power" doc:"exponent of the power law" unit:"1" min:"0.1" max:"4"`
}

// rateActivations are numbered as kernels/cells/rate.h numbers them.
var rateActivations = append(slices.Clone(activations), "power", "linear")

// NewRate returns the cell with its defaults.
func NewRate() *Rate {
	return &Rate{Dt: 1, TauS: 2, TauR: 2, Learn: "all", TauSettings: perUnit, Activation: "tanh",
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
	return withTimeConstants(currents(d, gain, bias), d, c.timeConstants())
}

// currents returns the rows of the parameters of a current W r + U x + b; gain is that of W.
func currents(d Dims, gain float64, bias kernels.Init) []kernels.Spec {
	return []kernels.Spec{
		learned("U", "H I", []int{d.H, d.I}, kernels.In, "input weights", kernels.Init{Kind: kernels.XavierUniform, A: 1}),
		learned("W", "H H", []int{d.H, d.H}, kernels.Rec, "recurrent weights", kernels.Init{Kind: kernels.Orthogonal, A: gain}),
		learned("b", "H", []int{d.H}, kernels.Vec, "constant current", bias),
	}
}

// timeConstants returns τ_s and τ_r.
func (c *Rate) timeConstants() []timeConstant {
	of := c.timeConstant(c.Learn, c.Dt)
	return []timeConstant{of("s", "synaptic", c.TauS), of("r", "membrane", c.TauR)}
}

// Derived implements Deriver: the time constants that are learned.
func (c *Rate) Derived(stored func(name string) []float32) []Array {
	return derived(stored, c.timeConstants()...)
}

// NoiseScale implements Noisy: the noise of I, low-pass filtered, has the standard deviation that is asked for.
func (c *Rate) NoiseScale() (float64, string, error) {
	return math.Sqrt(2 * c.TauS / c.Dt), "sqrt(2 tau_s/dt), with tau_s as it is before learning", nil
}

// Starts implements Starts.
func (c *Rate) Starts() []kernels.Bound { return []kernels.Bound{rates(c.Activation), kernels.Free()} }

// Scan implements Cell.
func (c *Rate) Scan(Dims) (kernels.Cell, error) {
	if err := checkSettings(c); err != nil {
		return kernels.Cell{}, err
	}
	tau := c.timeConstants()
	return kernels.Cell{Header: "rate", States: 2, Rest: []float64{0, 0}, Consts: []float64{
		float64(slices.Index(rateActivations, c.Activation)), c.Dt, float64(tau[0].form), float64(tau[1].form),
		c.PowerGain, c.PowerThreshold, c.PowerExponent}}, nil
}

// Unroll implements Cell.
func (c *Rate) Unroll(k *Ops, p *Params) Step {
	u, w, b := p.In("U", 0), p.Rec("W", 0), p.Vec("b", 0)
	tau := c.timeConstants()
	alphaS, alphaR := tau[0].alpha(k, p), tau[1].alpha(k, p)
	keepS, keepR := k.OneMinus(alphaS), k.OneMinus(alphaR)
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		r, i := s[0], s[1]
		drive := k.Add(k.MatMul(x, u), k.MatMul(r, w), b)
		i = k.Add(k.Mul(keepS, i), k.Mul(alphaS, drive))
		r = k.Add(k.Mul(keepR, r), k.Mul(alphaR, c.rate(k, i)))
		return []*gorgonia.Node{r, i}
	}
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
