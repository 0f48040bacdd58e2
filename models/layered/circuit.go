package layered

import (
	"fmt"
	"slices"

	"galvani/kernels"
	"galvani/models/rules"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Circuit is a Microcircuit with its sizes. It is what package engine/local trains; it has no state.
//
// Layer l, from 1, has layer(l).weight [units, units below], and a hidden one also layer(l).down [units, units
// above] from the layer above, layer(l).pi of the same shape from its interneurons, of which there are as many as
// units above, and layer(l).ip [units above, units] to them.
type Circuit struct {
	name  string
	cfg   Microcircuit
	rule  rules.Rule
	sizes []int
	specs []kernels.Spec
	built int
}

// Bind gives the model its inputs and outputs.
//
// Errors: kernels.ErrShape for sizes below 1; settings that are out of range or do not fit each other.
func (m *Microcircuit) Bind(name string, inputs, outputs int) (Net, error) {
	rule, err := m.check()
	if err != nil {
		return nil, fmt.Errorf("models: %s: %w", name, err)
	}
	c := &Circuit{name: name, cfg: *m, rule: rule, sizes: slices.Concat([]int{inputs}, m.Hidden, []int{outputs})}
	if slices.Min(c.sizes) < 1 {
		return nil, fmt.Errorf("models: %s: inputs, hidden layers and outputs are %v, want all at least 1: %w", name, c.sizes, kernels.ErrShape)
	}
	for l := range c.layers() {
		below, units := c.sizes[l], c.sizes[l+1]
		c.add(l, "weight", units, below, "from the layer below to basal dendrites", m.rateUp(l))
		if l < c.layers()-1 {
			above := c.sizes[l+2]
			c.add(l, "down", units, above, "from the layer above to apical dendrites", m.RateDown)
			c.add(l, "pi", units, above, "from interneurons to apical dendrites", m.RatePI)
			c.add(l, "ip", above, units, "from pyramidal cells to interneurons", m.RateIP)
		}
	}
	return c, nil
}

func (c *Circuit) add(l int, part string, rows, columns int, doc string, rate float64) {
	init := kernels.Init{Kind: kernels.XavierUniform, A: 1}
	if s := c.cfg.InitScale; s > 0 {
		init = kernels.Init{Kind: kernels.Uniform, A: -s, B: s}
	}
	c.specs = append(c.specs, kernels.Spec{Name: fmt.Sprintf("layer%d.%s", l+1, part), Letters: "M K", Shape: []int{rows, columns}, Role: kernels.Readout,
		Unit: "1", Doc: doc, Init: init, Bound: kernels.Free(), Learned: rate > 0})
}

// layers returns the number L of layers, the output among them.
func (c *Circuit) layers() int { return len(c.sizes) - 1 }

// Name returns the name given to Bind.
func (c *Circuit) Name() string { return c.name }

// Specs returns the parameter table.
func (c *Circuit) Specs() []kernels.Spec { return slices.Clone(c.specs) }

// Rest returns nothing: sequences have one step.
func (c *Circuit) Rest() []float64 { return nil }

// Hidden returns the number of units of the last hidden layer.
func (c *Circuit) Hidden() int { return c.sizes[c.layers()-1] }

// Depth returns the number of hidden layers.
func (c *Circuit) Depth() int { return c.layers() - 1 }

// Sizes returns inputs, hidden layers and outputs.
func (c *Circuit) Sizes() []int { return slices.Clone(c.sizes) }

// Outputs returns the number of outputs.
func (c *Circuit) Outputs() int { return c.sizes[c.layers()] }

// Rule returns the rule by which the circuit learns.
func (c *Circuit) Rule() rules.Rule { return c.rule }

// row returns the number of a parameter of layer l, from 0; part is 0 for weight, 1 for down, 2 for pi, 3 for ip.
func (c *Circuit) row(l, part int) int { return 4*l + part }

// total returns the sum of the conductances of the somata of layer l, from 0, without that of a target.
func (c *Circuit) total(l int) float64 {
	if l == c.layers()-1 {
		return c.cfg.GLeak + c.cfg.GBasal
	}
	return c.cfg.GLeak + c.cfg.GBasal + c.cfg.GApical
}

// attenuation returns what the somata of layer l, from 0, are heading for without other inputs, in potentials of their
// basal dendrites.
func (c *Circuit) attenuation(l int) float64 {
	switch {
	case !c.rule.TwoSweeps:
		return c.cfg.GBasal / c.total(l)
	case l == c.layers()-1:
		return 1
	}
	return 1 - c.apical()
}

// apical returns the part of the apical potential in a soma, without time.
func (c *Circuit) apical() float64 {
	return c.cfg.GApical / (c.cfg.GLeak + c.cfg.GBasal + c.cfg.GApical)
}

// interAttenuation is attenuation for interneurons.
func (c *Circuit) interAttenuation() float64 {
	if c.rule.TwoSweeps {
		return 1
	}
	return c.cfg.GDend / (c.cfg.GLeak + c.cfg.GDend)
}

// Prepare sets the first weights of the interneurons, given the parameters in the order of Specs, to those of the
// self-predicting state, where the settings ask for it:
//
//	P_k = −D_{k,k+1},  Q_k = W_{k+1,k} [g_basal (g_leak + g_dend)] / [g_dend g_total], g_total the sum of layer k+1
//
// and without time Q_k = W_{k+1,k} g_rest / g_total, g_rest without g_apical.
func (c *Circuit) Prepare(params [][]float32) { prepare(c, params) }

func prepare[F kernels.Float](c *Circuit, params [][]F) {
	if !c.cfg.SelfPredicting {
		return
	}
	for l := range c.layers() - 1 {
		for i, d := range params[c.row(l, 1)] {
			params[c.row(l, 2)][i] = -d
		}
		factor := c.attenuation(l+1) / c.interAttenuation()
		for i, w := range params[c.row(l+1, 0)] {
			params[c.row(l, 3)][i] = F(float64(w) * factor)
		}
	}
}

// Start returns the circuit at rest for a width of patterns at once, over parameters in the order of Specs, which
// it changes as it learns. A nil device multiplies in Go.
//
// Errors: those of the device.
func (c *Circuit) Start(dev kernels.Device, width int, params [][]float32) (*Run[float32], error) {
	return start(c, placeOn(dev), width, params)
}

// Build adds what the circuit answers to g: each pattern is shown from rest for t_eval, without target. It has no
// gradient.
//
// Errors: kernels.ErrShape for sequences of more than one step, and of other inputs.
func (c *Circuit) Build(g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, params []*gorgonia.Node) (kernels.Output, error) {
	if in.T != 1 || in.B < 1 || in.I != c.sizes[0] || in.X == nil || len(params) != len(c.specs) {
		return nil, fmt.Errorf("models: %s reads %d numbers in one step and has %d parameters, got T=%d steps of %d and %d parameters: %w",
			c.name, c.sizes[0], len(c.specs), in.T, in.I, len(params), kernels.ErrShape)
	}
	c.built++
	x, err := rows(g, fmt.Sprintf("%s %d x", c.name, c.built), in)
	if err != nil {
		return nil, fmt.Errorf("models: %s: input: %w", c.name, err)
	}
	var plan interface {
		kernels.Composite
		layers() []kernels.Layer
	}
	if x.Dtype() == tensor.Float64 {
		plan, err = newAnswer[float64](c, placeOn(dev), in.B)
	} else {
		plan, err = newAnswer[float32](c, placeOn(dev), in.B)
	}
	if err != nil {
		return nil, fmt.Errorf("models: %s: %w", c.name, err)
	}
	var groups []kernels.Group
	for i := range c.specs {
		groups = append(groups, kernels.Group{i + 1})
	}
	logits, err := kernels.Compose(fmt.Sprintf("%s %v by %s", c.name, c.sizes, c.rule.Name), plan, tensor.Shape{in.B, c.Outputs()}, groups,
		append([]*gorgonia.Node{x}, params...)...)
	if err != nil {
		return nil, fmt.Errorf("models: %s: %w", c.name, err)
	}
	return kernels.NewOutput(logits, plan.layers()...), nil
}

// answer is what a circuit answers, as an operation of a graph. Inputs are x [B,I] and the parameters.
type answer[F kernels.Float] struct {
	run *Run[F]
	out *field[F]
}

func newAnswer[F kernels.Float](c *Circuit, at place, batch int) (*answer[F], error) {
	params := make([][]F, len(c.specs))
	for i, s := range c.specs {
		params[i] = make([]F, s.Len())
	}
	r, err := start(c, at, batch, params)
	if err != nil {
		return nil, err
	}
	f, err := newField[F](at, batch, c.Outputs())
	return &answer[F]{r, f}, err
}

// layers returns the rates of the pyramidal cells of the hidden layers at the end of the last run.
func (a *answer[F]) layers() (list []kernels.Layer) {
	for l, area := range a.run.areas[:len(a.run.areas)-1] {
		list = append(list, layer(func() gorgonia.Value {
			return kernels.Wrap(area.cells.rate, 1, a.run.width, a.run.c.sizes[l+1])
		}))
	}
	return list
}

// Forward implements kernels.Composite.
func (a *answer[F]) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	all := make([][]F, len(in))
	for i, v := range in {
		var err error
		if all[i], err = elements[F](v); err != nil {
			return nil, err
		}
	}
	a.run.bind(all[1:])
	if err := a.run.Answer(all[0]); err != nil {
		return nil, err
	}
	return a.out.given(a.run.Outputs())
}

// Backward implements kernels.Composite.
func (a *answer[F]) Backward([]gorgonia.Value, gorgonia.Value) ([]gorgonia.Value, error) {
	return nil, fmt.Errorf("models: %s changes its weights while it runs, and has no gradient", a.run.c.name)
}

// steps returns the numbers of steps of a presentation in training and in evaluations.
func (c *Circuit) steps() (train, eval int) {
	if c.rule.TwoSweeps {
		return 1, 1
	}
	train = c.cfg.steps(c.cfg.TPres)
	if c.cfg.TEval > 0 {
		return train, c.cfg.steps(c.cfg.TEval)
	}
	return train, train
}

// Targets writes the potentials that the outputs are pulled to, [B,O], given labels [B] or else values [B,O].
func (c *Circuit) Targets(dst, label, value []float32) {
	if label == nil {
		copy(dst, value)
		return
	}
	for i := range dst {
		dst[i] = float32(c.cfg.TargetLow)
		if int(label[i/c.Outputs()]) == i%c.Outputs() {
			dst[i] = float32(c.cfg.TargetHigh)
		}
	}
}
