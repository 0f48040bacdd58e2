//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/driver"

	"gorgonia.org/gorgonia"
)

// Linear is y [N,M] = x [N,K] Wᵀ + b, W [M,K]. It implements kernels.LinearPlan.
type Linear struct {
	d         *Device
	n, k, m   int
	given     bool // x has no gradient
	fixed     bool // W and b have none
	y, dx, dp driver.Ptr
	gemm      *gemm
	columns   *kernel
}

// NewLinear implements kernels.Device.
func (d *Device) NewLinear(cfg kernels.LinearConfig) (kernels.LinearPlan, error) {
	if err := float32Only("linear", cfg.Dtype); err != nil {
		return nil, err
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	n, k, m := cfg.N, cfg.K, cfg.M
	l := &Linear{d: d, n: n, k: k, m: m, given: cfg.Given, fixed: cfg.Fixed}
	err := d.build("linear", func(b *builder) {
		l.y = b.floats(n * m)
		if !l.given {
			l.dx = b.floats(n * k)
		}
		if !l.fixed {
			l.dp = b.floats(m * (k + 1))
		}
		l.gemm = b.gemm([3]int{m, k, n})
		l.columns = b.kernel("gemm", "column_sum")
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Linear) bind(xv, wv gorgonia.Value) (x, w *Array, err error) {
	if x, err = l.d.taken("linear: x", xv, l.n, l.k); err != nil {
		return nil, nil, err
	}
	w, err = l.d.taken("linear: w", wv, l.m, l.k)
	return x, w, err
}

// Forward queues y.
func (l *Linear) Forward(xv, wv, bv gorgonia.Value) (gorgonia.Value, error) {
	x, w, err := l.bind(xv, wv)
	if err != nil {
		return nil, err
	}
	b, err := l.d.taken("linear: b", bv, l.m)
	if err != nil {
		return nil, err
	}
	l.d.queue("linear forward", func(q *work) {
		l.gemm.do(q, product{layout: nt, m: l.n, n: l.m, k: l.k, a: x.ptr, lda: l.k,
			b: w.ptr, ldb: l.k, c: l.y, ldc: l.m, bias: b.ptr})
	})
	return l.d.array(l.y, l.n, l.m), nil
}

// Backward queues dx [N,K] and the packed gradient [M·K + M] of W and b.
func (l *Linear) Backward(xv, wv, dyv gorgonia.Value) (dx, dparams gorgonia.Value, err error) {
	x, w, err := l.bind(xv, wv)
	if err != nil {
		return nil, nil, err
	}
	dy, err := l.d.taken("linear: dy", dyv, l.n, l.m)
	if err != nil {
		return nil, nil, err
	}
	l.d.queue("linear backward", func(q *work) {
		if !l.given {
			l.gemm.do(q, product{layout: nn, m: l.n, n: l.k, k: l.m, a: dy.ptr, lda: l.m, b: w.ptr, ldb: l.k, c: l.dx, ldc: l.k})
		}
		if l.fixed {
			return
		}
		l.gemm.do(q, product{layout: tn, m: l.m, n: l.k, k: l.n, a: dy.ptr, lda: l.m, b: x.ptr, ldb: l.k, c: l.dp, ldc: l.k})
		p := C.struct_column_sum_params{N: C.int(l.n), M: C.int(l.m), x: ptr(dy.ptr), out: ptr(offset(l.dp, l.m*l.k))}
		q.launch(l.columns, of(C.column_launch(p.M)), unsafe.Pointer(&p))
	})
	if !l.given {
		dx = l.d.array(l.dx, l.n, l.k)
	}
	if !l.fixed {
		dparams = l.d.array(l.dp, l.m*(l.k+1))
	}
	return dx, dparams, nil
}
