package models

import (
	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

func init() {
	Register(Entry{
		Name:       "ugrnn",
		Doc:        "Update gate recurrent unit: one gate between the old state and a new one.",
		Source:     "Collins, Sohl-Dickstein and Sussillo (2017), arXiv:1611.09913",
		References: []cite.Work{updateGate},
		Equations: `c  = tanh(W_c x + V_c h + b_c)
g  = σ(W_g x + V_g h + b_g)
h' = g∘h + (1 - g)∘c`,
		Notes: []string{"weight_ih holds W_c above W_g, weight_hh V_c above V_g, bias b_c before b_g. The gate starts with bias 1, towards keeping h."},
		New:   func() Cell { return &UGRNN{} },
	})
}

// UGRNN is the update gate recurrent unit:
//
//	c  = tanh(W_c x + V_c h + b_c)
//	g  = σ(W_g x + V_g h + b_g)
//	h' = g∘h + (1 − g)∘c
//
// The gate starts with bias 1.
//
// Shape: x [B,I]; h [B,H].
// Source: Collins, Sohl-Dickstein and Sussillo (2017), arXiv:1611.09913, with s = tanh.
type UGRNN struct{}

// Params implements Cell.
func (*UGRNN) Params(d Dims) ([]kernels.Spec, error) {
	return []kernels.Spec{
		learned("weight_ih", "2H I", []int{2 * d.H, d.I}, kernels.In, "input weights", kernels.Init{Kind: kernels.XavierUniform, A: 1}),
		learned("weight_hh", "2H H", []int{2 * d.H, d.H}, kernels.Rec, "recurrent weights", kernels.Init{Kind: kernels.Orthogonal, A: 1}),
		learned("bias", "2H", []int{2 * d.H}, kernels.Vec, "bias", kernels.Init{Kind: kernels.PerPlane, Values: []float64{0, 1}}),
	}, nil
}

// Scan implements Cell.
func (*UGRNN) Scan(Dims) (kernels.Cell, error) {
	return kernels.Cell{Header: "ugrnn", States: 1, Rest: []float64{0}}, nil
}

// Unroll implements Cell.
func (*UGRNN) Unroll(k *Ops, p *Params) Step {
	drive := func(g int) func(x, h *gorgonia.Node) *gorgonia.Node {
		in, rec, bias := p.In("weight_ih", g), p.Rec("weight_hh", g), p.Vec("bias", g)
		return func(x, h *gorgonia.Node) *gorgonia.Node { return k.Add(k.MatMul(x, in), k.MatMul(h, rec), bias) }
	}
	fresh, gate := drive(0), drive(1)
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		c, g := k.Tanh(fresh(x, s[0])), k.Sigmoid(gate(x, s[0]))
		return []*gorgonia.Node{k.Add(k.Mul(g, s[0]), k.Mul(k.OneMinus(g), c))}
	}
}

// updateGate introduced the update gate recurrent unit.
var updateGate = cite.Work{Key: "collins2017capacity", Kind: "inproceedings", Authors: "Collins, Jasmine and Sohl-Dickstein, Jascha and Sussillo, David",
	Title: "Capacity and Trainability in Recurrent Neural Networks",
	In:    "International Conference on Learning Representations (ICLR)", Year: 2017, ArXiv: "1611.09913"}
