package models

import (
	"fmt"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// Params gives a cell its operands by name, in the form in which its equations use them.
// Each form is built once per graph.
type Params struct {
	k      *Ops
	specs  map[string]kernels.Spec
	nodes  map[string]*gorgonia.Node
	axial  *kernels.Axial
	built  map[string]*gorgonia.Node
	inputs []kernels.Spec // of the input matrices, in the order of the drives
}

// NewParams joins the operands of a cell to their nodes.
func NewParams(k *Ops, specs []kernels.Spec, nodes []*gorgonia.Node, axial *kernels.Axial) *Params {
	p := &Params{k: k, axial: axial, specs: map[string]kernels.Spec{},
		nodes: map[string]*gorgonia.Node{}, built: map[string]*gorgonia.Node{}}
	for i, s := range specs {
		p.specs[s.Name], p.nodes[s.Name] = s, nodes[i]
		if s.Role == kernels.In {
			p.inputs = append(p.inputs, s)
		}
	}
	return p
}

// In returns plane g of an input matrix [P·H,I], transposed: [I,H], so that x·In is a plane, to which
// Ops.MatMul adds the noise of networks that have some.
func (p *Params) In(name string, g int) *gorgonia.Node { return p.matrix(name, kernels.In, g) }

// Rec returns plane g of a recurrent matrix [G·H,H], transposed: [H,H].
func (p *Params) Rec(name string, g int) *gorgonia.Node { return p.matrix(name, kernels.Rec, g) }

func (p *Params) matrix(name string, role kernels.Role, g int) *gorgonia.Node {
	return p.once(fmt.Sprintf("%s/%d", name, g), func() *gorgonia.Node {
		w := p.node(name, role, g)
		if w == nil {
			return nil
		}
		cols := p.specs[name].Shape[1]
		return p.k.Transpose(p.k.Field(w, g*p.k.H*cols, p.k.H, cols))
	})
}

// Vec returns plane c of a per-unit vector [C,H], repeated over the batch: [B,H]. A shared
// number is repeated over the units too.
func (p *Params) Vec(name string, c int) *gorgonia.Node {
	return p.once(fmt.Sprintf("%s/%d", name, c), func() *gorgonia.Node {
		v := p.node(name, kernels.Vec, c)
		if v == nil {
			return nil
		}
		if p.specs[name].Shared {
			return p.k.Column(p.k.Row(p.k.Field(v, 0, 1, 1), p.k.B))
		}
		return p.k.Row(p.k.Field(v, c*p.k.H, 1, p.k.H), p.k.B)
	})
}

// Named returns a parameter of a neuron, in its shape.
func (p *Params) Named(name string) *gorgonia.Node { return p.node(name, kernels.Named, 0) }

// Axial returns the coupling matrix g_ij [H,H], symmetric with an empty diagonal, built from
// one conductance per edge, and its row sums Σ_j g_ij, repeated over the batch: [B,H]. Both
// are nil for a cell without axial coupling.
func (p *Params) Axial(name string) (g, sum *gorgonia.Node) {
	if p.axial == nil {
		return nil, nil
	}
	g = p.once("matrix "+name, func() *gorgonia.Node {
		k, edges := p.k, len(p.axial.I)
		v := p.node(name, kernels.Edge, 0)
		if v == nil {
			return nil
		}
		// With a one in row I[e] of column e, and in column J[e] of row e:
		// from · diag(g) · to holds g_e at (I[e], J[e]).
		from, to := make([]float64, k.H*edges), make([]float64, edges*k.H)
		for e, i := range p.axial.I {
			from[int(i)*edges+e] = 1
			to[e*k.H+int(p.axial.J[e])] = 1
		}
		row := k.Row(k.Field(v, 0, 1, edges), k.H)
		half := k.MatMul(k.Mul(row, k.Matrix(name+" from", k.H, edges, from)), k.Matrix(name+" to", edges, k.H, to))
		return k.Add(half, k.Transpose(half))
	})
	sum = p.once("sum "+name, func() *gorgonia.Node { return p.k.MatMul(p.k.Ones(p.k.B, p.k.H), g) })
	return g, sum
}

// node returns an operand after checking that the table holds plane g of it in that role.
func (p *Params) node(name string, role kernels.Role, g int) *gorgonia.Node {
	s, ok := p.specs[name]
	if !ok || s.Role != role || g >= s.Planes(p.k.H) {
		p.k.Fail(fmt.Errorf("the cell uses plane %d of %q, which is none of its operands", g, name))
		return nil
	}
	return p.nodes[name]
}

// once builds a node the first time it is asked for.
func (p *Params) once(key string, build func() *gorgonia.Node) *gorgonia.Node {
	if p.built[key] == nil {
		p.built[key] = build()
	}
	return p.built[key]
}
