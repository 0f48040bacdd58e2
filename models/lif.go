package models

import (
	"math"

	"fmt"
	"slices"

	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

func init() {
	Register(Entry{
		Name:       "lif",
		Doc:        "Leaky integrate-and-fire units that spike, learned through a surrogate for the derivative of a spike.",
		Source:     "Neftci, Mostafa and Zenke (2019), arXiv:1901.09948; adaptive threshold: Bellec et al. (2018), arXiv:1803.09574",
		References: []cite.Work{surrogates, superSpike, adaptiveSpiking},
		Equations: `a' = rho a + (1 - rho) z
I' = alpha I + W z + U x + b
V' = beta R + (1 - beta) I'
z' = 1 where V' > theta + kappa a' and no refractory time is left, else 0
R  = V - z (theta + kappa a), or V + z (v_reset - V) with reset = value
alpha, beta, rho = exp(-dt/tau_s), exp(-dt/tau_m), exp(-dt/tau_a)
dz'/dv is replaced by surrogate_height times 1/(1 + k|v|)^2 (fast-sigmoid), 1/(1 + (k v)^2) (arctan) or
max(0, 1 - k|v|) (triangle) of v = V' - theta - kappa a', k = surrogate_slope; 0 in the refractory time`,
		Notes: []string{
			"V is measured in units of the threshold at rest: theta = threshold is 1 by default. The gradient goes through the reset, too.",
			"spikes = smooth makes a spike the function whose derivative the surrogate is, so that gradients can be held to differences (galvani gradcheck does); arctan has none here.",
			"Checkpoints hold t_s, t_m, t_a or a_s, a_m, a_a where time constants are learned; galvani export writes tau_s, tau_m and tau_a, too.",
		},
		New: func() Cell { return NewLIF() },
	})
}

// LIF is a recurrent network of leaky integrate-and-fire units. Weighted spikes are low-pass filtered by
// the synapses to currents I, and these by the membranes to potentials V; a unit whose potential exceeds
// its threshold spikes, z = 1, which resets it. The threshold rises by κ a, a low-pass filter of its own spikes:
//
//	a' = ρ a + (1 − ρ) z
//	I' = α I + W z + U x + b
//	V' = β R(V, z) + (1 − β) I',  R = V − z (θ + κ a)  or  V + z (V_re − V)
//	z' = H(V' − θ − κ a'), 0 for Refractory steps after a spike
//	α, β, ρ = exp(−Δt/τ)
//
// H is a step; its derivative is replaced by a surrogate (Surrogate, Slope, Height).
//
// Shape: x [B,I]; z, V, I, a [B,H]; τ [H], or [1] with tau_shape scalar.
// Units: Δt and τ in time steps; V, I and θ in units of the threshold at rest.
// Source: Neftci, Mostafa and Zenke (2019), arXiv:1901.09948; the slope 1/(1 + k|v|)² is that of Zenke and
// Ganguli (2018), doi:10.1162/neco_a_01086; adaptive threshold, triangle and refractory time as in Bellec et
// al. (2018), arXiv:1803.09574.
type LIF struct {
	Dt    float64 `toml:"dt" doc:"length of a step" unit:"step" min:"1e-6" max:"1e3"`
	TauS  float64 `toml:"tau_s" doc:"synaptic time constant, before learning" unit:"step" min:"1e-6" max:"1e6"`
	TauM  float64 `toml:"tau_m" doc:"membrane time constant, before learning" unit:"step" min:"1e-6" max:"1e6"`
	TauA  float64 `toml:"tau_a" doc:"time constant of the adaptation, before learning" unit:"step" min:"1e-6" max:"1e6"`
	Learn string  `toml:"learn" doc:"time constants that are learned" oneof:"all|tau_s|tau_m|tau_a|none"`
	TauSettings
	Threshold  float64 `toml:"threshold" doc:"threshold theta at rest" unit:"1" min:"1e-6" max:"1e6"`
	Adaptation float64 `toml:"adaptation" doc:"kappa: by how much a unit that spikes at every step raises its threshold; 0 for none" unit:"1" min:"0" max:"1e6"`
	Reset      string  `toml:"reset" doc:"what a spike does to V: subtract the threshold, or set it to v_reset" oneof:"subtract|value"`
	VReset     float64 `toml:"v_reset" needs:"reset=value" doc:"potential after a spike, below the threshold" unit:"1" min:"-1e6" max:"1e6"`
	Refractory int     `toml:"refractory" doc:"steps after a spike in which a unit does not spike" min:"0" max:"1000000"`
	Surrogate  string  `toml:"surrogate" doc:"what stands for the derivative of a spike" oneof:"fast-sigmoid|triangle|arctan"`
	Slope      float64 `toml:"surrogate_slope" doc:"k of the surrogate: 1/k is its width" unit:"1" min:"1e-3" max:"1e6"`
	Height     float64 `toml:"surrogate_height" doc:"largest value of the surrogate" unit:"1" min:"1e-6" max:"1e3"`
	Spikes     string  `toml:"spikes" doc:"hard: 0 or 1; smooth: the function whose derivative the surrogate is" oneof:"hard|smooth"`
}

// surrogateNames are numbered as kernels/cells/lif.h numbers them.
var surrogateNames = []string{"fast-sigmoid", "triangle", "arctan"}

// NewLIF returns the cell with its defaults.
func NewLIF() *LIF {
	return &LIF{Dt: 1, TauS: 2, TauM: 5, TauA: 50, Learn: "none", TauSettings: perUnit, Threshold: 1, Reset: "subtract",
		Surrogate: "fast-sigmoid", Slope: 5, Height: 1, Spikes: "hard"}
}

// check refuses settings that do not go together.
func (c *LIF) check() error {
	if err := checkSettings(c); err != nil {
		return err
	}
	switch {
	case c.Reset == "value" && !(c.VReset < c.Threshold):
		return fmt.Errorf("models: v_reset is %v, want less than the threshold, %v", c.VReset, c.Threshold)
	case c.Spikes == "smooth" && c.Surrogate == "arctan":
		return fmt.Errorf("models: spikes = smooth has no function for surrogate = arctan; take fast-sigmoid or triangle")
	case c.Spikes == "smooth" && c.Refractory > 0:
		return fmt.Errorf("models: refractory is %d, and smooth spikes have no refractory time; take refractory = 0", c.Refractory)
	}
	return nil
}

// timeConstants returns τ_s, τ_m and τ_a.
func (c *LIF) timeConstants() []timeConstant {
	of := c.timeConstant(c.Learn, c.Dt)
	return []timeConstant{of("s", "synaptic", c.TauS), of("m", "membrane", c.TauM), of("a", "adaptation", c.TauA)}
}

// Params implements Cell.
func (c *LIF) Params(d Dims) ([]kernels.Spec, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return withTimeConstants(currents(d, 1, kernels.Init{}), d, c.timeConstants())
}

// Derived implements Deriver: the time constants that are learned.
func (c *LIF) Derived(stored func(name string) []float32) []Array {
	return derived(stored, c.timeConstants()...)
}

// Starts implements Starts: no unit has just spiked, and none is above the threshold.
func (c *LIF) Starts() []kernels.Bound {
	return []kernels.Bound{held, {Lo: math.Inf(-1), Hi: c.Threshold}, kernels.Free(), held, held}
}

// Scan implements Cell.
func (c *LIF) Scan(Dims) (kernels.Cell, error) {
	if err := c.check(); err != nil {
		return kernels.Cell{}, err
	}
	consts := []float64{float64(slices.Index(surrogateNames, c.Surrogate)), flag(c.Spikes == "hard"), c.Slope, c.Height, c.Threshold, c.Adaptation,
		flag(c.Reset == "value"), c.VReset, float64(c.Refractory), c.Dt}
	for _, t := range c.timeConstants() {
		consts = append(consts, float64(t.form))
	}
	return kernels.Cell{Header: "lif", States: 5, Rest: make([]float64, 5), Consts: consts}, nil
}

// flag returns 1 or 0.
func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Unroll implements Cell.
func (c *LIF) Unroll(k *Ops, p *Params) Step {
	u, w, b := p.In("U", 0), p.Rec("W", 0), p.Vec("b", 0)
	var keep []*gorgonia.Node // α, β, ρ
	for _, t := range c.timeConstants() {
		keep = append(keep, k.Exp(k.Neg(t.alpha(k, p))))
	}
	alpha, beta, rho := keep[0], keep[1], keep[2]
	threshold := func(a *gorgonia.Node) *gorgonia.Node { return k.AddConst(k.Scale(a, c.Adaptation), c.Threshold) }
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		z, v, i, a, left := s[0], s[1], s[2], s[3], s[4]
		rest := k.Sub(v, k.Mul(z, threshold(a)))
		if c.Reset == "value" {
			rest = k.Add(v, k.Mul(z, k.Sub(k.Const(c.VReset), v)))
		}
		a = k.Add(k.Mul(rho, a), k.Mul(k.OneMinus(rho), z))
		i = k.Add(k.Mul(alpha, i), k.Add(k.MatMul(x, u), k.MatMul(z, w), b))
		v = k.Add(k.Mul(beta, rest), k.Mul(k.OneMinus(beta), i))
		over := k.Sub(v, threshold(a))
		waited := k.Relu(k.AddConst(left, -1))
		if c.Spikes == "smooth" {
			return []*gorgonia.Node{c.smooth(k, over), v, i, a, waited}
		}
		free := k.OneMinus(k.positive(left))
		z = k.Mul(free, c.spike(k, over))
		return []*gorgonia.Node{z, v, i, a, k.Choose(k.positive(z), k.Const(float64(c.Refractory)), waited)}
	}
}

