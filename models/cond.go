package models

import (
	"fmt"
	"math"
	"slices"

	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

const condSource = "Notes on conductance-based recurrent networks, section 3 (unpublished); restoring leak, presynaptic signs and the implicit step are derived from C dV/dt = -g_L V + g_E (E_E - V) + g_I (E_I - V)"

// condNote is of all conductance-based cells.
const condNote = "V starts at 0 and r at f(0): 0 for relu and tanh, 0.5 for sigmoid, ln 2 for softplus. With dynamics rate both planes are r' and start at 0. dt is part of z."

const condStep = `implicit  V' = (V + dt u) / (1 + z)
explicit  V' = (1 - z)∘V + dt u
convex    V' = (1 - z)∘V + z∘f(u)
r' = f(V');  with dynamics rate f(u) stands for u, and r' = V'
u  = W r + P x + b`

func init() {
	Register(Entry{
		Name:       "cond-fixed",
		Doc:        "Conductance-based units, each with a leak conductance of its own.",
		Source:     condSource,
		References: []cite.Work{condNotes},
		Equations:  condStep + "\nz  = dt σ(G_b)",
		Notes:      []string{condNote},
		New:        func() Cell { return NewCondFixed() },
	})
	Register(Entry{
		Name:       "cond-varying",
		Doc:        "Conductance-based units: every input adds to the conductance that the voltage decays with.",
		Source:     condSource,
		References: []cite.Work{condNotes},
		Equations: condStep + `
z  = dt φ(G_b + |W| (A∘r) + |P| x);  A one number, A_j of the presynaptic unit or of its type
z  = dt φ(G_b + A∘(|W| r) + |P| x)   A_i of the postsynaptic unit`,
		Notes: []string{condNote, "|W| and |P| are the magnitudes of the weights that act in u; with dale |W| is that of W with signs and mask applied. With a_shape type the conductance is A_E Σ |W_ij| r_j over E units plus A_I Σ |W_ij| r_j over I units. galvani export writes |W| A."},
		New:   func() Cell { return NewCondVarying() },
	})
	Register(Entry{
		Name:       "cond-gru",
		Doc:        "Conductance-based units whose conductance has weights of its own, like the gate of a GRU.",
		Source:     condSource,
		References: []cite.Work{condNotes},
		Equations:  condStep + "\nz  = σ(W_z r + P_z x + G_b)",
		Notes:      []string{condNote, "W_z and P_z are not |W| and |P|; with dale W_z has the signs and the mask of W."},
		New:        func() Cell { return NewCondGRU() },
	})
}

// Conductance is what the conductance-based cells have in common. A unit has a voltage V, relative
// to the reversal potential of its leak, and a rate r, the output of the cell:
//
//	C dV/dt = −g_L V + g_E (E_E − V) + g_I (E_I − V)
//	        = −(g_L + g_E + g_I) V + Σ_j E_j K_ij r_j + (P x)_i,  K_ij ≥ 0
//
// With W_ij = E_j K_ij currents are W r, and the conductance that V decays with is
// G + Σ_j A_j |W_ij| r_j with A_j = 1/|E_j| ≥ 0, a number of the presynaptic unit. The step δt is
// part of z. Its forms are
//
//	implicit  V' = (V + δt u) / (1 + z)
//	explicit  V' = (1 − z)∘V + δt u              for z ≤ 1
//	convex    V' = (1 − z)∘V + z∘f(u)
//	u = W r + P x + b,  r' = f(V')
//
// The implicit step with z is the explicit one with z/(1 + z) on the leak, so it is stable for all
// z ≥ 0. With dynamics rate the same update is applied to r: f(u) stands for u, and r' = V'.
//
// Shape: x [B,I]; r, V [B,H].
// Units: δt in time steps, all else dimensionless. P x is a conductance for x ≥ 0.
type Conductance struct {
	Dt         float64 `toml:"dt" doc:"length of a step" unit:"step" min:"1e-6" max:"1e3"`
	Update     string  `toml:"update" doc:"how a step is made" oneof:"implicit|explicit|convex"`
	Activation string  `toml:"activation" doc:"rate as a function of voltage" oneof:"relu|softplus|sigmoid|tanh"`
	Dynamics   string  `toml:"dynamics" doc:"whether voltages or rates are integrated" oneof:"voltage|rate"`
}

func newConductance() Conductance {
	return Conductance{Dt: 1, Update: "implicit", Activation: "relu", Dynamics: "voltage"}
}

// CondFixed has the leak z = δt σ(G_b), one per unit, whatever the network does.
type CondFixed struct{ Conductance }

// NewCondFixed returns the cell with its defaults.
func NewCondFixed() *CondFixed { return &CondFixed{newConductance()} }

// CondVarying has the leak z = δt φ(G_b + |W| (A∘r) + |P| x), so that inputs and rates that drive
// a unit make it faster too. A ≥ 0 is one number, or a vector of presynaptic cells (inside the
// sum), or of postsynaptic cells (a factor of the sum |W| r), or, with Dale's law, two numbers for E
// and I cells: then A_E = 1/E_E and A_I = 1/|E_I|.
type CondVarying struct {
	Conductance
	Gate             string  `toml:"gate" doc:"φ, conductance as a function of its inputs; softplus only with the implicit update" oneof:"sigmoid|softplus"`
	AShape           string  `toml:"a_shape" doc:"A is one number, or one of each presynaptic or postsynaptic unit, or with dale one of E and one of I units" oneof:"scalar|pre|post|type"`
	AInit            float64 `toml:"a_init" doc:"A before learning" unit:"1" min:"0" max:"1e6"`
	InputConductance bool    `toml:"input_conductance" doc:"whether |P| x adds to the conductance"`
}

// NewCondVarying returns the cell with its defaults.
func NewCondVarying() *CondVarying {
	return &CondVarying{Conductance: newConductance(), Gate: "sigmoid", AShape: "pre", AInit: 1, InputConductance: true}
}

// CondGRU has the leak z = σ(W_z r + P_z x + G_b), with weights of its own.
type CondGRU struct{ Conductance }

// NewCondGRU returns the cell with its defaults.
func NewCondGRU() *CondGRU { return &CondGRU{newConductance()} }

// condRadius is the initial spectral radius of W. A voltage grows without bound where δt times the
// radius exceeds z, and z is 0.27 before learning.
const condRadius = 0.2

// condLeak is the initial value of G_b.
const condLeak = -1

// common returns the rows that all cells have, with the matrices of the given suffixes.
func (c *Conductance) common(d Dims, suffixes ...string) []kernels.Spec {
	var specs []kernels.Spec
	for _, s := range suffixes {
		specs = append(specs, learned("P"+s, "H I", []int{d.H, d.I}, kernels.In, "input weights",
			kernels.Init{Kind: kernels.XavierUniform, A: 1}))
	}
	for _, s := range suffixes {
		specs = append(specs, learned("W"+s, "H H", []int{d.H, d.H}, kernels.Rec, "recurrent weights",
			kernels.Init{Kind: kernels.Orthogonal, A: condRadius}))
	}
	return append(specs,
		learned("b", "H", []int{d.H}, kernels.Vec, "constant current", kernels.Init{}),
		learned("G_b", "H", []int{d.H}, kernels.Vec, "constant part of the conductance", kernels.Init{A: condLeak}))
}

// Params implements Cell.
func (c *CondFixed) Params(d Dims) ([]kernels.Spec, error) { return c.common(d, ""), checkSettings(c) }

// Params implements Cell.
func (c *CondGRU) Params(d Dims) ([]kernels.Spec, error) {
	specs := c.common(d, "", "_z")
	specs[1].Doc, specs[3].Doc = "input weights of the conductance", "recurrent weights of the conductance"
	return specs, checkSettings(c)
}

// Params implements Cell.
func (c *CondVarying) Params(d Dims) ([]kernels.Spec, error) {
	if err := checkSettings(c); err != nil {
		return nil, err
	}
	if c.Gate == "softplus" && c.Update != "implicit" {
		return nil, fmt.Errorf("models: gate softplus has no upper limit and the %s update needs one; take gate sigmoid, or update implicit", c.Update)
	}
	specs := c.common(d, "")
	add := func(name, doc string, shared bool) {
		a := learned(name, "H", []int{d.H}, kernels.Vec, "conductance per current of "+doc, kernels.Init{A: c.AInit})
		if a.Bound = atLeast(0); shared {
			a.Letters, a.Shape, a.Shared = "1", []int{1}, true
		}
		specs = append(specs, a)
	}
	if c.AShape == "type" {
		add("A_E", "excitatory synapses", true)
		add("A_I", "inhibitory synapses", true)
	} else {
		add("A", "a synapse", c.AShape == "scalar")
	}
	return specs, nil
}

// Operands implements Composer: the conductance has the magnitudes of the weights of the current.
func (c *CondVarying) Operands() []Operand {
	list := append(c.inputs(), Operand{Name: "W", Of: "W"})
	if c.AShape == "type" {
		list = append(list,
			Operand{Name: "|W|A", Of: "W", Magnitude: true, From: Excitatory, Scale: "A_E", Along: kernels.Whole},
			Operand{Name: "|W|A_I", Of: "W", Magnitude: true, From: Inhibitory, Scale: "A_I", Along: kernels.Whole})
	} else {
		along := map[string]kernels.Along{"scalar": kernels.Whole, "pre": kernels.Columns, "post": kernels.Rows}
		list = append(list, Operand{Name: "|W|A", Of: "W", Magnitude: true, Scale: "A", Along: along[c.AShape]})
	}
	return append(list, Operand{Name: "b", Of: "b"}, Operand{Name: "G_b", Of: "G_b"})
}

func (c *CondVarying) inputs() []Operand {
	return []Operand{{Name: "P", Of: "P"}, {Name: "|P|", Of: "P", Magnitude: true, Off: !c.InputConductance}}
}

// Split implements Splitter. With A of each presynaptic unit the sums do not serve both the
// current and the conductance.
func (c *CondVarying) Split() (header string, list []Operand) {
	e, i := "A", "A"
	switch c.AShape {
	case "pre":
		return "", nil
	case "type":
		e, i = "A_E", "A_I"
	}
	return "cond_ei", append(c.inputs(),
		Operand{Name: "|W| of E", Of: "W", Magnitude: true, From: Excitatory},
		Operand{Name: "|W| of I", Of: "W", Magnitude: true, From: Inhibitory},
		Operand{Name: "b", Of: "b"}, Operand{Name: "G_b", Of: "G_b"},
		Operand{Name: "A_E", Of: e}, Operand{Name: "A_I", Of: i})
}

// activations are numbered as kernels/cells/shared/transfer.h numbers them.
var activations = []string{"tanh", "relu", "sigmoid", "softplus"}

// updates are numbered as kernels/cells/shared/conductance.h numbers them.
var updates = []string{"implicit", "explicit", "convex"}

// Starts implements Starts.
func (c *Conductance) Starts() []kernels.Bound {
	return []kernels.Bound{rates(c.Activation), kernels.Free()}
}

// scan returns what the fused scan needs to know; further constants follow the common ones.
func (c *Conductance) scan(header string, more ...float64) kernels.Cell {
	rate := 0.0
	rest := 0.0
	switch {
	case c.Dynamics == "rate":
		rate = 1
	case c.Activation == "sigmoid":
		rest = 0.5
	case c.Activation == "softplus":
		rest = math.Ln2
	}
	return kernels.Cell{Header: header, States: 2, Rest: []float64{rest, 0}, Consts: append([]float64{
		float64(slices.Index(updates, c.Update)), float64(slices.Index(activations, c.Activation)), rate, c.Dt}, more...)}
}

// Scan implements Cell.
func (c *CondFixed) Scan(Dims) (kernels.Cell, error) { return c.scan("cond_fixed"), checkSettings(c) }

// Scan implements Cell.
func (c *CondGRU) Scan(Dims) (kernels.Cell, error) { return c.scan("cond", 1, 0), checkSettings(c) }

// Scan implements Cell.
func (c *CondVarying) Scan(Dims) (kernels.Cell, error) {
	gate := 0.0
	if c.Gate == "softplus" {
		gate = 1
	}
	return c.scan("cond", c.Dt, gate), checkSettings(c)
}

// Unroll implements Cell.
func (c *CondFixed) Unroll(k *Ops, p *Params) Step {
	z := k.Scale(k.Sigmoid(p.Vec("G_b", 0)), c.Dt)
	return c.unroll(k, p, func(_, _ *gorgonia.Node) *gorgonia.Node { return z })
}

// Unroll implements Cell.
func (c *CondGRU) Unroll(k *Ops, p *Params) Step {
	drive := drive(k, p, "P_z", "W_z", "G_b")
	return c.unroll(k, p, func(x, r *gorgonia.Node) *gorgonia.Node { return k.Sigmoid(drive(x, r)) })
}

// Unroll implements Cell.
func (c *CondVarying) Unroll(k *Ops, p *Params) Step {
	drive := drive(k, p, "|P|", "|W|A", "G_b")
	var inhibition *gorgonia.Node
	if c.AShape == "type" {
		inhibition = p.Rec("|W|A_I", 0)
	}
	return c.unroll(k, p, func(x, r *gorgonia.Node) *gorgonia.Node {
		g := drive(x, r)
		if inhibition != nil {
			g = k.Add(g, k.MatMul(r, inhibition))
		}
		if c.Gate == "softplus" {
			return k.Scale(k.Softplus(g), c.Dt)
		}
		return k.Scale(k.Sigmoid(g), c.Dt)
	})
}

// drive returns P x + W r + b as a function of x and r.
func drive(k *Ops, p *Params, in, rec, bias string) func(x, r *gorgonia.Node) *gorgonia.Node {
	u, w, b := p.In(in, 0), p.Rec(rec, 0), p.Vec(bias, 0)
	return func(x, r *gorgonia.Node) *gorgonia.Node { return k.Add(k.MatMul(x, u), k.MatMul(r, w), b) }
}

// unroll returns the step of a cell with leak z.
func (c *Conductance) unroll(k *Ops, p *Params, z func(x, r *gorgonia.Node) *gorgonia.Node) Step {
	current := drive(k, p, "P", "W", "b")
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		r, v := s[0], s[1]
		y, leak := current(x, r), z(x, r)
		if c.Update == "convex" || c.Dynamics == "rate" {
			y = k.Activation(c.Activation, y)
		}
		switch c.Update {
		case "implicit":
			v = k.Div(k.Add(v, k.Scale(y, c.Dt)), k.AddConst(leak, 1))
		case "explicit":
			v = k.Add(k.Mul(k.OneMinus(leak), v), k.Scale(y, c.Dt))
		case "convex":
			v = k.Add(k.Mul(k.OneMinus(leak), v), k.Mul(leak, y))
		}
		if c.Dynamics == "rate" {
			return []*gorgonia.Node{v, v}
		}
		return []*gorgonia.Node{k.Activation(c.Activation, v), v}
	}
}

// condNotes are the notes that define the conductance-based cells.
var condNotes = cite.Work{Key: "notes-conductance-rnn", Kind: "unpublished", Authors: "Anonymous",
	Title: "Notes on Conductance-Based Recurrent Networks", Note: "Unpublished notes, section 3"}
