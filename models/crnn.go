package models

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

func init() {
	Register(Entry{
		Name:       "crnn",
		Doc:        "Charged RNN: units are coupled compartments whose input and channels are conductances.",
		Source:     "Notes on the charged RNN, section 3, first equation; restoring signs are ours",
		References: []cite.Work{chargedNotes},
		Equations: `G  = g_L + Σ_j g_ij + x_E + x_I + Σ_c γ_c σ(w_m h + b_m) σ(-w_n h - b_n)
J  = g_L E_L + Σ_j g_ij h_j + x_E E_exc + x_I E_inh + Σ_c γ_c σ(w_m h + b_m) σ(-w_n h - b_n) E_c
h' = J/G + (h - J/G) exp(-dt G/C_m)        (exp; implicit and euler take the same G and J)
x  = syn_kernel of U x(t), tau_s, tau_l    (one for U_exc, one for U_inh)`,
		Notes: []string{
			"h starts at -0.5, the initial value of E_L, also where E_L is learned.",
			synapseNote, irregularNote,
			"graph ring joins unit i-1 to unit i, then the last to the first where H > 2; tree joins unit i to unit (i-1)/2, rounded down. g_axial has the edges in the order of their unit i, the one that closes the ring last.",
			"signs literal turns the synaptic and channel terms round: h' = h + dt/C_m (J_0 - G_0 h + x_E (h - E_exc) + x_I (h - E_inh) + Σ_c γ_c σσ (h - E_c)) with the leak and axial parts G_0 and J_0. It is always stepped by euler, and config.toml records that.",
		},
		New: func() Cell { return NewCRNN() },
	})
}

// CRNN is the full charged RNN. Every unit is a compartment that leaks, exchanges current with
// its neighbours on a graph, and is driven by two synaptic conductances and two channels:
//
//	x̄_E = synapse(U_exc x),  x̄_I = synapse(U_inh x)               (see Synapse), U ≥ 0
//	σ₊  = σ(w_m∘h + b_m),  σ₋ = σ(−w_n∘h − b_n)                   per channel c
//	G   = g_L + Σ_j g_ij + x̄_E + x̄_I + Σ_c γ_c σ₊σ₋               0 ≤ γ ≤ γ_max
//	J   = g_L E_L + Σ_j g_ij h_j + x̄_E E_exc + x̄_I E_inh + Σ_c γ_c σ₊σ₋ E_c
//	exp       h' = J/G + (h − J/G) exp(−Δt G/C)
//	implicit  h' = (h + Δt J/C)/(1 + Δt G/C)
//	euler     h' = h + Δt (J − G h)/C
//
// With exp and implicit steps and conductances that are not negative, h' is a weighted mean of
// h and the reversal potentials, so h never leaves their range. The literal signs of the notes
// turn the synaptic and channel terms round, which makes the reversal potentials repel:
//
//	literal   h' = h + Δt/C (J₀ − G₀ h + Σ_s x̄_s (h − E_s) + Σ_c γ_c σ₊σ₋ (h − E_c))
//
// with the leak and axial parts G₀ and J₀. They are an ablation, always stepped by euler.
//
// An irregular cell takes the length of each step from the mask: the traces decay by it
// (Synapse.Over), and it multiplies Δt.
//
// Shape: x [B,I]; h, x̄, G, J [B,H].
// Units: dimensionless potentials, conductances and capacitances; Δt, τ_s, τ_l in time steps.
// Source: notes on the charged RNN, section 3, first equation.
type CRNN struct {
	Dt        float64 `toml:"dt" doc:"length of a step" unit:"step" min:"1e-6" max:"1e3"`
	Stepping  string  `toml:"step" doc:"integration rule" oneof:"exp|implicit|euler"`
	Signs     string  `toml:"signs" doc:"signs of the synaptic and channel terms" oneof:"restoring|literal"`
	SynKernel string  `toml:"syn_kernel" doc:"synaptic filter" oneof:"ema|ema_diff|ema_diff_relu|alpha|dualexp"`
	TauS      float64 `toml:"tau_s" doc:"time constant of the fast synaptic trace" unit:"step" min:"0.1" max:"1e6"`
	TauL      float64 `toml:"tau_l" needs:"syn_kernel!=ema|alpha" doc:"time constant of the slow synaptic trace" unit:"step" min:"0.1" max:"1e6"`
	GammaMax  float64 `toml:"gamma_max" doc:"largest channel density" unit:"1" min:"1e-6" max:"1e6"`
	Graph     string  `toml:"graph" file:"none|ring|tree" doc:"axial coupling: ring, tree, none, or a file of lines \"i j\" or \"i j g\""`
	GAxial    float64 `toml:"g_axial" needs:"graph!=none" doc:"conductance of each edge of the graph" unit:"1" min:"0" max:"1e6"`
	Learn     string  `toml:"learn" doc:"parameters learned besides U_exc, U_inh and gamma: names with commas, or all"`
	Irregular bool    `toml:"irregular" needs:"bin_ms>0" doc:"steps last as long as the task says"`
}

