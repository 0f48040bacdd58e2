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
// Shape: logits [N,O]; labels [N], class indices in the same dtype; weights [N]. Rows of
// weight 0 are not looked at; where all weights are 0, L and its gradient are 0.
// Errors: a label that is not an integer in [0,O).
// Accuracy: sums run in float64 in either dtype, and the largest logit is taken out first.
func CrossEntropy(logits, labels, weights *gorgonia.Node) (*gorgonia.Node, error) {
	return loss("cross-entropy", logits, labels, weights)
}

// MeanSquare returns the weighted mean of the squared error, a scalar:
//
//	L = Σ_n w_n Σ_o (x_no − y_no)² / (O Σ_n w_n)
//
// Shape: pred and target [N,O]; weights [N]. Rows of weight 0 are not looked at; where all
// weights are 0, L and its gradient are 0.
// Accuracy: sums run in float64 in either dtype.
func MeanSquare(pred, target, weights *gorgonia.Node) (*gorgonia.Node, error) {
	return loss("mean square", pred, target, weights)
}

// loss checks the shapes and adds the named loss to the graph.
func loss(name string, x, target, weights *gorgonia.Node) (*gorgonia.Node, error) {
	if x.Dims() != 2 {
		return nil, fmt.Errorf("kernels: %s: predictions are %v, want [N,O]: %w", name, x.Shape(), ErrShape)
	}
	n := x.Shape()[0]
	want := tensor.Shape{n}
	if name == "mean square" {
		want = x.Shape()
	}
	if !target.Shape().Eq(want) || target.Dims() != len(want) {
		return nil, fmt.Errorf("kernels: %s: targets are %v, want %v: %w", name, target.Shape(), want, ErrShape)
	}
	if w := weights.Shape(); len(w) != 1 || w[0] != n {
		return nil, fmt.Errorf("kernels: %s: weights are %v, want [%d]: %w", name, w, n, ErrShape)
	}
	switch x.Dtype() {
	case tensor.Float32:
		return gorgonia.ApplyOp(newLoss[float32](name, x.Shape(), want), x, target, weights)
	case tensor.Float64:
		return gorgonia.ApplyOp(newLoss[float64](name, x.Shape(), want), x, target, weights)
	}
	return nil, fmt.Errorf("kernels: %s: %v is neither float32 nor float64", name, x.Dtype())
}

// lossOp is the weighted mean over rows of a loss of one row.
type lossOp[F float] struct {
	op
	shape  tensor.Shape // [N,O]
	target tensor.Shape // [N] or [N,O]
	row    rowLoss[F]
}

// rowLoss returns the loss of one prediction; where dx is not nil it is set to the gradient.
type rowLoss[F float] func(x, target []F, dx []F) (float64, error)

func newLoss[F float](name string, shape, target tensor.Shape) *lossOp[F] {
	l := &lossOp[F]{op: newOp("%s of %v", name, shape), shape: shape, target: target}
	l.row = crossEntropy[F]
	if len(target) == 2 {
		l.row = meanSquare[F]
	}
	return l
}

func (l *lossOp[F]) Arity() int         { return 3 }
func (l *lossOp[F]) Type() hm.Type      { return fnType(2, len(l.target), 1, 0) }
func (l *lossOp[F]) DiffWRT(int) []bool { return []bool{true, false, false} }

func (l *lossOp[F]) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return tensor.ScalarShape(), nil
}

func (l *lossOp[F]) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(l.name, &err)
	total, sum := 0.0, 0.0
	err = l.each(in, func(_ int, x, target []F, w float64) error {
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
func (l *lossOp[F]) each(in []gorgonia.Value, f func(n int, x, target []F, w float64) error) error {
	x, err := elems[F](l.name, in[0], l.shape...)
	if err != nil {
		return err
	}
	target, err := elems[F](l.name, in[1], l.target...)
	if err != nil {
		return err
	}
	weight, err := elems[F](l.name, in[2], l.shape[0])
	if err != nil {
		return err
	}
	o, k := l.shape[1], len(target)/l.shape[0]
	for n, w := range weight {
		if w == 0 {
			continue
		}
		if err := f(n, x[n*o:(n+1)*o], target[n*k:(n+1)*k], float64(w)); err != nil {
			return fmt.Errorf("kernels: %s: row %d: %w", l.name, n, err)
		}
	}
	return nil
}

func (l *lossOp[F]) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := gorgonia.ApplyOp(&lossAdjoint[F]{
		adjoint: adjoint{newOp("gradient of %s", l.name)},
		loss:    l, buf: make([]F, l.shape.TotalSize())}, in[0], in[1], in[2], grad)
	return gorgonia.Nodes{dx, nil, nil}, err
}

// lossAdjoint is the adjoint of lossOp. It computes the row gradients afresh.
type lossAdjoint[F float] struct {
	adjoint
	loss *lossOp[F]
	buf  []F
}

func (a *lossAdjoint[F]) Arity() int    { return 4 }
func (a *lossAdjoint[F]) Type() hm.Type { return fnType(2, len(a.loss.target), 1, 0, 2) }

func (a *lossAdjoint[F]) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return a.loss.shape.Clone(), nil
}

func (a *lossAdjoint[F]) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(a.name, &err)
	grad, err := number(in[3])
	if err != nil {
		return nil, fmt.Errorf("kernels: %s: %w", a.name, err)
	}
	weight, err := elems[F](a.name, in[2], a.loss.shape[0])
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for _, w := range weight {
		sum += float64(w)
	}
	clear(a.buf)
	o := a.loss.shape[1]
	err = a.loss.each(in, func(n int, x, target []F, w float64) error {
		dx := a.buf[n*o : (n+1)*o]
		if _, err := a.loss.row(x, target, dx); err != nil {
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
	return wrap(a.buf, a.loss.shape...), nil
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
		sum += math.Exp(float64(v) - top)
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
