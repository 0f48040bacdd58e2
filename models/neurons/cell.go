package neurons

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"galvani/engine/cite"
	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/kernels/compartments"
	"galvani/models"

	"gorgonia.org/gorgonia"
)

// LGMD is the settings of the model lgmd: the built-in neuron of that name as a cell of the registry. Every
// facet, a number of x, has a synapse that excites each compartment of the dendrite and one that inhibits each
// of the handle.
type LGMD struct {
	Bin          float64 `toml:"bin" doc:"length of a step of the task, such as step_ms of looming; events of a step come at its beginning" unit:"ms" min:"0.01" max:"1000"`
	Dt           float64 `toml:"dt" doc:"longest step of integration; each step of the task is divided into equal ones; beyond 0.75 ms the fastest gate is not followed" unit:"ms" min:"0.005" max:"3"`
	Learn        string  `toml:"learn" doc:"what is learned besides the synapses: names of densities, time constants and potentials, as galvani neurons show lists them, with commas between"`
	Within       float64 `toml:"within" doc:"largest factor, either way, between a learned density, weight or other number and that of the neuron" unit:"1" min:"1.01" max:"1e30"`
	Excitation   float64 `toml:"excitation" doc:"first weights of the synapses that excite, as a factor of the neuron's" unit:"1" min:"1e-6" max:"1e6"`
	Inhibition   float64 `toml:"inhibition" doc:"first weights of the synapses that inhibit, as a factor of the neuron's" unit:"1" min:"1e-6" max:"1e6"`
	WeightSpread float64 `toml:"weight_spread" doc:"standard deviation of the logarithm of the first weights" unit:"1" min:"0" max:"10"`
	Neurons      int     `toml:"neurons" doc:"neurons side by side, each with synapses and learned densities of its own" min:"1" max:"256"`
	Lag          float64 `toml:"lag" doc:"mean time that an inhibition takes behind inhibition_delay: its conductance is an alpha function that peaks at half of it; 0 for the rise and decay of the neuron" unit:"ms" min:"0" max:"1000"`
	Delay        float64 `toml:"inhibition_delay" doc:"time from an event to the beginning of its inhibition, a whole number of steps of the task; in the neuron inhibition is 10 ms later than excitation" unit:"ms" min:"0" max:"1000"`
	RateAt       float64 `toml:"rate_at" doc:"V at which the rate that the read-out sees is half of the largest" unit:"mV" min:"-200" max:"200"`
	RateSlope    float64 `toml:"rate_slope" doc:"change of V that takes it from there to 0.73" unit:"mV" min:"0.1" max:"100"`
	RateTau      float64 `toml:"rate_tau" doc:"time constant of the rate" unit:"ms" min:"0.1" max:"1e5"`
	GateGradient float64 `toml:"gate_gradient" doc:"part of the gradient by V and by calcium that goes back through the gates of channels: 1 for the gradient as it is, which grows over each spike; 0 has the way back take the course of gates as given" unit:"1" min:"0" max:"1"`

	own bool   // the neuron is that of Own
	of  string // its name or file
}

// NewLGMD returns the defaults.
func NewLGMD() *LGMD {
	return &LGMD{Neurons: 1, Bin: 10, Dt: 0.1, Learn: "siz.g_na,siz.g_kdr,siz.g_m,siz.g_kca,siz.g_cat,dendrite.g_hcn,dendrite.g_kd",
		Within: 1000, Excitation: 1, Inhibition: 2, WeightSpread: 1, Lag: 70, RateAt: -60, RateSlope: 4, RateTau: 250}
}

