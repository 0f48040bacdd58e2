package layered

import (
	"fmt"
	"slices"

	"galvani/engine/cite"
	"galvani/engine/setting"
	"galvani/models/rules"
)

// Microcircuit is the settings of the model microcircuit.
type Microcircuit struct {
	Hidden     []int  `toml:"hidden" doc:"units of each hidden layer, from the first" min:"1" max:"65536" nonempty:"true"`
	Rule       string `toml:"rule" doc:"how potentials and synapses change, see galvani rules list" oneof:"@rule of microcircuit"`
	Activation string `toml:"activation" doc:"rate as a function of the potential; soft-rectifier is 0.1 log(1 + exp(u - 3))" oneof:"sigmoid|softplus|soft-rectifier|tanh|relu"`

	DT    float64 `toml:"dt" needs:"rule!=two-sweeps" doc:"step" unit:"ms" min:"1e-4" max:"100"`
	TPres float64 `toml:"t_pres" needs:"rule!=two-sweeps" doc:"time for which a batch of patterns is shown, at least one step" unit:"ms" min:"1e-4" max:"1e5"`
	TEval float64 `toml:"t_eval" needs:"rule!=two-sweeps" doc:"time for which a pattern is shown in evaluations, from rest; 0 takes t_pres" unit:"ms" min:"0" max:"1e5"`
	TauIn float64 `toml:"tau_in" needs:"rule!=two-sweeps" doc:"time constant in which the input follows a new pattern; 0 for at once" unit:"ms" min:"0" max:"1e4"`
	TauW  float64 `toml:"tau_w" needs:"rule!=two-sweeps" doc:"time constant of the low-pass before changes of weights; 0 for none" unit:"ms" min:"0" max:"1e5"`

	GLeak   float64 `toml:"g_leak" doc:"leak of every soma" unit:"1/ms" min:"1e-6" max:"1e3"`
	GBasal  float64 `toml:"g_basal" doc:"from the basal dendrite of a pyramidal cell to its soma" unit:"1/ms" min:"1e-6" max:"1e3"`
	GApical float64 `toml:"g_apical" doc:"from the apical dendrite of a pyramidal cell to its soma" unit:"1/ms" min:"0" max:"1e3"`
	GDend   float64 `toml:"g_dend" doc:"from the dendrite of an interneuron to its soma" unit:"1/ms" min:"1e-6" max:"1e3"`
	GSom    float64 `toml:"g_som" doc:"that pulls an output to its target, and an interneuron to the cell above it" unit:"1/ms" min:"0" max:"1e3"`

	Gamma      float64 `toml:"gamma" needs:"rule!=two-sweeps" doc:"spikes of a neuron at a rate of 1, the weight scale of the spiking network: synapses take each spike for 1/gamma; 0 for rates without spikes" unit:"Hz" min:"0" max:"1e7"`
	Population int     `toml:"population" needs:"gamma>0" doc:"neurons of each unit, which see the same potential and fire independently" unit:"1" min:"1" max:"100000"`
	Refractory float64 `toml:"refractory" needs:"gamma>0" doc:"time after a spike in which a neuron does not fire" unit:"ms" min:"0" max:"1000"`
	Reads      string  `toml:"reads" needs:"gamma>0" doc:"what the synapses of a neuron see of its soma: the rate at its potential, or the spikes that it fires" oneof:"potential|spikes"`
	Delay      float64 `toml:"delay" needs:"rule!=two-sweeps" doc:"delay of synapses" unit:"ms" min:"0" max:"1000"`
	TauSyn     float64 `toml:"tau_syn" needs:"rule!=two-sweeps" doc:"time constant in which a synapse follows what arrives; 0 for at once" unit:"ms" min:"0" max:"1e4"`
	Sigma      float64 `toml:"sigma" needs:"rule=sacramento" doc:"noise of the somata: standard deviation after 1 ms without other currents" unit:"1" min:"0" max:"1e3"`
	Onset      float64 `toml:"onset" needs:"rule!=two-sweeps" doc:"time at the beginning of a presentation in which no weight changes" unit:"ms" min:"0" max:"1e5"`

	TargetHigh float64 `toml:"target_high" doc:"target of the output of the right class, as a potential; tasks of regression bring their own" unit:"1" min:"-1e3" max:"1e3"`
	TargetLow  float64 `toml:"target_low" doc:"target of the other outputs" unit:"1" min:"-1e3" max:"1e3"`

	InitScale      float64   `toml:"init_scale" doc:"largest first weight; 0 takes Xavier's" unit:"1" min:"0" max:"1e3"`
	DownScale      float64   `toml:"down_scale" doc:"largest first weight from the layer above, and from interneurons to the same dendrites; 0 takes those of the others" unit:"1" min:"0" max:"1e3"`
	SelfPredicting bool      `toml:"self_predicting" doc:"begin with weights of interneurons at which these follow the layer above and cancel what comes from it"`
	RateUp         []float64 `toml:"rate_up" doc:"learning rates of the weights from the layer below, in learning rates (lr): one for each layer from the first, or one for all" unit:"1" min:"0" max:"1e4" nonempty:"true"`
	RateIP         []float64 `toml:"rate_ip" doc:"learning rates of the weights from pyramidal cells to interneurons: one for each hidden layer from the first, or one for all" unit:"1" min:"0" max:"1e4" nonempty:"true" single:"true"`
	RatePI         float64   `toml:"rate_pi" doc:"learning rate of the weights from interneurons to apical dendrites" unit:"1" min:"0" max:"1e4"`
	RateDown       float64   `toml:"rate_down" doc:"learning rate of the weights from the layer above" unit:"1" min:"0" max:"1e4"`
}

