package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"galvani/data"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// graphs are the Rule of a Network: its direction is the gradient, by backpropagation through the graph
// of a batch.
type graphs struct {
	Setup
	terms  *penalties // of the loss of training, nil for none
	net    Network
	dev    kernels.Resident // account of parameters and optimiser; nil in host memory
	train  *Graph[float32]
	test   *Graph[float32] // forward only; made at the first evaluation
	others map[widthOf]*Graph[float32]
	shards *shards // nil where a batch is taken as a whole
	kept   *kept   // the set of evaluations on the device, or nil
}

// newGraphs compiles the training graph and puts the parameters where updates are made.
//
// Errors: kernels.ErrShape for a model that is no Network, and those of NewGraph.
func newGraphs(s Setup) (*graphs, error) {
	net, ok := s.Net.(Network)
	if !ok {
		return nil, fmt.Errorf("engine: model %s has no graph to be differentiated, and no Learner is given: %w", s.Net.Name(), kernels.ErrShape)
	}
	g := &graphs{Setup: s, net: net}
	var err error
	if g.terms, err = s.Params.penalties(s.Options); err != nil {
		return nil, err
	}
	if err := g.compile(); err != nil {
		return nil, closing(g, err)
	}
	return g, nil
}

func (g *graphs) compile() (err error) {
	if g.shards, err = newShards(g); err != nil {
		return err
	}
	if _, g.dev, err = fork(g.Device); err != nil {
		return err
	}
	if g.dev != nil {
		if err := g.Params.Hold(g.dev); err != nil {
			return err
		}
	}
	if g.train, err = NewGraph(g.graphConfig(), g.Params); err == nil && g.dev != nil {
		_, err = g.graph(g.train, g.Options.widest(g.trainPlan().lastWidth()))
	}
	return err
}

// graphConfig is that of Config for a network that counts its updates.
func (g *graphs) graphConfig() GraphConfig {
	cfg := g.Config.graphConfig()
	cfg.Update = func() (uint64, uint64) { return g.Options.Seed, uint64(g.Made()) }
	cfg.Noise, cfg.terms = true, g.terms
	return cfg
}

func (c Config) graphConfig() GraphConfig {
	t := c.Task
	net, _ := c.Net.(Network)
	return GraphConfig{Net: net, Device: c.Device, T: t.T, B: c.Options.widest(c.fullWidth(t.Train)), I: t.I,
		Goal: t.Goal, Every: t.Every, Masked: t.Masked, Grad: true, Memory: c.Memory}
}

// Direction implements Rule: the gradient of the mean loss of a batch, taken as a whole or from its
// shards.
func (g *graphs) Direction(b *data.Batch) ([]float32, Metrics, error) {
	if g.shards != nil {
		return g.shards.of(b)
	}
	whole, m, err := g.whole(b)
	if err != nil {
		return nil, m, err
	}
	return whole.grad, m, nil
}

// whole runs a batch as a whole.
func (g *graphs) whole(b *data.Batch) (*Graph[float32], Metrics, error) {
	whole, err := g.graph(g.train, b.B)
	if err != nil {
		return nil, Metrics{}, err
	}
	if err := whole.Load(b); err != nil {
		return nil, Metrics{}, err
	}
	if err := whole.Run(); err != nil {
		return nil, Metrics{}, err
	}
	m, err := whole.measure(b)
	return whole, m, err
}

// Moved implements Rule.
func (g *graphs) Moved(p Phase) error {
	if !g.Options.Stateful {
		return nil
	}
	if p == Evaluation {
		return g.test.CarryState()
	}
	return g.train.CarryState() // such a session has no other graph
}

// Examine implements Rule. What was learned from is run once more, since a device does not keep it.
func (g *graphs) Examine(p Phase, b *data.Batch) error {
	if p == Evaluation {
		if away(b) {
			return fmt.Errorf("engine: the loss of the evaluation: %w", ErrNotFinite)
		}
		test, err := g.graph(g.test, b.B)
		if err != nil {
			return err
		}
		return g.diagnose(test, b)
	}
	if g.shards != nil {
		return g.shards.examine(b)
	}
	whole, _, err := g.whole(b)
	if err != nil {
		return err
	}
	return g.diagnose(whole, b)
}

// Measure implements Rule.
func (g *graphs) Measure(b *data.Batch) (Metrics, error) {
	if err := g.prepareTest(); err != nil {
		return Metrics{}, err
	}
	test, err := g.graph(g.test, b.B)
	if err != nil {
		return Metrics{}, err
	}
	if err := test.Load(b); err != nil {
		return Metrics{}, err
	}
	if err := test.Run(); err != nil {
		return Metrics{}, err
	}
	return test.measure(b)
}

// prepareTest compiles the forward graph unless it is there.
func (g *graphs) prepareTest() error {
	if g.test != nil {
		return nil
	}
	cfg := g.graphConfig()
	cfg.Grad, cfg.Noise = false, false
	set, _ := g.selection()
	cfg.B = g.fullWidth(set)
	var err error
	if g.test, err = NewGraph(cfg, g.Params); err != nil {
		return err
	}
	if set == nil || set.Len() < 1 {
		return nil
	}
	p := g.testPlan(set)
	if g.dev != nil { // so that too little memory shows at the start
		if _, err = g.graph(g.test, p.lastWidth()); err != nil {
			return err
		}
	}
	g.kept, err = keep(g.test, g.Task, p, true) // evaluations always see epoch 0
	return err
}