func init() {
	models.Register(models.Entry{
		Name:       "lgmd",
		Doc:        "the locust's LGMD: a neuron with a dendrite, ion channels and a synapse for each facet.",
		Source:     "Dewell and Gabbiani (2018), doi:10.7554/eLife.34238, for channels and densities",
		References: []cite.Work{cite.LGMD, hodgkinHuxley, hines},
		Equations: "C dV_u/dt = g_L (E_L - V_u) + sum_v g_uv (V_v - V_u) + sum_c g_c (E_c - V_u) + g_exc (0 mV - V_u) + g_inh (-75 mV - V_u)\n" +
			"g_c = density area prod gate^power,  dgate/dt = (gate_inf(V) - gate)/tau(V)\n" +
			"g_exc_u: sum_f w_uf events_f, rises in 0.3 ms, decays in 3 ms;  g_inh likewise, an alpha function of lag/2, delay later\n" +
			"dr_u/dt = (1/(1 + exp(-(V_u - rate_at)/rate_slope)) - r_u)/rate_tau\n" +
			"logits = readout.weight r + readout.bias",
		Notes: []string{
			"H is the number of compartments and of the points where sections meet, of all neurons; the key hidden has no effect. h is r, a smoothed count of spikes near the zone where they begin, and of graded signals elsewhere.",
			"Learned numbers are z of number = n exp(z), with n the number of the neuron and z 0 at first: weights and densities stay positive, and a rate of learning is a relative one, such as --lr 0.2. galvani export adds the numbers themselves.",
			"An event acts at the beginning of its step, and inhibits at that of the step delay/bin later: what is under way is part of the state, so that a batch that goes on takes it along. The weight of a facet does not follow the speed of the edge, which the task does not tell.",
			"Of each step of the task there are bin/dt of the neuron, so it is the fused scan, in C or CUDA, that trains it; the unrolled graph is its specification and is for few and long steps.",
			"With gate_gradient 1 the gradient is that of the loss, and grows over each spike: of neurons that burst by factors of 1e15 and more, beyond float32 in the end, and it no longer says where the loss falls. With 0 it goes back through conductances, densities, the tree and synapses, and past the gates, whose course it takes as given: it stays small, and is that of the loss only where gates do not move. The forward pass is the same.",
			"Steps last as long as bin; noise is refused.",
		},
		New: func() models.Cell { return NewLGMD() },
	})
}

// seen is the channel without a conductance whose gate is what the read-out sees.
const seen = "rate"

// neuron returns the neuron with the settings.
func (c *LGMD) neuron() (*Neuron, error) {
	if err := setting.Check(c); err != nil {
		return nil, fmt.Errorf("models: %s: %w", c.model(), err)
	}
	name := "lgmd"
	if c.own {
		name = c.of
	}
	all, err := oneFile(name)
	if err != nil {
		return nil, err
	}
	n := all.Clone()
	if slices.ContainsFunc(n.Channels, func(ch Channel) bool { return ch.Name == seen }) {
		return nil, fmt.Errorf("models: %s: the neuron has a channel called %s, as that of the read-out is; give it another name", c.model(), seen)
	}
	if !slices.ContainsFunc(n.Inputs, func(in Input) bool { return in.Facets != nil }) {
		return nil, fmt.Errorf("models: %s: the neuron has no input with facets, which the inputs of a task come to; add facets = { half = \"40 deg\" } to a synapse of many compartments", c.model())
	}
	n.Channels = append(n.Channels, Channel{Name: seen, Gates: []Gate{{Name: "r", Power: 1, Factor: 1, Kinetics: compartments.SteadyConstant,
		Numbers: []float64{c.RateAt, c.RateSlope, c.RateTau}}}})
	for i := range n.Regions {
		n.Regions[i].Densities[seen] = 0
	}
	for i := range n.Receptors {
		if r := &n.Receptors[i]; n.inhibits(*r) && c.Lag > 0 {
			r.Rise, r.Decay = c.Lag/2, c.Lag/2
		}
	}
	for i := range n.Inputs {
		switch in := &n.Inputs[i]; {
		case in.Receptor < 0:
		case n.inhibits(n.Receptors[in.Receptor]):
			in.Weight, in.Delay = in.Weight*c.Inhibition, c.Delay
		default:
			in.Weight, in.Delay = in.Weight*c.Excitation, 0 // delays count from it
		}
	}
	return n, nil
}

// model is the name in the registry.
func (c *LGMD) model() string {
	if c.own {
		return ownName
	}
	return "lgmd"
}

// inhibits tells whether a receptor pulls V below where it starts.
func (n *Neuron) inhibits(r Receptor) bool { return r.Reversal < n.Start }

// compile returns the neuron for an eye.
func (c *LGMD) compile(facets int) (*Compiled, error) {
	n, err := c.neuron()
	if err != nil {
		return nil, err
	}
	steps := max(1, int(math.Ceil(c.Bin/c.Dt-1e-9)))
	o := Options{Dt: c.Bin / float64(steps), Substeps: steps, Relative: true, Within: c.Within, Eye: facets}
	for _, in := range n.Inputs {
		if in.Facets != nil {
			o.Learn = append(o.Learn, "w_"+in.Name)
		}
	}
	for name := range strings.SplitSeq(c.Learn, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		for _, v := range n.Numbers(name) {
			if v == 0 {
				return nil, fmt.Errorf("models: %s: learn has %s, which is 0 and is learned as a factor of itself; leave it out", c.model(), name)
			}
		}
		o.Learn = append(o.Learn, name)
	}
	one, err := n.Compile(o)
	if err != nil {
		return nil, err
	}
	out, err := one.Members(c.Neurons)
	if err != nil {
		return nil, err
	}
	units := out.Neuron.Units()
	for i := range out.Params {
		if s := &out.Params[i]; len(s.Shape) == 2 && s.Shape[1] == facets && strings.HasPrefix(s.Name, "w_") {
			s.Init.Kind, s.Init.B = kernels.PlaneNormal, c.WeightSpread
		}
	}
	for _, ch := range out.Neuron.Channels {
		for k := range ch.Gates {
			if ch.Name != seen {
				ch.Gates[k].Held = 1 - c.GateGradient
			}
		}
	}
	for u := range units {
		out.Neuron.Record = append(out.Neuron.Record, int32(c.shown(out)*units+u))
	}
	return out, nil
}

