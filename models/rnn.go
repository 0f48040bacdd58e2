package models

import (
	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

func init() {
	Register(Entry{
		Name:       "rnn",
		Doc:        "Elman network with tanh, laid out as torch.nn.RNN.",
		Source:     "Elman (1990), Cognitive Science 14:179, doi:10.1207/s15516709cog1402_1",
		References: []cite.Work{simpleNetwork},
		Equations:  `h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`,
		Notes:      []string{"The layout is that of PyTorch; galvani export --help says when the file loads into torch.nn.RNN."},
		New:        func() Cell { return &RNN{} },
	})
}

// RNN is the Elman network:
//
//	h' = tanh(W_ih x + b_ih + W_hh h + b_hh)
//
// Shape: x [B,I]; h [B,H].
// Source: Elman (1990), Cognitive Science 14:179.
type RNN struct{}

// Params implements Cell.
func (*RNN) Params(d Dims) ([]kernels.Spec, error) {
	return torchParams(d, 1, kernels.Init{Kind: kernels.XavierUniform, A: 1},
		kernels.Init{Kind: kernels.Orthogonal, A: 1}), nil
}

// Starts implements Starts.
func (*RNN) Starts() []kernels.Bound { return []kernels.Bound{within()} }

// Scan implements Cell.
func (*RNN) Scan(Dims) (kernels.Cell, error) {
	return kernels.Cell{Header: "rnn", States: 1, Rest: []float64{0}, Consts: []float64{0}}, nil
}

// Unroll implements Cell.
func (*RNN) Unroll(k *Ops, p *Params) Step {
	drive := torchDrive(k, p, 0)
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		return []*gorgonia.Node{k.Tanh(drive(x, s[0]))}
	}
}

// torchParams returns the parameter table of a one-layer recurrent network of g gates under
// PyTorch's names and layout.
func torchParams(d Dims, g int, input, recurrent kernels.Init) []kernels.Spec {
	rows := map[int]string{1: "H", 3: "3H", 4: "4H"}[g]
	return []kernels.Spec{
		learned("weight_ih_l0", rows+" I", []int{g * d.H, d.I}, kernels.In, "input weights", input),
		learned("weight_hh_l0", rows+" H", []int{g * d.H, d.H}, kernels.Rec, "recurrent weights", recurrent),
		learned("bias_ih_l0", rows, []int{g * d.H}, kernels.Vec, "bias beside the input weights", kernels.Init{}),
		learned("bias_hh_l0", rows, []int{g * d.H}, kernels.Vec, "bias beside the recurrent weights", kernels.Init{}),
	}
}

// torchDrive returns W_ih x + b_ih + W_hh h + b_hh of gate g.
func torchDrive(k *Ops, p *Params, g int) func(x, h *gorgonia.Node) *gorgonia.Node {
	in, rec := p.In("weight_ih_l0", g), p.Rec("weight_hh_l0", g)
	bias := k.Add(p.Vec("bias_ih_l0", g), p.Vec("bias_hh_l0", g))
	return func(x, h *gorgonia.Node) *gorgonia.Node {
		return k.Add(k.MatMul(x, in), k.MatMul(h, rec), bias)
	}
}

// simpleNetwork introduced the simple recurrent network.
var simpleNetwork = cite.Work{Key: "elman1990finding", Kind: "article", Authors: "Elman, Jeffrey L.",
	Title: "Finding Structure in Time",
	In:    "Cognitive Science", Volume: "14", Number: "2", Pages: "179-211", Year: 1990, DOI: "10.1207/s15516709cog1402_1"}