// spike returns 1 where v > 0 and 0 elsewhere, with the surrogate for its derivative.
func (c *LIF) spike(k *Ops, v *gorgonia.Node) *gorgonia.Node {
	x := k.Scale(k.size(v), c.Slope)
	var slope *gorgonia.Node
	switch c.Surrogate {
	case "triangle":
		slope = k.Relu(k.OneMinus(x))
	case "arctan":
		slope = k.Div(k.Const(1), k.AddConst(k.Mul(x, x), 1))
	default:
		one := k.AddConst(x, 1)
		slope = k.Div(k.Const(1), k.Mul(one, one))
	}
	line := k.Mul(k.Hold(k.Scale(slope, c.Height)), v) // its derivative is the surrogate
	return k.Add(k.positive(v), k.Sub(line, k.Hold(line)))
}

// smooth returns the function whose derivative is the surrogate, 1/2 at 0.
func (c *LIF) smooth(k *Ops, v *gorgonia.Node) *gorgonia.Node {
	size := k.size(v)
	var y *gorgonia.Node
	if c.Surrogate == "triangle" {
		in := k.Sub(size, k.Relu(k.AddConst(size, -1/c.Slope)))
		y = k.Sub(in, k.Scale(k.Mul(in, in), c.Slope/2))
		y = k.Choose(k.positive(v), y, k.Neg(y))
	} else {
		y = k.Div(v, k.AddConst(k.Scale(size, c.Slope), 1))
	}
	return k.AddConst(k.Scale(y, c.Height), 0.5)
}

