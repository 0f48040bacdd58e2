package kernels

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// CrossEntropy returns the weighted mean of the softmax cross-entropy, a scalar:
//
//	L = Σ_n w_n (log Σ_o exp x_no − x_{n,label_n}) / Σ_n w_n
//
// It runs where dev has its memory; nil is the host.
//
// Shape: logits [N,O]; labels [N], class indices in the same dtype; weights [N]. Rows of
// weight 0 are not looked at; where all weights are 0, L and its gradient are 0.
// Errors: a label that is not an integer in [0,O).
// Accuracy: on the host sums run in float64 in either dtype, and the largest logit is taken
// out first.
func CrossEntropy(dev Device, logits, labels, weights *gorgonia.Node) (*gorgonia.Node, error) {
	return loss(dev, SoftmaxCrossEntropy, logits, labels, weights)
}

// MeanSquare returns the weighted mean of the squared error, a scalar:
//
//	L = Σ_n w_n Σ_o (x_no − y_no)² / (O Σ_n w_n)
//
// It runs where dev has its memory; nil is the host.
//
// Shape: pred and target [N,O]; weights [N]. Rows of weight 0 are not looked at; where all
// weights are 0, L and its gradient are 0.
// Accuracy: on the host sums run in float64 in either dtype.
func MeanSquare(dev Device, pred, target, weights *gorgonia.Node) (*gorgonia.Node, error) {
	return loss(dev, MeanSquaredError, pred, target, weights)
}

// String returns the name of the loss.
func (k LossKind) String() string {
	if k == MeanSquaredError {
		return "mean square"
	}
	return "cross-entropy"
}

// Formula returns the loss as an equation: x are the outputs, y the label or the target of a row, w its
// weight, and sums with w run over rows.
func (k LossKind) Formula() string {
	if k == MeanSquaredError {
		return "mean squared error Σ w Σ_o (x_o − y_o)² / (O Σ w)"
	}
	return "softmax cross-entropy Σ w (log Σ_o exp x_o − x_y) / Σ w"
}

// Target returns the shape of the targets.
func (c LossConfig) Target() tensor.Shape {
	if c.Kind == MeanSquaredError {
		return tensor.Shape{c.N, c.O}
	}
	return tensor.Shape{c.N}
}

// loss checks the shapes and adds the loss to the graph.
func loss(dev Device, kind LossKind, x, target, weights *gorgonia.Node) (*gorgonia.Node, error) {
	if x.Dims() != 2 {
		return nil, fmt.Errorf("kernels: %s: predictions are %v, want [N,O]: %w", kind, x.Shape(), ErrShape)
	}
	cfg := LossConfig{Kind: kind, N: x.Shape()[0], O: x.Shape()[1]}
	if want := cfg.Target(); !target.Shape().Eq(want) || target.Dims() != len(want) {
		return nil, fmt.Errorf("kernels: %s: targets are %v, want %v: %w", kind, target.Shape(), want, ErrShape)
	}
	if w := weights.Shape(); len(w) != 1 || w[0] != cfg.N {
		return nil, fmt.Errorf("kernels: %s: weights are %v, want [%d]: %w", kind, w, cfg.N, ErrShape)
	}
	l := &lossOp{op: newOp("%s of %v", kind, x.Shape()), cfg: cfg}
	var err error
	if resident, ok := dev.(Resident); ok {
		l.plan, err = resident.NewLoss(cfg)
	} else {
		l.plan, err = NewHostLoss(dev, cfg, x.Dtype())
	}
	if err != nil {
		return nil, err
	}
	return apply(l, tensor.ScalarShape(), x, target, weights)
}

// lossOp is the operation behind the losses.
type lossOp struct {
	op
	cfg  LossConfig
	plan LossPlan
}

func (l *lossOp) DiffWRT(int) []bool { return []bool{true, false, false} }

func (l *lossOp) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(l.name, &err)
	return l.plan.Forward(in[0], in[1], in[2])
}

// SymDiff gives the adjoint the loss to read, so that it comes after it: it goes by what the loss left.
func (l *lossOp) SymDiff(in gorgonia.Nodes, loss, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := apply(&lossAdjoint{adjoint{newOp("gradient of %s", l.name)}, l}, tensor.Shape{l.cfg.N, l.cfg.O}, in[0], in[1], in[2], grad, loss)
	return gorgonia.Nodes{dx, nil, nil}, err
}

// lossAdjoint is the adjoint of lossOp.
type lossAdjoint struct {
	adjoint
	loss *lossOp
}

func (a *lossAdjoint) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(a.name, &err)
	grad, err := number(in[3])
	if err != nil {
		return nil, fmt.Errorf("kernels: %s: %w", a.name, err)
	}
	return a.loss.plan.Backward(in[0], in[1], in[2], grad)
}

// number reads a scalar.
func number(v gorgonia.Value) (float64, error) {
	switch x := v.Data().(type) {
	case float32:
		return float64(x), nil
	case float64:
		return x, nil
	}
	return 0, fmt.Errorf("%v is a %T, want a scalar", v.Shape(), v.Data())
}
