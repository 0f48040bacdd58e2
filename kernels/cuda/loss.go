//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"fmt"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/driver"

	"gorgonia.org/gorgonia"
)

// Loss is the weighted mean over rows of predictions [N,O]: of the softmax cross-entropy with
// labels [N], or of the squared error from targets [N,O]. It implements kernels.LossPlan.
type Loss struct {
	d                                *Device
	cfg                              kernels.LossConfig
	row, hit, sums, value, dx        driver.Ptr
	lossRows, lossSum, lossGradients *kernel
}

// The kernels number losses as the contract does.
var (
	_ = [1]int{}[kernels.SoftmaxCrossEntropy]
	_ = [1]int{}[kernels.MeanSquaredError-1]
)

// NewLoss implements kernels.Resident.
func (d *Device) NewLoss(cfg kernels.LossConfig) (kernels.LossPlan, error) {
	l, n, o := &Loss{d: d, cfg: cfg}, cfg.N, cfg.O
	err := d.build("loss", func(b *builder) {
		l.row, l.hit, l.value, l.dx = b.floats(n), b.floats(n), b.floats(1), b.floats(n*o)
		l.sums = b.bytes(C.sizeof_struct_loss_sums)
		l.lossRows, l.lossSum, l.lossGradients = b.kernel("loss", "loss_rows"), b.kernel("loss", "loss_sum"), b.kernel("loss", "loss_grad")
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Loss) bind(xv, tv, wv gorgonia.Value) (x, target, weight *Array, err error) {
	name := l.cfg.Kind.String()
	if x, err = l.d.taken(name, xv, l.cfg.N, l.cfg.O); err != nil {
		return nil, nil, nil, err
	}
	if target, err = l.d.taken(name+": targets", tv, l.cfg.Target()...); err != nil {
		return nil, nil, nil, err
	}
	weight, err = l.d.taken(name+": weights", wv, l.cfg.N)
	return x, target, weight, err
}

func (l *Loss) params(x, target, weight *Array) C.struct_loss_params {
	return C.struct_loss_params{kind: C.int(l.cfg.Kind), N: C.int(l.cfg.N), O: C.int(l.cfg.O), x: ptr(x.ptr), target: ptr(target.ptr),
		weight: ptr(weight.ptr), row: ptr(l.row), hit: ptr(l.hit), sums: ptr(l.sums), value: ptr(l.value), dx: ptr(l.dx)}
}

// Forward queues the mean loss, a scalar *Mean.
func (l *Loss) Forward(xv, tv, wv gorgonia.Value) (gorgonia.Value, error) {
	x, target, weight, err := l.bind(xv, tv, wv)
	if err != nil {
		return nil, err
	}
	p := l.params(x, target, weight)
	l.d.queue("loss forward", func(w *work) {
		w.launch(l.lossRows, of(C.rows_launch(p.N)), unsafe.Pointer(&p))
		w.launch(l.lossSum, of(C.sum_launch()), unsafe.Pointer(&p))
	})
	return &Mean{l.d.array(l.value), l, target}, nil
}

// Backward follows a Forward with the same arguments. It queues grad times the gradient of the
// predictions, [N,O].
func (l *Loss) Backward(xv, tv, wv gorgonia.Value, grad float64) (gorgonia.Value, error) {
	x, target, weight, err := l.bind(xv, tv, wv)
	if err != nil {
		return nil, err
	}
	p := l.params(x, target, weight)
	p.grad = C.float(grad)
	l.d.queue("loss backward", func(w *work) {
		w.launch(l.lossGradients, of(C.rows_launch(p.N)), unsafe.Pointer(&p))
	})
	return l.d.array(l.dx, l.cfg.N, l.cfg.O), nil
}

// Mean is a mean loss on a GPU. It implements kernels.Measured.
type Mean struct {
	*Array
	loss   *Loss
	target *Array
}

// Clone returns the loss itself, like an array.
func (m *Mean) Clone() (interface{}, error) { return m, nil }

// CopyFrom makes m another loss, like an array.
func (m *Mean) CopyFrom(src interface{}) error {
	from, ok := src.(*Mean)
	if !ok {
		return fmt.Errorf("kernels: read a %T, want a loss on %s", src, m.loss.d.Name())
	}
	*m = *from
	return nil
}

func sums(s *C.struct_loss_sums) kernels.LossSums {
	return kernels.LossSums{Loss: float64(s.loss), Weight: float64(s.weight), Correct: int(s.correct), Count: int(s.count)}
}

// badLabel is the mark of a row in loss_params.hit.
const badLabel = 3

// Sums waits and returns what the last Forward summed.
//
// Errors: a label that is no class, with its row.
func (m *Mean) Sums() (kernels.LossSums, error) {
	l := m.loss
	var c C.struct_loss_sums
	if err := l.d.download(unsafe.Pointer(&c), l.sums, C.sizeof_struct_loss_sums); err != nil {
		return kernels.LossSums{}, err
	}
	if c.bad == 0 {
		return sums(&c), nil
	}
	hit := make([]int32, l.cfg.N)
	if err := l.d.download(unsafe.Pointer(&hit[0]), l.hit, int64(l.cfg.N)*4); err != nil {
		return kernels.LossSums{}, err
	}
	label, err := m.target.Floats()
	if err != nil {
		return kernels.LossSums{}, err
	}
	for i, h := range hit {
		if h == badLabel {
			return kernels.LossSums{}, fmt.Errorf("kernels: %s: row %d: label %v is not one of the classes 0 to %d", l.cfg.Kind, i, label[i], l.cfg.O-1)
		}
	}
	return kernels.LossSums{}, fmt.Errorf("kernels: %s: %d labels are not one of the classes 0 to %d", l.cfg.Kind, c.bad, l.cfg.O-1)
}
