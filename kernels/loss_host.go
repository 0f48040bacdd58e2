package kernels

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Softmaxer is a Device that computes softmaxes of rows in host memory faster than Go does.
type Softmaxer interface {
	Device
	// Softmax sets p [N,O] to the softmax of each row of x [N,O], and ends [N] to what it is made of.
	// Accuracy: exponentials and sums are float64, to 2 ulp.
	Softmax(x []float32, o int, p []float32, ends []SoftmaxEnd)
}

// SoftmaxEnd is what a softmax of a row x is made of, exp(x − Top) / Sum. Where a number of the row is not finite Sum is NaN.
type SoftmaxEnd struct{ Top, Sum float64 }

// NewHostLoss returns a loss in host memory, which graphs without a device, nil, and devices without
// memory of their own compute.
func NewHostLoss(dev Device, cfg LossConfig, dtype tensor.Dtype) (LossPlan, error) {
	switch dtype {
	case tensor.Float32:
		l := newHostLoss[float32](cfg)
		if d, ok := dev.(Softmaxer); ok {
			l.softmax = d.Softmax
		}
		return l, nil
	case tensor.Float64:
		return newHostLoss[float64](cfg), nil
	}
	return nil, fmt.Errorf("kernels: %s: %v is neither float32 nor float64", cfg.Kind, dtype)
}

// hostLoss is a loss in host memory, the weighted mean over rows of a loss of one row.
type hostLoss[F Float] struct {
	cfg     LossConfig
	softmax func(x []F, o int, p []F, ends []SoftmaxEnd)
	// Of Forward, of the rows whose weight is not 0: losses, gradients, and what the softmax left.
	losses  []float64
	slopes  []F
	ends    []SoftmaxEnd
	weights float64 // their sum
	dx      []F     // of Backward
}

func newHostLoss[F Float](cfg LossConfig) *hostLoss[F] {
	l := &hostLoss[F]{cfg: cfg, softmax: softmax[F], losses: make([]float64, cfg.N), slopes: make([]F, cfg.N*cfg.O)}
	if cfg.Kind == SoftmaxCrossEntropy {
		l.ends = make([]SoftmaxEnd, cfg.N)
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
	loss := l.meanSquare
	if l.cfg.Kind == SoftmaxCrossEntropy {
		if err := l.classes(target, weight); err != nil {
			return nil, err
		}
		loss = l.crossEntropy
	}
	l.inRows(rowWork, func(lo, hi int) {
		for lo < hi { // rows that count, as many as follow each other
			n := lo
			for n < hi && weight[n] != 0 {
				n++
			}
			if n > lo {
				loss(x, target, lo, n)
			}
			lo = n + 1
		}
	})
	total, sum := 0.0, 0.0
	for i, w := range weight {
		if w == 0 {
			continue
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

// classes checks the labels of the rows that count.
func (l *hostLoss[F]) classes(label, weight []F) error {
	for i, v := range label {
		if k := int(v); weight[i] != 0 && (F(k) != v || k < 0 || k >= l.cfg.O) {
			return fmt.Errorf("kernels: %s: row %d: label %v is not one of the classes 0 to %d", l.cfg.Kind, i, v, l.cfg.O-1)
		}
	}
	return nil
}

// crossEntropy is −log softmax(x)[label] of each of the rows [lo,hi); target is the labels.
func (l *hostLoss[F]) crossEntropy(x, target []F, lo, hi int) {
	o := l.cfg.O
	l.softmax(x[lo*o:hi*o], o, l.slopes[lo*o:hi*o], l.ends[lo:hi])
	for i := lo; i < hi; i++ {
		at := i*o + int(target[i])
		l.slopes[at]--
		l.losses[i] = math.Log(l.ends[i].Sum) + (l.ends[i].Top - float64(x[at]))
	}
}

// softmax is Softmaxer.Softmax.
func softmax[F Float](x []F, o int, p []F, ends []SoftmaxEnd) {
	room := make([]float64, o)
	for n := range ends {
		x, p := x[n*o:(n+1)*o], p[n*o:(n+1)*o]
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
			p[i] = F(e / sum)
		}
		ends[n] = SoftmaxEnd{top, sum}
	}
}

// meanSquare is Σ (x−target)² / O of each of the rows [lo,hi).
func (l *hostLoss[F]) meanSquare(x, target []F, lo, hi int) {
	o := l.cfg.O
	for i := lo; i < hi; i++ {
		sum, x, target, slope := 0.0, x[i*o:(i+1)*o], target[i*o:(i+1)*o], l.slopes[i*o:(i+1)*o]
		for k, v := range x {
			d := float64(v) - float64(target[k])
			sum += d * d
			slope[k] = F(2 * d / float64(o))
		}
		l.losses[i] = sum / float64(o)
	}
}

// scalar returns x as a Gorgonia scalar.
func scalar[F Float](x F) gorgonia.Value {
	if f, ok := any(x).(float32); ok {
		return gorgonia.NewF32(f)
	}
	return gorgonia.NewF64(float64(x))
}