// keepTraining keeps the training set on the device where it is the same in every epoch, and room for it
// is there; see keep.
func (g *graphs) keepTraining() (*kept, error) {
	fixed, ok := g.Task.Train.(data.Fixed)
	return keep(g.train, g.Task, g.trainPlan(), ok && fixed.Fixed() && g.shards == nil && g.Curriculum.Levels == nil)
}

// keptTest returns the set of evaluations on the device, nil for none.
func (g *graphs) keptTest() (*kept, error) {
	err := g.prepareTest()
	return g.kept, err
}

// Rest implements Rule.
func (g *graphs) Rest(p Phase) error {
	if p == Training {
		return g.train.ResetState()
	}
	if err := g.prepareTest(); err != nil {
		return err
	}
	return g.test.ResetState()
}

// State implements Rule.
func (g *graphs) State() []Tensor {
	if !g.Options.Stateful {
		return nil
	}
	return []Tensor{{carriedName, g.train.seq.State.Shape(), g.train.state}}
}

// carried is the state that one batch leaves to the next on a device, nil where there is none.
func (g *graphs) carried() kernels.Mirror {
	if !g.Options.Stateful {
		return nil
	}
	return g.train.inputs.of(g.train.seq.State)
}

// pull brings parameters and carried state on the host up to date, push those on the device.
func (g *graphs) pull() error {
	err := g.Params.held.pull()
	if m := g.carried(); m != nil && err == nil {
		err = m.Pull()
	}
	return err
}

func (g *graphs) push() error {
	err := g.Params.held.push()
	if m := g.carried(); m != nil && err == nil {
		err = m.Push()
	}
	return err
}

// Close implements Rule.
func (g *graphs) Close() error {
	var err error
	for _, g := range append(slices.Collect(maps.Values(g.others)), g.train, g.test) {
		if g != nil {
			err = errors.Join(err, g.Close())
		}
	}
	if g.dev != nil {
		err = errors.Join(err, g.dev.Close())
	}
	return err
}

// diagnose finds the first tensor that is not finite after a run of a graph on batch b, in the
// order in which a run computes them.
func (g *graphs) diagnose(run *Graph[float32], b *data.Batch) error {
	if err := g.pull(); err != nil {
		return err
	}
	p := g.Params
	suspects := []Suspect{{"input x", b.X}, {"mask", b.Mask}, {"loss weight", b.Weight}, {"label", b.Label},
		{"target", b.Value}, {"carried state", run.state}}
	for i, spec := range p.specs {
		suspects = append(suspects, Suspect{"parameter " + spec.Name, p.slice(i)})
	}
	for layer := range run.Layers() {
		h, _, err := run.LayerH(layer)
		if err != nil {
			return err
		}
		plane := len(h) / run.cfg.T
		for t := range run.cfg.T {
			name := fmt.Sprintf("%s at step %d", run.named(layer, "h"), t)
			suspects = append(suspects, Suspect{name, h[t*plane : (t+1)*plane]})
		}
	}
	if err := run.Logits(run.logits); err != nil {
		return err
	}
	suspects = append(suspects, Suspect{"logits", run.logits}, Suspect{"loss", []float32{float32(run.Loss())}})
	if run.cfg.Grad {
		grad, err := run.Grad()
		if err != nil {
			return err
		}
		suspects = append(suspects, perParam(p, "gradient of", grad)...)
	}
	if err := Accuse(g.Made(), suspects...); err != nil {
		if net, is := run.cfg.Net.(interface{ Conductances() bool }); is && net.Conductances() {
			blameInput(err, b.X)
		}
		return err
	}
	// Every float32 is finite, and their squares cannot leave the range of float64.
	return fmt.Errorf("engine: update %d: loss %v or gradient norm %v: %w, but every tensor is finite", g.Made(), run.Loss(), Norm(run.grad), ErrNotFinite)
}

// blameInput gives a negative input as the cause of what is not finite, for a model whose inputs are conductances.
func blameInput(err error, x []float32) {
	i := slices.IndexFunc(x, func(v float32) bool { return v < 0 })
	if bad := (*NotFiniteError)(nil); i >= 0 && errors.As(err, &bad) {
		bad.Cause = fmt.Sprintf("input x holds %v at element %d, and to this model each input is a conductance, of events: shift or rectify the data, so that they are 0 or more", x[i], i)
	}
}

// sums returns what the loss of the last run is made of, where the loss itself knows.
func sums(loss gorgonia.Value) (m Metrics, ok bool, err error) {
	known, ok := loss.(kernels.Measured)
	if !ok {
		return m, false, nil
	}
	s, err := known.Sums()
	return Metrics{LossSum: s.Loss, Weight: s.Weight, Correct: s.Correct, Count: s.Count}, true, err
}