// Channels of the crnn: one reversal potential each, +1 (as of sodium or calcium) and −1 (as
// of potassium).
var channelReversal = []float64{1, -1}

// Rest and bounds of the crnn. Learned leak, capacitance and time constants stay clear of 0,
// where the step divides by them.
const (
	leakReversal   = -0.5
	minLeak        = 1e-3
	minCapacitance = 1e-2
	minTau         = 0.1
)

// NewCRNN returns the cell with its defaults.
func NewCRNN() *CRNN {
	return &CRNN{Dt: 1, Stepping: "exp", Signs: "restoring", SynKernel: "ema_diff_relu",
		TauS: 5, TauL: 20, GammaMax: 1, Graph: "ring", GAxial: 0.1}
}

// Settle implements Settler.
func (c *CRNN) Settle() map[string]string {
	if c.Signs != "literal" {
		return nil
	}
	c.Stepping = "euler"
	return map[string]string{"step": "signs = literal is always stepped by euler"}
}

// Params implements Cell.
func (c *CRNN) Params(d Dims) ([]kernels.Spec, error) {
	if err := checkSettings(c); err != nil {
		return nil, err
	}
	syn, err := NewSynapse(c.SynKernel, c.TauS, c.TauL)
	if err != nil {
		return nil, err
	}
	axial, conductance, err := axialGraph(c.Graph, d.H, c.GAxial)
	if err != nil {
		return nil, err
	}
	row := func(name, letters string, shape []int, role kernels.Role, init kernels.Init, bound kernels.Bound, doc string) kernels.Spec {
		return kernels.Spec{Name: name, Letters: letters, Shape: shape, Role: role, Unit: "1", Doc: doc, Init: init, Bound: bound}
	}
	vec := func(name string, init kernels.Init, bound kernels.Bound, doc string) kernels.Spec {
		return row(name, "H", []int{d.H}, kernels.Vec, init, bound, doc)
	}
	channel := func(name string, init kernels.Init, bound kernels.Bound, doc string) kernels.Spec {
		return row(name, "C H", []int{len(channelReversal), d.H}, kernels.Vec, init, bound, doc)
	}
	input := func(name, doc string) kernels.Spec {
		// Weights of one sign add up, to a drive of the order of 1 for inputs of order 1.
		most := 1 / (syn.Gain() * math.Sqrt(float64(d.I)))
		weights := kernels.Init{Kind: kernels.Uniform, B: most}
		return row(name, "H I", []int{d.H, d.I}, kernels.In, weights, atLeast(0), doc)
	}
	constant := func(v float64) kernels.Init { return kernels.Init{Kind: kernels.Constant, A: v} }
	slope := kernels.Init{Kind: kernels.Normal, A: 3, B: 1}
	offset := kernels.Init{Kind: kernels.Normal, B: 0.5}

	specs := []kernels.Spec{
		input("U_exc", "weights of the exciting synaptic conductance"),
		input("U_inh", "weights of the inhibiting synaptic conductance"),
		channel("gamma", kernels.Init{Kind: kernels.Uniform, B: c.GammaMax / 2}, kernels.Bound{Hi: c.GammaMax}, "channel density"),
		channel("w_m", slope, kernels.Free(), "slope of the activation gate"),
		channel("b_m", offset, kernels.Free(), "offset of the activation gate"),
		channel("w_n", slope, kernels.Free(), "slope of the inactivation gate"),
		channel("b_n", offset, kernels.Free(), "offset of the inactivation gate"),
		channel("E_c", kernels.Init{Kind: kernels.PerPlane, Values: channelReversal}, kernels.Free(), "reversal potential of the channel"),
		vec("g_L", kernels.Init{Kind: kernels.Uniform, A: 0.02, B: 0.1}, atLeast(minLeak), "leak conductance"),
		vec("E_L", constant(leakReversal), kernels.Free(), "reversal potential of the leak"),
		vec("C_m", constant(1), atLeast(minCapacitance), "membrane capacitance"),
		vec("E_exc", constant(1), kernels.Free(), "reversal potential of excitation"),
		vec("E_inh", constant(-1), kernels.Free(), "reversal potential of inhibition"),
		vec("tau_s", constant(c.TauS), atLeast(minTau), "time constant of the fast synaptic trace"),
		vec("tau_l", constant(c.TauL), atLeast(minTau), "time constant of the slow synaptic trace"),
	}
	if axial != nil {
		each := constant(conductance[0])
		if slices.Min(conductance) != slices.Max(conductance) {
			each = kernels.Init{Kind: kernels.PerPlane, Values: conductance}
		}
		specs = append(specs, row("g_axial", "E", []int{len(conductance)}, kernels.Edge, each, atLeast(0),
			"conductance of the edge"))
	}
	for i := range specs {
		if strings.HasPrefix(specs[i].Name, "tau_") {
			specs[i].Unit = "step"
		}
	}
	return specs, c.markLearned(specs)
}

