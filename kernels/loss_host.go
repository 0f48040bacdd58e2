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
	// Of Forward, of the rows whose weight is not 0: losses, what is wrong with them, and gradients.
	losses  []float64
	wrong   []error
	slopes  []F
	weights float64 // their sum
	dx      []F     // of Backward
}

// rowLoss returns the loss of one prediction and sets slope to its gradient. Room has as many numbers.
type rowLoss[F Float] func(x, target []F, slope []F, room []float64) (float64, error)

func newHostLoss[F Float](cfg LossConfig) *hostLoss[F] {
	l := &hostLoss[F]{cfg: cfg, row: crossEntropy[F], losses: make([]float64, cfg.N), wrong: make([]error, cfg.N), slopes: make([]F, cfg.N*cfg.O)}
	if cfg.Kind == MeanSquaredError {
		l.row = meanSquare[F]
	}
	return l
}

// Forward implements LossPlan. Rows are shared out over threads, and what they give is added in their order.
func (l *hostLoss[F]) Forward(xv, tv, wv gorgonia.Value) (gorgonia.Value, error) {
	name := l.cfg.Kind.String()
	n, o := l.cfg.N, l.cfg.O
	x, err := Elems[F](name, xv, n, o)
	if err != nil {
		return nil, err
	}
	target, err := Elems[F](name, tv, l.cfg.Target()...)
	if err != nil {
		return nil, err
	}
	weight, err := Elems[F](name, wv, n)
	if err != nil {
		return nil, err
	}
	k := len(target) / n
	l.inRows(rowWork, func(lo, hi int) {
		room := make([]float64, o)
		for i := lo; i < hi; i++ {
			if weight[i] != 0 {
				l.losses[i], l.wrong[i] = l.row(x[i*o:(i+1)*o], target[i*k:(i+1)*k], l.slopes[i*o:(i+1)*o], room)
			}
		}
	})
	total, sum := 0.0, 0.0
	for i, w := range weight {
		if w == 0 {
			continue
		}
		if l.wrong[i] != nil {
			return nil, fmt.Errorf("kernels: %s: row %d: %w", name, i, l.wrong[i])
		}
		total += float64(w) * l.losses[i]
		sum += float64(w)
	}
	l.weights = sum
	if sum == 0 {
		sum = 1
	}
	return scalar(F(total / sum)), nil
}

// rowWork is for how many simple operations, such as a sum, a number of a prediction counts: an exponential takes as long.
const rowWork = 8

// inRows calls f for shares of the rows, several at a time.
func (l *hostLoss[F]) inRows(work int, f func(lo, hi int)) {
	row := work * l.cfg.O
	InChunks(l.cfg.N*row, func(lo, hi int) { f((lo+row-1)/row, (hi+row-1)/row) })
}

// Backward implements LossPlan.
func (l *hostLoss[F]) Backward(_, _, wv gorgonia.Value, grad float64) (gorgonia.Value, error) {
	weight, err := Elems[F](l.cfg.Kind.String(), wv, l.cfg.N)
	if err != nil {
		return nil, err
	}
	o := l.cfg.O
	if l.dx == nil {
		l.dx = make([]F, len(l.slopes))
	}
	l.inRows(1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			dx, slope := l.dx[i*o:(i+1)*o], l.slopes[i*o:(i+1)*o]
			if weight[i] == 0 {
				clear(dx)
				continue
			}
			scale := 0.0
			if l.weights != 0 {
				scale = grad * float64(weight[i]) / l.weights
			}
			for k, d := range slope {
				dx[k] = F(scale * float64(d))
			}
		}
	})
	return Wrap(l.dx, l.cfg.N, o), nil
}

// crossEntropy is −log softmax(x)[label]; target is the label.
func crossEntropy[F Float](x, target []F, slope []F, room []float64) (float64, error) {
	label := int(target[0])
	if F(label) != target[0] || label < 0 || label >= len(x) {
		return 0, fmt.Errorf("label %v is not one of the classes 0 to %d", target[0], len(x)-1)
	}
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, float64(v))
	}
	sum := 0.0
	for i, v := range x {
		room[i] = math.Exp(float64(v) - top)
		sum += room[i] + float64(v-v) // NaN where v is not finite, −∞ among them
	}
	for i, e := range room {
		slope[i] = F(e / sum)
	}
	slope[label]--
	return math.Log(sum) + (top - float64(x[label])), nil
}

// meanSquare is Σ (x−target)² / O.
func meanSquare[F Float](x, target []F, slope []F, _ []float64) (float64, error) {
	sum, o := 0.0, float64(len(x))
	for i, v := range x {
		d := float64(v) - float64(target[i])
		sum += d * d
		slope[i] = F(2 * d / o)
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
