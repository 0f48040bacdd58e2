package layered

import (
	"cmp"
	"fmt"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// Circuit is a Microcircuit with its sizes. It is what package engine/local trains; it has no state.
//
// Layer l, from 1, has layer(l).weight [units, units below], and a hidden one also layer(l).down [units, units
// above] from the layer above, layer(l).pi of the same shape from its interneurons, of which there are as many as
// units above, and layer(l).ip [units above, units] to them.
type Circuit struct {
	sized
	cfg Microcircuit
}

// Bind gives the model its inputs and outputs.
//
// Errors: kernels.ErrShape for sizes below 1; settings that are out of range or do not fit each other.
func (m *Microcircuit) Bind(name string, inputs, outputs int) (Net, error) {
	rule, err := m.check()
	if err != nil {
		return nil, fmt.Errorf("models: %s: %w", name, err)
	}
	s, err := newSized(name, rule, inputs, m.Hidden, outputs)
	if err != nil {
		return nil, err
	}
	c := &Circuit{sized: s, cfg: *m}
	for l := range c.layers() {
		below, units := c.sizes[l], c.sizes[l+1]
		c.add(l, "weight", units, below, "from the layer below to basal dendrites", m.InitScale, rateOf(m.RateUp, l))
		if l < c.layers()-1 {
			above, down := c.sizes[l+2], cmp.Or(m.DownScale, m.InitScale)
			c.add(l, "down", units, above, "from the layer above to apical dendrites", down, m.RateDown)
			c.add(l, "pi", units, above, "from interneurons to apical dendrites", down, m.RatePI)
			c.add(l, "ip", above, units, "from pyramidal cells to interneurons", m.InitScale, rateOf(m.RateIP, l))
		}
	}
	return c, nil
}

// add adds weights of a part of layer l, whose first values are up to scale, 0 for Xavier's.
func (c *Circuit) add(l int, part string, rows, columns int, doc string, scale, rate float64) {
	init := kernels.Init{Kind: kernels.XavierUniform, A: 1}
	if scale > 0 {
		init = kernels.Init{Kind: kernels.Uniform, A: -scale, B: scale}
	}
	c.specs = append(c.specs, kernels.Spec{Name: fmt.Sprintf("layer%d.%s", l+1, part), Letters: "M K", Shape: []int{rows, columns}, Role: kernels.Readout,
		Unit: "1", Doc: doc, Init: init, Bound: kernels.Free(), Learned: rate > 0})
}

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

// Start implements Stepped.
func (c *Circuit) Start(dev kernels.Device, width int, params [][]float32, seed uint64) (Runner[float32], error) {
	return start[float32](c, placeOn(dev), width, params, seed)
}

// Build adds what the circuit answers to g: each pattern is shown from rest for t_eval, without target. It has no
// gradient.
//
// Errors: kernels.ErrShape for sequences of more than one step, and of other inputs.
func (c *Circuit) Build(g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, params []*gorgonia.Node) (kernels.Output, error) {
	return answered(c, &c.sized, g, dev, in, params)
}

// Work returns how many multiply-adds the products of a step of learning have, with a width of patterns.
func (c *Circuit) Work(width int) int { return c.program(width, 0).program.Work() }

// steps returns the numbers of steps of a presentation in training and in evaluations.
func (c *Circuit) steps() (train, eval int) {
	if c.rule.TwoSweeps {
		return 1, 1
	}
	return presented(c.cfg.DT, c.cfg.TPres, c.cfg.TEval)
}

// Targets writes the potentials that the outputs are pulled to, [B,O], given labels [B] or else values [B,O].
func (c *Circuit) Targets(dst, label, value []float32) {
	targets(dst, label, value, c.Outputs(), c.cfg.TargetHigh, c.cfg.TargetLow)
}
