package models

import (
	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

func init() {
	Register(Entry{
		Name:       "gru",
		Doc:        "Gated recurrent unit, laid out as torch.nn.GRU.",
		Source:     "Cho et al. (2014), arXiv:1406.1078; the reset gate as in torch.nn.GRU",
		References: []cite.Work{gruWork},
		Equations: `r, z = σ(W_ir x + b_ir + W_hr h + b_hr), σ(W_iz x + b_iz + W_hz h + b_hz)
n    = tanh(W_in x + b_in + r∘(W_hn h + b_hn))
h'   = (1 - z)∘n + z∘h`,
		Notes: []string{"The layout is that of PyTorch; galvani export --help says when the file loads into torch.nn.GRU."},
		New:   func() Cell { return &GRU{} },
	})
}

// GRU is the gated recurrent unit, gates in the order r, z, n:
//
//	r, z = σ(W_ih x + b_ih + W_hh h + b_hh)
//	n    = tanh(W_in x + b_in + r∘(W_hn h + b_hn))
//	h'   = (1 − z)∘n + z∘h
//
// Shape: x [B,I]; h [B,H].
// Source: Cho et al. (2014), arXiv:1406.1078, with r applied after the product as in
// torch.nn.GRU.
type GRU struct{}

// Params implements Cell.
func (*GRU) Params(d Dims) ([]kernels.Spec, error) {
	return torchParams(d, 3, kernels.Init{Kind: kernels.XavierUniform, A: 1},
		kernels.Init{Kind: kernels.Orthogonal, A: 1}), nil
}

// Starts implements Starts.
func (*GRU) Starts() []kernels.Bound { return []kernels.Bound{within()} }

// Scan implements Cell.
func (*GRU) Scan(Dims) (kernels.Cell, error) {
	return kernels.Cell{Header: "gru", States: 1, Rest: []float64{0}}, nil
}

// Unroll implements Cell.
func (*GRU) Unroll(k *Ops, p *Params) Step {
	r, z := torchDrive(k, p, 0), torchDrive(k, p, 1)
	in, rec := p.In("weight_ih_l0", 2), p.Rec("weight_hh_l0", 2)
	bIn, bRec := p.Vec("bias_ih_l0", 2), p.Vec("bias_hh_l0", 2)
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		h := s[0]
		recurrent := k.Mul(k.Sigmoid(r(x, h)), k.Add(k.MatMul(h, rec), bRec))
		n := k.Tanh(k.Add(k.MatMul(x, in), bIn, recurrent))
		gate := k.Sigmoid(z(x, h))
		return []*gorgonia.Node{k.Add(k.Mul(k.OneMinus(gate), n), k.Mul(gate, h))}
	}
}

// gruWork introduced the gated recurrent unit.
var gruWork = cite.Work{Key: "cho2014learning", Kind: "inproceedings", Authors: "Cho, Kyunghyun and van Merriënboer, Bart and Gulcehre, Caglar and Bahdanau, Dzmitry and Bougares, Fethi and Schwenk, Holger and Bengio, Yoshua",
	Title: "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation",
	In:    "Proceedings of the 2014 Conference on Empirical Methods in Natural Language Processing (EMNLP)", Pages: "1724-1734", Year: 2014, DOI: "10.3115/v1/D14-1179", ArXiv: "1406.1078"}
