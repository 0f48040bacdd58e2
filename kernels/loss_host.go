package kernels

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// NewHostLoss returns a loss in host memory, which graphs without a device and devices without
// memory of their own compute.
func NewHostLoss(cfg LossConfig, dtype tensor.Dtype) (LossPlan, error) {
	switch dtype {
	case tensor.Float32:
		return newHostLoss[float32](cfg), nil
	case tensor.Float64:
		return newHostLoss[float64](cfg), nil
	}
	return nil, fmt.Errorf("kernels: %s: %v is neither float32 nor float64", cfg.Kind, dtype)
}

// hostLoss is a loss in host memory, the weighted mean over rows of a loss of one row.
type hostLoss[F Float] struct {
	cfg LossConfig
	row rowLoss[F]
	dx  []F
}

// rowLoss returns the loss of one prediction; where dx is not nil it is set to the gradient.
type rowLoss[F Float] func(x, target []F, dx []F) (float64, error)

func newHostLoss[F Float](cfg LossConfig) *hostLoss[F] {
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
	x, err := Elems[F](name, xv, n, o)
	if err != nil {
		return err
	}
	target, err := Elems[F](name, tv, l.cfg.Target()...)
	if err != nil {
		return err
	}
	weight, err := Elems[F](name, wv, n)
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
	weight, err := Elems[F](l.cfg.Kind.String(), wv, l.cfg.N)
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
	return Wrap(l.dx, l.cfg.N, o), nil
}

// crossEntropy is −log softmax(x)[label]; target is the label.
func crossEntropy[F Float](x, target []F, dx []F) (float64, error) {
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
func meanSquare[F Float](x, target []F, dx []F) (float64, error) {
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
func scalar[F Float](x F) gorgonia.Value {
	if f, ok := any(x).(float32); ok {
		return gorgonia.NewF32(f)
	}
	return gorgonia.NewF64(float64(x))
}
