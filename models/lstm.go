package models

import (
	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

func init() {
	Register(Entry{
		Name:       "lstm",
		Doc:        "Long short-term memory with forget gate, laid out as torch.nn.LSTM.",
		Source:     "Hochreiter and Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735; Gers et al. (2000), doi:10.1162/089976600300015015",
		References: []cite.Work{cite.LSTM, forgetGate},
		Equations: `i, f, o = σ(W_ih x + b_ih + W_hh h + b_hh), each with its own rows
g       = tanh(W_ih x + b_ih + W_hh h + b_hh)
c'      = f∘c + i∘g
h'      = o∘tanh(c')`,
		Notes: []string{"The layout is that of PyTorch; galvani export --help says when the file loads into torch.nn.LSTM."},
		New:   func() Cell { return &LSTM{} },
	})
}

// LSTM is the long short-term memory, gates in the order i, f, g, o:
//
//	i, f, o = σ(W_ih x + b_ih + W_hh h + b_hh),  g = tanh(…)
//	c' = f∘c + i∘g
//	h' = o∘tanh(c')
//
// The forget gate starts with bias 1 (Gers et al. 2000).
//
// Shape: x [B,I]; h, c [B,H].
// Source: Hochreiter and Schmidhuber (1997), Neural Computation 9:1735.
type LSTM struct{}

// Params implements Cell.
func (*LSTM) Params(d Dims) ([]kernels.Spec, error) {
	specs := torchParams(d, 4, kernels.Init{Kind: kernels.XavierUniform, A: 1},
		kernels.Init{Kind: kernels.Orthogonal, A: 1})
	specs[2].Init = kernels.Init{Kind: kernels.PerPlane, Values: []float64{0, 1, 0, 0}}
	return specs, nil
}

// Starts implements Starts.
func (*LSTM) Starts() []kernels.Bound { return []kernels.Bound{within(), kernels.Free()} }

// Scan implements Cell.
func (*LSTM) Scan(Dims) (kernels.Cell, error) {
	return kernels.Cell{Header: "lstm", States: 2, Rest: []float64{0, 0}}, nil
}

// Unroll implements Cell.
func (*LSTM) Unroll(k *Ops, p *Params) Step {
	i, f, g, o := torchDrive(k, p, 0), torchDrive(k, p, 1), torchDrive(k, p, 2), torchDrive(k, p, 3)
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		h, c := s[0], s[1]
		c = k.Add(k.Mul(k.Sigmoid(f(x, h)), c), k.Mul(k.Sigmoid(i(x, h)), k.Tanh(g(x, h))))
		return []*gorgonia.Node{k.Mul(k.Sigmoid(o(x, h)), k.Tanh(c)), c}
	}
}

// forgetGate added the gate that forgets.
var forgetGate = cite.Work{Key: "gers2000learning", Kind: "article", Authors: "Gers, Felix A. and Schmidhuber, Jürgen and Cummins, Fred",
	Title: "Learning to Forget: Continual Prediction with LSTM",
	In:    "Neural Computation", Volume: "12", Number: "10", Pages: "2451-2471", Year: 2000, DOI: "10.1162/089976600300015015"}