// markLearned sets Learned as the key learn asks.
func (c *CRNN) markLearned(specs []kernels.Spec) error {
	names := []string{"U_exc", "U_inh", "gamma"}
	var unused string // a parameter that the kernel leaves out of the equations
	if !usesTauL(c.SynKernel) {
		unused = "tau_l"
	}
	for _, name := range strings.Split(c.Learn, ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
		case name == "all":
			for _, s := range specs {
				if s.Name != unused {
					names = append(names, s.Name)
				}
			}
		case name == unused:
			return fmt.Errorf("models: learn names tau_l, which syn_kernel %s does not use", c.SynKernel)
		case slices.ContainsFunc(specs, func(s kernels.Spec) bool { return s.Name == name }):
			names = append(names, name)
		default:
			var known []string
			for _, s := range specs {
				known = append(known, s.Name)
			}
			return fmt.Errorf("models: learn names %q, want all or some of %s", name, strings.Join(known, ", "))
		}
	}
	for i := range specs {
		specs[i].Learned = slices.Contains(names, specs[i].Name)
	}
	return nil
}

// atLeast returns the bound [lo, ∞).
func atLeast(lo float64) kernels.Bound { return kernels.Bound{Lo: lo, Hi: math.Inf(1)} }

// NoiseScale implements Noisy.
func (c *CRNN) NoiseScale() (float64, string, error) { return traceNoise(c.SynKernel, c.TauS) }

// Starts implements Starts: h begins between the reversal potentials, traces without input.
func (c *CRNN) Starts() []kernels.Bound {
	return []kernels.Bound{within(), held, held, held, held}
}

