//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"fmt"
	"unsafe"

	"galvani/kernels/driver"
)

// Loss is the weighted mean over rows of predictions [N,O]: of the softmax cross-entropy with
// labels [N], or of the squared error from targets [N,O].
type Loss struct {
	d                                *Device
	square                           bool
	n, o                             int
	row, hit, sums, value, dx        driver.Ptr
	lossRows, lossSum, lossGradients *kernel
}

// NewLoss allocates a loss; square is the squared error.
func (d *Device) NewLoss(square bool, n, o int) (*Loss, error) {
	l := &Loss{d: d, square: square, n: n, o: o}
	err := d.build("loss", func(b *builder) {
		l.row, l.hit, l.value, l.dx = b.floats(n), b.floats(n), b.floats(1), b.floats(n*o)
		l.sums = b.bytes(C.sizeof_struct_loss_sums)
		l.lossRows, l.lossSum, l.lossGradients = b.kernel("loss", "loss_rows"), b.kernel("loss", "loss_sum"), b.kernel("loss", "loss_grad")
	})
	return l, err
}

func (l *Loss) params(x, target, weight *Array) C.struct_loss_params {
	return C.struct_loss_params{kind: flag(l.square), N: C.int(l.n), O: C.int(l.o), x: ptr(x.ptr), target: ptr(target.ptr),
		weight: ptr(weight.ptr), row: ptr(l.row), hit: ptr(l.hit), sums: ptr(l.sums), value: ptr(l.value), dx: ptr(l.dx)}
}

// Forward queues the mean loss, a scalar.
func (l *Loss) Forward(x, target, weight *Array) *Array {
	p := l.params(x, target, weight)
	l.d.queue("loss forward", func(w *work) {
		w.launch(l.lossRows, of(C.rows_launch(p.N)), unsafe.Pointer(&p))
		w.launch(l.lossSum, of(C.sum_launch()), unsafe.Pointer(&p))
	})
	return l.d.array(l.value)
}

// Backward follows a Forward with the same arguments. It queues grad times the gradient of the
// predictions, [N,O].
func (l *Loss) Backward(x, target, weight *Array, grad float64) *Array {
	p := l.params(x, target, weight)
	p.grad = C.float(grad)
	l.d.queue("loss backward", func(w *work) {
		w.launch(l.lossGradients, of(C.rows_launch(p.N)), unsafe.Pointer(&p))
	})
	return l.d.array(l.dx, l.n, l.o)
}

// Sums are what a mean loss is made of.
type Sums struct {
	Loss, Weight        float64
	Correct, Count, Bad int
}

func sums(s *C.struct_loss_sums) Sums {
	return Sums{Loss: float64(s.loss), Weight: float64(s.weight), Correct: int(s.correct), Count: int(s.count), Bad: int(s.bad)}
}

// badLabel is the mark of a row in loss_params.hit.
const badLabel = 3

// Sums waits and returns what the last Forward summed.
// Errors: a label that is no class, with its row.
func (l *Loss) Sums(target *Array) (Sums, error) {
	var c C.struct_loss_sums
	if err := l.d.download(unsafe.Pointer(&c), l.sums, C.sizeof_struct_loss_sums); err != nil || c.bad == 0 {
		return sums(&c), err
	}
	hit := make([]int32, l.n)
	if err := l.d.download(unsafe.Pointer(&hit[0]), l.hit, int64(l.n)*4); err != nil {
		return Sums{}, err
	}
	label, err := target.Floats()
	if err != nil {
		return Sums{}, err
	}
	for i, h := range hit {
		if h == badLabel {
			return sums(&c), fmt.Errorf("row %d: label %v is not one of the classes 0 to %d", i, label[i], l.o-1)
		}
	}
	return sums(&c), fmt.Errorf("%d labels are not one of the classes 0 to %d", c.bad, l.o-1)
}