// shown returns the plane of the rate: behind those of all other gates.
func (c *LGMD) shown(out *Compiled) int { return out.Neuron.Gates() }

// Units implements models.Sized.
func (c *LGMD) Units() int {
	n, err := c.compile(1)
	if err != nil {
		return 1 // Params says why
	}
	return n.Neuron.Units()
}

// Params implements models.Cell.
func (c *LGMD) Params(d models.Dims) ([]kernels.Spec, error) {
	n, err := c.compile(d.I)
	if err != nil {
		return nil, err
	}
	return n.Params, nil
}

// Scan implements models.Cell.
func (c *LGMD) Scan(d models.Dims) (kernels.Cell, error) {
	n, err := c.compile(d.I)
	if err != nil {
		return kernels.Cell{}, err
	}
	return kernels.Cell{Neuron: &n.Neuron, States: n.Neuron.States(), Rest: n.Rest, Shown: c.shown(n)}, nil
}

// Unroll implements models.Cell.
func (c *LGMD) Unroll(k *models.Ops, p *models.Params) models.Step {
	n, err := c.compileAs(p)
	if err != nil {
		k.Fail(err)
		return func(_ *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node { return s }
	}
	nodes := make([]*gorgonia.Node, len(n.Params))
	for i, s := range n.Params {
		nodes[i] = p.Named(s.Name)
	}
	return n.graph(k, nodes).steps
}

// compileAs is compile for as many facets as parameters are for.
func (c *LGMD) compileAs(p *models.Params) (*Compiled, error) {
	n, err := c.neuron()
	if err != nil {
		return nil, err
	}
	facing := slices.IndexFunc(n.Inputs, func(in Input) bool { return in.Facets != nil })
	return c.compile(p.Named("w_" + n.Inputs[facing].Name).Shape()[1])
}

// Smooth implements models.Smoother: with one step of integration for each step, so that a graph has few, a rate
// that answers within them, and the gradient as it is.
func (c *LGMD) Smooth() models.Cell {
	s := *c
	s.Bin, s.Dt, s.Lag, s.RateAt, s.RateTau, s.Excitation, s.GateGradient = 3, 3, 3, -65, 2, 1, 1
	if s.Delay > 0 {
		s.Delay = s.Bin
	}
	return &s
}

// Exact implements models.Exact.
func (c *LGMD) Exact() models.Cell {
	s := *c
	s.GateGradient = 1
	return &s
}

// Derived implements models.Deriver: the numbers that are learned as factors of what they were.
func (c *LGMD) Derived(stored func(name string) []float32) []models.Array {
	n, err := c.compile(1)
	if err != nil {
		return nil
	}
	var list []models.Array
	for i, s := range n.Params {
		base := n.Neuron.Base[i]
		if base == nil {
			continue
		}
		z, shape := stored(s.Name), slices.Clone(s.Shape)
		shape[len(shape)-1] *= len(z) / s.Len() // facets are columns
		a := models.Array{Name: "number." + s.Name, Unit: n.Units[i], Doc: "n exp(z) of " + s.Name, Shape: shape, Values: make([]float32, len(z))}
		for k := range z {
			a.Values[k] = float32(base[k%len(base)] * math.Exp(float64(z[k])))
		}
		list = append(list, a)
	}
	return list
}

var (
	hodgkinHuxley = cite.Work{Key: "hodgkin1952quantitative", Kind: "article", Authors: "Hodgkin, Alan L. and Huxley, Andrew F.",
		Title: "A quantitative description of membrane current and its application to conduction and excitation in nerve",
		In:    "The Journal of Physiology", Volume: "117", Pages: "500--544", Year: 1952, DOI: "10.1113/jphysiol.1952.sp004764"}
	hines = cite.Work{Key: "hines1984efficient", Kind: "article", Authors: "Hines, Michael",
		Title: "Efficient computation of branched nerve equations",
		In:    "International Journal of Bio-Medical Computing", Volume: "15", Pages: "69--76", Year: 1984, DOI: "10.1016/0020-7101(84)90008-4"}
)
