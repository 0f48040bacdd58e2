package layered

import (
	"fmt"
	"math"

	"galvani/engine/cite"
	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/models/rules"

	"gorgonia.org/gorgonia"
)

// Leaky is the settings of the model leaky.
type Leaky struct {
	Hidden     []int     `toml:"hidden" doc:"units of each hidden layer, from the first" min:"1" max:"65536" nonempty:"true"`
	Rule       string    `toml:"rule" doc:"how potentials and synapses change, see galvani rules list" oneof:"@rule of leaky"`
	Activation string    `toml:"activation" doc:"rate as a function of the potential" oneof:"tanh|sigmoid|softplus|relu"`
	DT         float64   `toml:"dt" doc:"step" unit:"ms" min:"1e-4" max:"100"`
	TPres      float64   `toml:"t_pres" doc:"time for which a batch of patterns is shown, at least one step" unit:"ms" min:"1e-4" max:"1e5"`
	TEval      float64   `toml:"t_eval" doc:"time for which a pattern is shown in evaluations, from rest; 0 takes t_pres" unit:"ms" min:"0" max:"1e5"`
	Onset      float64   `toml:"onset" needs:"rule!=generalised-latent-equilibrium" doc:"time at the beginning of a presentation in which no weight changes: an answer passes one layer per step, and until it has come errors are those of the pattern before" unit:"ms" min:"0" max:"1e5"`
	TauM       float64   `toml:"tau_m" doc:"time constant of the membranes" unit:"ms" min:"1e-4" max:"1e4"`
	Nudging    float64   `toml:"nudging" doc:"how strongly a target pulls an output, relative to its input" unit:"1" min:"1e-9" max:"0.9"`
	RateUp     []float64 `toml:"rate_up" doc:"learning rates of the weights from the layer below and of the biases, in learning rates (lr): one for each layer from the first, or one for all" unit:"1" min:"0" max:"1e4" nonempty:"true" single:"true"`

	TauR        float64 `toml:"tau_r" needs:"rule=generalised-latent-equilibrium" doc:"time constant by which the units look ahead that lag; 0 for not at all" unit:"ms" min:"0" max:"1e4"`
	TauMax      float64 `toml:"tau_max" needs:"rule=generalised-latent-equilibrium" doc:"time constant of the slowest membrane of a layer: those of the units that lag go from tau_m to it, evenly in their logarithms; 0 for tau_m in all" unit:"ms" min:"0" max:"1e4"`
	Prospective float64 `toml:"prospective" needs:"rule=generalised-latent-equilibrium" doc:"part of the units of each hidden layer that do not lag, since they look ahead by tau_m" unit:"1" min:"0" max:"1"`
	LagOut      bool    `toml:"lag_out" needs:"rule=generalised-latent-equilibrium" doc:"outputs lag, too"`
	Coupling    float64 `toml:"coupling" needs:"rule=generalised-latent-equilibrium" doc:"how strongly errors move the potentials" unit:"1" min:"0" max:"1"`
	RateTau     float64 `toml:"rate_tau" needs:"rule=generalised-latent-equilibrium" doc:"learning rate of the time constants of membranes, in learning rates and ms; 0 keeps them" unit:"1" min:"0" max:"1e6"`
}

// NewLeaky returns the defaults.
func NewLeaky() *Leaky {
	return &Leaky{Hidden: []int{100}, Rule: "latent-equilibrium", Activation: "tanh", DT: 0.1, TPres: 1, TauM: 10, Nudging: 0.1, RateUp: []float64{1},
		TauR: 1, Prospective: 0.5, Coupling: 1}
}

func init() {
	registry.Add(Entry{
		Name:       "leaky",
		Doc:        "layers of leaky units that carry their errors, stepped in time while they learn",
		Source:     "Haider, Ellenberger, Kriener, Jordan, Senn and Petrovici (2021), arXiv:2110.14549; with rule predictive-coding: Whittington and Bogacz (2017), doi:10.1162/NECO_a_00949; with rule generalised-latent-equilibrium: Ellenberger et al. (2024), arXiv:2403.16933",
		References: []cite.Work{cite.LatentEquilibrium, cite.PredictiveCoding, cite.GeneralisedEquilibrium},
		Equations:  "tau_m du_l/dt = -u_l + I_l + e_l\nI_l = W_l r_{l-1} + b_l\n\nall equations: galvani rules show RULE",
		Notes: []string{"The input is one step, such as a whole picture, and is shown for t_pres; potentials go on from one batch to the next in training, and begin at rest in evaluations and in every epoch.",
			"With rule generalised-latent-equilibrium the input may be a sequence: each begins at rest, and each of its steps is shown for t_pres.",
			"lr is the learning rate of a presentation: a weight changes by lr times the mean over time and patterns of its rule. Changes are in proportion to nudging.",
			"Weights change in every step, so no gradient is made, and optimizer, clip and weight_decay have no effect.",
			"Logits are the potentials of the outputs, whose targets are 1 for the right class and 0 for others. Those of training are what the layer below predicts."},
		New: func() Settings { return NewLeaky() },
	})
}