// Scan implements Cell.
func (c *CRNN) Scan(d Dims) (kernels.Cell, error) {
	if err := checkSettings(c); err != nil {
		return kernels.Cell{}, err
	}
	axial, _, err := axialGraph(c.Graph, d.H, c.GAxial)
	if err != nil {
		return kernels.Cell{}, err
	}
	sign := 1.0
	if c.Signs == "literal" {
		sign = -1
	}
	length := 0.0
	if c.Irregular {
		length = 1
	}
	step := slices.Index([]string{"exp", "implicit", "euler"}, c.Stepping)
	return kernels.Cell{Header: "crnn", States: 5, Rest: []float64{leakReversal, 0, 0, 0, 0}, Axial: axial,
		Consts: []float64{c.Dt, float64(step), sign, float64(slices.Index(synapseKernels, c.SynKernel)), length}}, nil
}

func (c *CRNN) irregular() bool { return c.Irregular }

// Unroll implements Cell.
func (c *CRNN) Unroll(k *Ops, p *Params) Step {
	syn := tauSynapse(k, c.SynKernel, p.Vec("tau_s", 0), p.Vec("tau_l", 0))
	uExc, uInh := p.In("U_exc", 0), p.In("U_inh", 0)
	eExc, eInh := p.Vec("E_exc", 0), p.Vec("E_inh", 0)
	rate := k.Div(k.Const(c.Dt), p.Vec("C_m", 0))
	g0, j0 := p.Vec("g_L", 0), k.Mul(p.Vec("g_L", 0), p.Vec("E_L", 0))
	axial, axialSum := p.Axial("g_axial")
	if axial != nil {
		g0 = k.Add(g0, axialSum)
	}
	var gates []func(h *gorgonia.Node) *gorgonia.Node
	for i := range channelReversal {
		gates = append(gates, gatePair(k, p, i))
	}
	step := c.stepRule(k)

	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		h, syn, rate := s[0], syn, rate
		if c.Irregular {
			syn, rate = syn.over(k, k.Elapsed()), k.Mul(k.Elapsed(), rate)
		}
		exc, p1, q1 := syn.step(k, k.MatMul(x, uExc), s[1], s[2])
		inh, p2, q2 := syn.step(k, k.MatMul(x, uInh), s[3], s[4])
		g := k.Add(exc, inh)
		j := k.Add(k.Mul(exc, eExc), k.Mul(inh, eInh))
		for i, gate := range gates {
			channel := k.Mul(p.Vec("gamma", i), gate(h))
			g = k.Add(g, channel)
			j = k.Add(j, k.Mul(channel, p.Vec("E_c", i)))
		}
		rest := j0
		if axial != nil {
			rest = k.Add(rest, k.MatMul(h, axial))
		}
		return []*gorgonia.Node{step(rate, h, g, j, g0, rest), p1, q1, p2, q2}
	}
}

// stepRule returns the rule that moves h, given Δt/C, the conductance g and current j of synapses
// and channels and those of leak and axial coupling, g0 and j0.
func (c *CRNN) stepRule(k *Ops) func(rate, h, g, j, g0, j0 *gorgonia.Node) *gorgonia.Node {
	euler := func(rate, h, g, j *gorgonia.Node) *gorgonia.Node {
		return k.Add(h, k.Mul(rate, k.Sub(j, k.Mul(g, h))))
	}
	return func(rate, h, g, j, g0, j0 *gorgonia.Node) *gorgonia.Node {
		if c.Signs == "literal" {
			return euler(rate, h, k.Sub(g0, g), k.Sub(j0, j))
		}
		g, j = k.Add(g0, g), k.Add(j0, j)
		switch c.Stepping {
		case "implicit":
			return k.Div(k.Add(h, k.Mul(rate, j)), k.AddConst(k.Mul(rate, g), 1))
		case "euler":
			return euler(rate, h, g, j)
		}
		target := k.Div(j, g)
		return k.Add(target, k.Mul(k.Sub(h, target), k.Exp(k.Neg(k.Mul(rate, g)))))
	}
}

// chargedNotes are the notes that define the charged RNN.
var chargedNotes = cite.Work{Key: "notes-charged-rnn", Kind: "unpublished", Authors: "Anonymous",
	Title: "Notes on the Charged RNN", Note: "Unpublished notes, section 3"}
