package engine

import (
	"errors"
	"fmt"
	"slices"

	"galvani/data"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Gorgonia tells nodes apart by 32-bit hashes, so different nodes may be taken for one.
const (
	// maxSalts bounds the attempts to find names under which no two nodes collide.
	maxSalts = 8
	// twinNodes is the size from which a graph is built twice to see a collision that left
	// no trace: n nodes collide with probability n²/2³³, below 2⁻¹³ for smaller ones.
	twinNodes = 1024
)

// compile builds the graph under ever new names until no two nodes collide, then makes the
// machine that runs it.
func (g *Graph[F]) compile() error {
	return salted(g.cfg.Net.Name(), func(salt int) (*gorgonia.ExprGraph, error) {
		err := g.build(salt)
		return g.nodes, err
	}, func() { g.vm = gorgonia.NewTapeMachine(g.nodes) })
}

// salted builds the graph of a network under ever new names until no two nodes collide, and then
// finishes it.
func salted(name string, build func(salt int) (*gorgonia.ExprGraph, error), finish func()) (err error) {
	defer func() {
		if r := recover(); r != nil { // Gorgonia panics where it cannot infer a type or compile
			err = fmt.Errorf("engine: compile %s: %v", name, r)
		}
	}()
	counts := map[int]bool{}
	for salt := range maxSalts {
		var nodes *gorgonia.ExprGraph
		switch nodes, err = build(salt); {
		case errors.Is(err, kernels.ErrCollision):
			continue
		case err != nil:
			return fmt.Errorf("engine: build %s: %w", name, err)
		}
		// Two nodes that were merged when the second was added make the graph smaller. Names
		// decide who collides, so two graphs of equal size have lost nothing.
		n := len(nodes.AllNodes())
		if n < twinNodes || counts[n] {
			finish()
			return nil
		}
		counts[n] = true
	}
	if err == nil {
		err = fmt.Errorf("engine: build %s: sizes differ from attempt to attempt: %w", name, kernels.ErrCollision)
	}
	return err
}

// build adds network, loss and gradients to a new graph. Input nodes carry the salt in their
// names, and with it all that depends on them.
func (g *Graph[F]) build(salt int) error {
	g.nodes = gorgonia.NewGraph()
	params := make([]*gorgonia.Node, len(g.params.specs))
	for i, s := range g.params.specs {
		params[i] = input(g.nodes, g.params.value(i), s.Name, salt)
	}
	seen, seq := params, g.seq
	var err error
	if t := g.cfg.terms; t != nil && g.cfg.Grad {
		g.record = kernels.PenaltyRecord{}
		seq.Rates = t.rates.Recorded(&g.record)
		if seen, err = g.penalise(params); err != nil {
			return err
		}
	}
	if g.out, err = g.cfg.Net.Build(g.nodes, g.dev, seq, seen); err != nil {
		return err
	}
	want := tensor.Shape{g.rows(), g.cfg.Net.Outputs()}
	if logits := g.out.Logits(); logits == nil || !logits.Shape().Eq(want) {
		return fmt.Errorf("logits are %v, want %v: %w", logits, want, kernels.ErrShape)
	}
	loss, err := g.addLoss(salt)
	if err != nil {
		return err
	}
	gorgonia.Read(loss, &g.lossVal)
	gorgonia.Read(g.out.Logits(), &g.logitsVal)
	if g.cfg.Grad {
		if err := g.addGradients(loss, params); err != nil {
			return err
		}
	}
	return kernels.Distinct(g.nodes)
}

// input adds a value as a node of the graph. The salt stands first: behind two names of equal
// hash it would leave the hashes equal.
func input(g *gorgonia.ExprGraph, v gorgonia.Value, name string, salt int) *gorgonia.Node {
	return gorgonia.NewTensor(g, v.Dtype(), v.Shape().Dims(), gorgonia.WithShape(v.Shape()...),
		gorgonia.WithName(fmt.Sprintf("%d/%s", salt, name)), gorgonia.WithValue(v))
}

// addLoss adds the loss of the goal.
func (g *Graph[F]) addLoss(salt int) (*gorgonia.Node, error) {
	weight := input(g.nodes, g.inputs.place(g.weights), "loss weight", salt)
	target := input(g.nodes, g.inputs.place(g.targets), "target", salt)
	if g.cfg.Goal == data.Classify {
		return kernels.CrossEntropy(g.dev, g.out.Logits(), target, weight)
	}
	return kernels.MeanSquare(g.dev, g.out.Logits(), target, weight)
}

// addGradients differentiates the loss with respect to the learned parameters and, if asked
// for, the hidden state after each step.
func (g *Graph[F]) addGradients(loss *gorgonia.Node, params []*gorgonia.Node) error {
	var wrt gorgonia.Nodes
	for _, i := range g.learned() {
		wrt = append(wrt, params[i])
	}
	if g.cfg.Steps {
		steps, err := g.stepNodes()
		if err != nil {
			return err
		}
		wrt = append(wrt, steps...)
	}
	one := g.nodes.AddNode(gorgonia.NewConstant(F(1), gorgonia.WithName("gradient of the loss")))
	grads, err := gorgonia.Backpropagate(gorgonia.Nodes{loss}, gorgonia.Nodes{one}, wrt)
	if apart := (gorgonia.SymDiffError{}); errors.As(err, &apart) {
		for k, i := range g.learned() {
			if slices.Contains(apart.Nodes(), wrt[k]) {
				return fmt.Errorf("the loss of %d steps does not depend on %s, which acts later; take more steps: %w", g.cfg.T, g.params.specs[i].Name, kernels.ErrShape)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("gradient: %w", err)
	}
	values := make([]gorgonia.Value, len(grads))
	for i, n := range grads {
		if g.placed() && i < len(g.learned()) {
			p := g.learned()[i]
			part := g.params.part(g.grad, p)
			if kernels.WriteField(n, part) {
				continue
			}
			// a value that is there already is read into
			values[i] = tensor.New(tensor.WithShape(g.params.specs[p].Shape...), tensor.WithBacking(part))
		}
		gorgonia.Read(n, &values[i])
	}
	k := len(g.learned())
	g.gradVals, g.stepVals = values[:k:k], values[k:]
	return nil
}

// stepNodes returns the nodes of h after each step of the layers that keep no gradients themselves.
func (g *Graph[F]) stepNodes() (nodes gorgonia.Nodes, err error) {
	for _, l := range g.out.Layers() {
		switch l := l.(type) {
		case kernels.Graded:
		case kernels.Unrolled:
			if len(l.Steps()) != g.cfg.T {
				return nil, fmt.Errorf("there are nodes for %d steps, want %d", len(l.Steps()), g.cfg.T)
			}
			nodes = append(nodes, l.Steps()...)
		default:
			return nil, fmt.Errorf("a layer of model %s gives no gradients of its steps: %w", g.cfg.Net.Name(), kernels.ErrShape)
		}
	}
	return nodes, nil
}
