package kernels

import (
	"fmt"
	"math"

	"github.com/chewxy/hm"
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

// target returns the shape of the targets.
func (c LossConfig) target() tensor.Shape {
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
	if want := cfg.target(); !target.Shape().Eq(want) || target.Dims() != len(want) {
		return nil, fmt.Errorf("kernels: %s: targets are %v, want %v: %w", kind, target.Shape(), want, ErrShape)
	}
	if w := weights.Shape(); len(w) != 1 || w[0] != cfg.N {
		return nil, fmt.Errorf("kernels: %s: weights are %v, want [%d]: %w", kind, w, cfg.N, ErrShape)
	}
	l := &lossOp{op: newOp("%s of %v", kind, x.Shape()), cfg: cfg}
	resident, ok := dev.(Resident)
	switch {
	case ok:
		var err error
		if l.plan, err = resident.NewLoss(cfg); err != nil {
			return nil, err
		}
	case x.Dtype() == tensor.Float32:
		l.plan = newHostLoss[float32](cfg)
	case x.Dtype() == tensor.Float64:
		l.plan = newHostLoss[float64](cfg)
	default:
		return nil, fmt.Errorf("kernels: %s: %v is neither float32 nor float64", kind, x.Dtype())
	}
	return gorgonia.ApplyOp(l, x, target, weights)
}

// lossOp is the operation behind the losses.
type lossOp struct {
	op
	cfg  LossConfig
	plan LossPlan
}

func (l *lossOp) Arity() int         { return 3 }
func (l *lossOp) Type() hm.Type      { return fnType(2, len(l.cfg.target()), 1, 0) }
func (l *lossOp) DiffWRT(int) []bool { return []bool{true, false, false} }

func (l *lossOp) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return tensor.ScalarShape(), nil
}

func (l *lossOp) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(l.name, &err)
	return l.plan.Forward(in[0], in[1], in[2])
}

func (l *lossOp) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := gorgonia.ApplyOp(&lossAdjoint{adjoint{newOp("gradient of %s", l.name)}, l}, in[0], in[1], in[2], grad)
	return gorgonia.Nodes{dx, nil, nil}, err
}

// lossAdjoint is the adjoint of lossOp.
type lossAdjoint struct {
	adjoint
	loss *lossOp
}

func (a *lossAdjoint) Arity() int    { return 4 }
func (a *lossAdjoint) Type() hm.Type { return fnType(2, len(a.loss.cfg.target()), 1, 0, 2) }

func (a *lossAdjoint) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return tensor.Shape{a.loss.cfg.N, a.loss.cfg.O}, nil
}

func (a *lossAdjoint) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(a.name, &err)
	grad, err := number(in[3])
	if err != nil {
		return nil, fmt.Errorf("kernels: %s: %w", a.name, err)
	}
	return a.loss.plan.Backward(in[0], in[1], in[2], grad)
}

// hostLoss is a loss in host memory, the weighted mean over rows of a loss of one row.
type hostLoss[F float] struct {
	cfg LossConfig
	row rowLoss[F]
	dx  []F
}

// rowLoss returns the loss of one prediction; where dx is not nil it is set to the gradient.
type rowLoss[F float] func(x, target []F, dx []F) (float64, error)

func newHostLoss[F float](cfg LossConfig) *hostLoss[F] {
	l := &hostLoss[F]{cfg: cfg, row: crossEntropy[F]}
	if cfg.Kind == MeanSquaredError {
		l.row = meanSquare[F]
	}
	return l
}

// Forward implements LossPlan.
func (l *hostLoss[F]) Forward(x, target, weight gorgonia.Value) (gorgonia.Value, error) {
	total, sum := 0.0, 0.0
	err := l.each(x, target, weight, func(_ int, x, target []F, w float64) error {
		e, err := l.row(x, target, nil)
		total += w * e
		sum += w
		return err
	})
	if err != nil {
		return nil, err
	}
	if sum == 0 {
		sum = 1
	}
	return scalar(F(total / sum)), nil
}

// each calls f for every row n of weight w ≠ 0.
func (l *hostLoss[F]) each(xv, tv, wv gorgonia.Value, f func(n int, x, target []F, w float64) error) error {
	name := l.cfg.Kind.String()
	n, o := l.cfg.N, l.cfg.O
	x, err := elems[F](name, xv, n, o)
	if err != nil {
		return err
	}
	target, err := elems[F](name, tv, l.cfg.target()...)
	if err != nil {
		return err
	}
	weight, err := elems[F](name, wv, n)
	if err != nil {
		return err
	}
	k := len(target) / n
	for i, w := range weight {
		if w == 0 {
			continue
		}
		if err := f(i, x[i*o:(i+1)*o], target[i*k:(i+1)*k], float64(w)); err != nil {
			return fmt.Errorf("kernels: %s: row %d: %w", name, i, err)
		}
	}
	return nil
}

// Backward implements LossPlan. It computes the gradients of the rows afresh.
func (l *hostLoss[F]) Backward(x, target, wv gorgonia.Value, grad float64) (gorgonia.Value, error) {
	weight, err := elems[F](l.cfg.Kind.String(), wv, l.cfg.N)
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for _, w := range weight {
		sum += float64(w)
	}
	o := l.cfg.O
	if l.dx == nil {
		l.dx = make([]F, l.cfg.N*o)
	}
	clear(l.dx)
	err = l.each(x, target, wv, func(n int, x, target []F, w float64) error {
		dx := l.dx[n*o : (n+1)*o]
		if _, err := l.row(x, target, dx); err != nil {
			return err
		}
		scale := 0.0
		if sum != 0 {
			scale = grad * w / sum
		}
		for i, d := range dx {
			dx[i] = F(scale * float64(d))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return wrap(l.dx, l.cfg.N, o), nil
}

// crossEntropy is −log softmax(x)[label]; target is the label.
func crossEntropy[F float](x, target []F, dx []F) (float64, error) {
	label := int(target[0])
	if F(label) != target[0] || label < 0 || label >= len(x) {
		return 0, fmt.Errorf("label %v is not one of the classes 0 to %d", target[0], len(x)-1)
	}
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, float64(v))
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v)-top) + float64(v-v) // NaN where v is not finite, −∞ among them
	}
	for i := range dx {
		dx[i] = F(math.Exp(float64(x[i])-top) / sum)
	}
	if dx != nil {
		dx[label]--
	}
	return math.Log(sum) + (top - float64(x[label])), nil
}

// meanSquare is Σ (x−target)² / O.
func meanSquare[F float](x, target []F, dx []F) (float64, error) {
	sum, o := 0.0, float64(len(x))
	for i, v := range x {
		d := float64(v) - float64(target[i])
		sum += d * d
		if dx != nil {
			dx[i] = F(2 * d / o)
		}
	}
	return sum / o, nil
}

// scalar returns x as a Gorgonia scalar.
func scalar[F float](x F) gorgonia.Value {
	if f, ok := any(x).(float32); ok {
		return gorgonia.NewF32(f)
	}
	return gorgonia.NewF64(float64(x))
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