// NewMicrocircuit returns the defaults: the conductances and time constants of Sacramento et al. (2018).
func NewMicrocircuit() *Microcircuit {
	return &Microcircuit{Hidden: []int{30}, Rule: "latent-equilibrium", Activation: "softplus", DT: 0.1, TPres: 100, TauIn: 0, TauW: 0,
		GLeak: 0.1, GBasal: 1, GApical: 0.8, GDend: 1, GSom: 0.8, Population: 1, Reads: "potential", TargetHigh: 1, TargetLow: 0.1,
		SelfPredicting: true, RateUp: []float64{1}, RateIP: []float64{1}}
}

func init() {
	registry.Add(Entry{
		Name: "microcircuit",
		Doc:  "layers of pyramidal cells with basal and apical dendrites and interneurons, stepped in time while they learn",
		Source: "Sacramento, Costa, Bengio and Senn (2018), arXiv:1810.11393; with rule latent-equilibrium: " +
			"Haider, Ellenberger, Kriener, Jordan, Senn and Petrovici (2021), arXiv:2110.14549",
		References: []cite.Work{cite.Microcircuits, cite.LatentEquilibrium},
		Equations: "du_k/dt = -g_leak u_k + g_basal (v_B - u_k) + g_apical (v_A - u_k)\n" +
			"v_B = W_{k,k-1} r_{k-1}\nv_A = D_{k,k+1} r_{k+1} + P_k r^I_k\n\nall equations: galvani rules show RULE",
		Notes: []string{"The input is one step, such as a whole picture, and is shown for t_pres; potentials go on from one batch to the next in training, and begin at rest in evaluations and in every epoch.",
			"lr is the learning rate of a presentation: a weight changes by lr times its rate_ times the mean over time and patterns of its rule.",
			"Weights change in every step, so no gradient is made, and optimizer, clip and weight_decay have no effect.",
			"With gamma > 0 neurons fire at gamma times their rate (Poisson, or behind refractory), and all but the input arrives as spikes.",
			"Logits are the potentials of the outputs. Those of training are what the basal dendrites predict without the target."},
		New: func() Settings { return NewMicrocircuit() },
	})
}

// Layers implements Settings.
func (m *Microcircuit) Layers() *[]int { return &m.Hidden }

// By implements Settings.
func (m *Microcircuit) By() *string { return &m.Rule }

// Local implements Settings.
func (m *Microcircuit) Local() bool { return true }

// check returns the rule of the settings.
func (m *Microcircuit) check() (rules.Rule, error) {
	if err := setting.Check(m); err != nil {
		return rules.Rule{}, err
	}
	rule, err := rules.Lookup(m.Rule)
	if err != nil {
		return rule, err
	}
	if err := checkRates("rate_up", m.RateUp, len(m.Hidden)+1); err != nil {
		return rules.Rule{}, err
	}
	if err := checkRates("rate_ip", m.RateIP, len(m.Hidden)); err != nil {
		return rules.Rule{}, err
	}
	if rule.TwoSweeps {
		return rule, nil
	}
	if err := checkShown(m.DT, m.TPres, m.TEval); err != nil {
		return rules.Rule{}, err
	}
	for _, t := range []struct {
		key  string
		time float64
	}{{"tau_in", m.TauIn}, {"tau_w", m.TauW}, {"tau_syn", m.TauSyn}, {"delay", m.Delay}, {"refractory", m.Refractory}} {
		if t.time > 0 && t.time < m.DT {
			return rules.Rule{}, fmt.Errorf("%s is %g ms, shorter than a step of dt = %g ms; 0 is at once", t.key, t.time, m.DT)
		}
	}
	if err := m.checkSpikes(); err != nil {
		return rules.Rule{}, err
	}
	if g := m.largest(); g*m.DT > 1 {
		return rules.Rule{}, fmt.Errorf("conductances add up to %.4g/ms, for which dt = %g ms is too long; take dt of at most %.3g", g, m.DT, 1/g)
	}
	return rule, nil
}

// mostSlots is how many steps delays and refractory times may last, which are kept for every unit.
const mostSlots = 20000

// checkSpikes refuses times that do not fit a presentation, and rates that cannot be those of spikes.
func (m *Microcircuit) checkSpikes() error {
	if m.Onset > 0 && m.steps(m.Onset) >= m.steps(m.TPres) {
		return fmt.Errorf("onset is %g ms, and a presentation of t_pres = %g ms ends before weights change", m.Onset, m.TPres)
	}
	for _, t := range []struct {
		key  string
		time float64
	}{{"delay", m.Delay}, {"refractory", m.Refractory}} {
		if n := m.steps(t.time); n >= mostSlots {
			return fmt.Errorf("%s is %g ms, which is %d steps of dt = %g ms, want fewer than %d", t.key, t.time, n, m.DT, mostSlots)
		}
	}
	if m.Gamma > 0 && activations[m.Activation].rate(-1) < 0 {
		return fmt.Errorf("rates of %s may be negative, and neurons cannot fire at those; take activation sigmoid, softplus, soft-rectifier or relu, or gamma = 0", m.Activation)
	}
	return nil
}

// largest returns the largest sum of the conductances of a soma.
func (m *Microcircuit) largest() float64 {
	return slices.Max([]float64{m.GLeak + m.GBasal + m.GApical, m.GLeak + m.GBasal + m.GSom, m.GLeak + m.GDend + m.GSom})
}

// steps returns the number of steps in a time.
func (m *Microcircuit) steps(time float64) int { return stepsIn(time, m.DT) }