// Layers implements Settings.
func (m *Leaky) Layers() *[]int { return &m.Hidden }

// By implements Settings.
func (m *Leaky) By() *string { return &m.Rule }

// Local implements Settings.
func (m *Leaky) Local() bool { return true }

// Bind gives the model its inputs and outputs.
//
// Errors: kernels.ErrShape for sizes below 1; settings that are out of range or do not fit each other.
func (m *Leaky) Bind(name string, inputs, outputs int) (Net, error) {
	if err := setting.Check(m); err != nil {
		return nil, fmt.Errorf("models: %s: %w", name, err)
	}
	rule, err := rules.Lookup(m.Rule)
	if err != nil {
		return nil, fmt.Errorf("models: %s: %w", name, err)
	}
	if err := checkRates("rate_up", m.RateUp, len(m.Hidden)+1); err != nil {
		return nil, fmt.Errorf("models: %s: %w", name, err)
	}
	if err := checkShown(m.DT, m.TPres, m.TEval); err != nil {
		return nil, fmt.Errorf("models: %s: %w", name, err)
	}
	if m.Onset > 0 && math.Round(m.Onset/m.DT) >= math.Round(m.TPres/m.DT) {
		return nil, fmt.Errorf("models: %s: onset is %g ms, and a presentation of t_pres = %g ms ends before weights change", name, m.Onset, m.TPres)
	}
	if m.DT > m.TauM {
		return nil, fmt.Errorf("models: %s: dt is %g ms, want at most tau_m = %g ms", name, m.DT, m.TauM)
	}
	if rule.Temporal && m.TauMax > 0 && m.TauMax < m.TauM {
		return nil, fmt.Errorf("models: %s: tau_max is %g ms, want at least tau_m = %g ms, or 0", name, m.TauMax, m.TauM)
	}
	s, err := newSized(name, rule, inputs, m.Hidden, outputs)
	if err != nil {
		return nil, err
	}
	n := &LeakyNet{sized: s, cfg: *m}
	gain := 1.0
	if m.Activation == "relu" {
		gain = math.Sqrt2
	}
	for l := range n.layers() {
		below, units, learned := n.sizes[l], n.sizes[l+1], rateOf(m.RateUp, l) > 0
		n.specs = append(n.specs,
			kernels.Spec{Name: fmt.Sprintf("layer%d.weight", l+1), Letters: "M K", Shape: []int{units, below}, Role: kernels.Readout, Unit: "1",
				Doc: "weights from the layer below", Init: kernels.Init{Kind: kernels.XavierUniform, A: gain}, Bound: kernels.Free(), Learned: learned},
			kernels.Spec{Name: fmt.Sprintf("layer%d.bias", l+1), Letters: "M", Shape: []int{units}, Role: kernels.Readout, Unit: "1", Doc: "bias",
				Bound: kernels.Free(), Learned: learned})
	}
	if rule.Temporal {
		n.specifyTimes()
	}
	return n, nil
}

// LeakyNet is a Leaky with its sizes. It has no state.
type LeakyNet struct {
	sized
	cfg Leaky
}

// Prepare implements Stepped: it sets the time constants of units, where they have them.
func (n *LeakyNet) Prepare(params [][]float32) { prepareTimes(n, params) }

// Targets writes the potentials that the outputs are pulled to, [B,O], given labels [B] or else values [B,O].
func (n *LeakyNet) Targets(dst, label, value []float32) {
	targets(dst, label, value, n.Outputs(), 1, 0)
}

// Start implements Stepped.
func (n *LeakyNet) Start(dev kernels.Device, width int, params [][]float32, seed uint64) (Runner[float32], error) {
	return start[float32](n, placeOn(dev), width, params, seed)
}

// Build adds what the network answers to g: each pattern is shown from rest for t_eval, without target. It has no
// gradient.
//
// Errors: kernels.ErrShape for sequences of more than one step, and of other inputs.
func (n *LeakyNet) Build(g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, params []*gorgonia.Node) (kernels.Output, error) {
	return answered(n, &n.sized, g, dev, in, params)
}

// steps returns the numbers of steps of a presentation in training and in evaluations.
func (n *LeakyNet) steps() (train, eval int) {
	return presented(n.cfg.DT, n.cfg.TPres, n.cfg.TEval)
}
