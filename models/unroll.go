package models

import (
	"errors"
	"fmt"
	"slices"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// mostUnrolled is how many steps of integration the graph of a neuron has at most: each is some hundred nodes.
const mostUnrolled = 24

// unroll writes all T steps of the layer on the graph; below are the nodes of the steps of the layer below,
// none for the first. It returns h after the last step, [B,H], or of all steps, [T·B,H].
//
// Per step: the cell steps; where the mask is 0 the state from before is kept. Other values of the mask are what Ops.Elapsed gives.
func (l *layer) unroll(g *gorgonia.ExprGraph, cfg kernels.ScanConfig, in kernels.Sequence, planes []kernels.Plane, below, params []*gorgonia.Node) (s states, err error) {
	n := cfg.Cell.Neuron
	long := n != nil && cfg.T*n.Substeps > mostUnrolled
	if long && in.Within == nil {
		return s, fmt.Errorf("the unrolled graph has %d steps of integration, %d in each step, and is for %d at most; the fused scan, which needs gcc or a GPU, takes any number, and --backend graph needs a longer dt: %w",
			cfg.T*n.Substeps, n.Substeps, mostUnrolled, kernels.ErrShape)
	}
	salt := fmt.Sprintf("%s.%d", l.net.name, l.net.builds)
	if l.number > 0 {
		salt += fmt.Sprintf(".l%d", l.number)
	}
	k := NewOps(g, cfg.Dtype, cfg.B, cfg.H, salt)
	specs, operands := graphOperands(k, l.step, params)
	named := NewParams(k, specs, operands, l.scan.Axial)
	noise := newNoisyStep(k, cfg.Noise, in, named)
	step := l.scanned(k, g, in, cfg, params)
	if !long {
		if step = l.cell.Unroll(k, named); step == nil {
			return s, errors.New("Unroll of the cell returns no step")
		}
	}
	state := make([]*gorgonia.Node, cfg.Cell.States)
	for i := range state {
		if state[i] = k.part(in.StateFrom, i, cfg.B, cfg.H); state[i] == nil {
			state[i] = k.slab("state", in.State, i, cfg.B, cfg.H)
		}
	}
	before := slices.Clone(state)
	zeros := k.Matrix("no input", cfg.B, cfg.I, make([]float64, cfg.B*cfg.I))
	var h []*gorgonia.Node
	for t := 0; t < cfg.T && k.Err() == nil; t++ {
		if cfg.Masked {
			on := k.part(in.MaskFrom, t, cfg.B, 1)
			if on == nil {
				on = k.slab("mask", in.Mask, t, cfg.B, 1)
			}
			k.elapsed = k.Column(on)
		}
		noise.at(t)
		x := noise.input(l.input(k, cfg, in, below, t))
		x = k.Sub(x, k.Mul(zeros, x)) // NaN for ±∞ too, which a gate that saturates would make finite
		next := step(x, state)
		if len(next) != len(state) || k.Err() == nil && slices.Contains(next, nil) {
			k.Fail(fmt.Errorf("the step returns %d planes of the state, want %d, none of them nil", len(next), len(state)))
			break
		}
		if cfg.Masked {
			on := k.positive(k.elapsed)
			for i := range next {
				next[i] = k.Choose(on, next[i], state[i])
			}
		}
		state = next
		h = append(h, state[l.scan.Shown])
	}
	if k.Err() != nil {
		return s, k.Err()
	}
	s.all = k.Pack(h...)
	s.steps = h
	s.Layer = unrolled{planes: planes, shown: l.scan.Shown, h: k.read(s.all, cfg.T, cfg.B, cfg.H),
		final: k.read(k.Pack(state...), cfg.Cell.States, cfg.B, cfg.H), steps: h, before: before, after: state}
	if cfg.Last {
		s.all = state[l.scan.Shown]
	}
	return s, k.Err()
}

// scanned returns the step of a neuron as one operation on a device, which shows all planes of the state [B,S·U].
func (l *layer) scanned(k *Ops, g *gorgonia.ExprGraph, whole kernels.Sequence, cfg kernels.ScanConfig, params []*gorgonia.Node) Step {
	dev := whole.Within
	return func(x *gorgonia.Node, state []*gorgonia.Node) (next []*gorgonia.Node) {
		n, planes, units := *cfg.Cell.Neuron, len(state), cfg.H
		n.Record = make([]int32, planes*units)
		for i := range n.Record {
			n.Record[i] = int32(i)
		}
		cfg := cfg
		cfg.Cell.Neuron, cfg.T, cfg.H, cfg.Last = &n, 1, len(n.Record), false
		operands, err := l.fusedOperands(dev, params)
		in := kernels.Sequence{T: 1, B: cfg.B, I: cfg.I, ForwardOnly: whole.ForwardOnly, XFrom: x, StateFrom: k.Field(k.Pack(state...), 0, planes, cfg.B, units)}
		var all *gorgonia.Node
		if err == nil && k.Err() == nil {
			all, _, err = kernels.Scan(g, dev, cfg, in, operands)
		}
		if err != nil {
			k.Fail(err)
			return state
		}
		columns := k.Transpose(all) // [S·U,B]
		for p := range state {
			next = append(next, k.Transpose(k.Field(columns, p*units*cfg.B, units, cfg.B)))
		}
		return next
	}
}

// input returns x of step t, [B,I].
func (l *layer) input(k *Ops, cfg kernels.ScanConfig, in kernels.Sequence, below []*gorgonia.Node, t int) *gorgonia.Node {
	switch {
	case below != nil:
		return below[t]
	case in.XFrom != nil:
		return k.part(in.XFrom, t, cfg.B, cfg.I)
	}
	return k.slab("x", in.X, t, cfg.B, cfg.I)
}

// slab returns block i of a packed tensor, [r,c], as an input that shares its storage.
func (k *Ops) slab(name string, t *tensor.Dense, i, r, c int) *gorgonia.Node {
	var part any
	switch e := t.Data().(type) {
	case []float32:
		part = e[i*r*c : (i+1)*r*c]
	case []float64:
		part = e[i*r*c : (i+1)*r*c]
	}
	return k.Input(fmt.Sprintf("%s %d", name, i), part, r, c)
}

// part returns block i of a node, [r,c], nil of none.
func (k *Ops) part(x *gorgonia.Node, i, r, c int) *gorgonia.Node {
	if x == nil {
		return nil
	}
	return k.Field(x, i*r*c, r, c)
}

// Choose returns a where m is 1 and b where it is 0: m∘a + (1−m)∘b.
func (k *Ops) Choose(m, a, b *gorgonia.Node) *gorgonia.Node {
	return k.Add(k.Mul(m, a), k.Mul(k.OneMinus(m), b))
}

// read keeps the value of n and returns a function that gives it under a shape.
func (k *Ops) read(n *gorgonia.Node, shape ...int) func() (gorgonia.Value, error) {
	if k.err != nil {
		return nil
	}
	var v gorgonia.Value
	gorgonia.Read(n, &v)
	return func() (gorgonia.Value, error) {
		if _, err := ran(v); err != nil {
			return nil, err
		}
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v.Data())), nil
	}
}