// Smooth implements Smoother.
func (c *LIF) Smooth() Cell {
	s := *c
	s.Spikes, s.Refractory = "smooth", 0
	if s.Surrogate == "arctan" {
		s.Surrogate = "fast-sigmoid"
	}
	return &s
}

var (
	// surrogates reviews surrogate gradients.
	surrogates = cite.Work{Key: "neftci2019surrogate", Kind: "article", Authors: "Neftci, Emre O. and Mostafa, Hesham and Zenke, Friedemann",
		Title: "Surrogate Gradient Learning in Spiking Neural Networks", In: "IEEE Signal Processing Magazine", Volume: "36", Pages: "51--63", Year: 2019, DOI: "10.1109/MSP.2019.2931595", ArXiv: "1901.09948"}
	// superSpike introduced the slope of the fast sigmoid.
	superSpike = cite.Work{Key: "zenke2018superspike", Kind: "article", Authors: "Zenke, Friedemann and Ganguli, Surya",
		Title: "SuperSpike: Supervised Learning in Multilayer Spiking Neural Networks", In: "Neural Computation", Volume: "30", Pages: "1514--1541", Year: 2018, DOI: "10.1162/neco_a_01086"}
	// adaptiveSpiking introduced the adaptive threshold of recurrent spiking networks.
	adaptiveSpiking = cite.Work{Key: "bellec2018long", Kind: "inproceedings", Authors: "Bellec, Guillaume and Salaj, Darjan and Subramoney, Anand and Legenstein, Robert and Maass, Wolfgang",
		Title: "Long short-term memory and learning-to-learn in networks of spiking neurons", In: "Advances in Neural Information Processing Systems", Volume: "31", Year: 2018, ArXiv: "1803.09574"}
)
