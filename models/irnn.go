package models

import (
	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

func init() {
	Register(Entry{
		Name:       "irnn",
		Doc:        "Recurrent network of rectified linear units that starts as the identity.",
		Source:     "Le, Jaitly and Hinton (2015), arXiv:1504.00941",
		References: []cite.Work{cite.IRNN},
		Equations:  `h' = max(0, W_ih x + b_ih + W_hh h + b_hh)`,
		Notes:      []string{"The layout is that of PyTorch; galvani export --help says when the file loads into torch.nn.RNN."},
		New:        func() Cell { return &IRNN{} },
	})
}

// IRNN is the rectified linear network with W_hh = 1 and small input weights at the start:
//
//	h' = max(0, W_ih x + b_ih + W_hh h + b_hh)
//
// Shape: x [B,I]; h [B,H].
// Source: Le, Jaitly and Hinton (2015), arXiv:1504.00941.
type IRNN struct{}

// Params implements Cell.
func (*IRNN) Params(d Dims) ([]kernels.Spec, error) {
	return torchParams(d, 1, kernels.Init{Kind: kernels.Normal, B: 0.001},
		kernels.Init{Kind: kernels.Identity, A: 1}), nil
}

// Starts implements Starts.
func (*IRNN) Starts() []kernels.Bound { return []kernels.Bound{atLeast(0)} }

// Scan implements Cell.
func (*IRNN) Scan(Dims) (kernels.Cell, error) {
	return kernels.Cell{Header: "rnn", States: 1, Rest: []float64{0}, Consts: []float64{1}}, nil
}

// Unroll implements Cell.
func (*IRNN) Unroll(k *Ops, p *Params) Step {
	drive := torchDrive(k, p, 0)
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		return []*gorgonia.Node{k.Relu(drive(x, s[0]))}
	}
}
