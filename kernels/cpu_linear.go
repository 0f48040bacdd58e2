//go:build cgo

package kernels

import (
	"fmt"

	"galvani/kernels/cpu"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func (d *cpuDevice) NewLinear(cfg LinearConfig) (LinearPlan, error) {
	if cfg.N < 1 || cfg.K < 1 || cfg.M < 1 {
		return nil, fmt.Errorf("kernels: linear: N=%d K=%d M=%d, want all at least 1: %w", cfg.N, cfg.K, cfg.M, ErrShape)
	}
	if cfg.Dtype == tensor.Float64 {
		return newCPULinear[float64]("float64", d.threads, cfg)
	}
	return newCPULinear[float32](d.isa, d.threads, cfg)
}

// cpuLinear divides the products among threads; what is left, adding b and adding up its gradient,
// is too little for that.
type cpuLinear[F float] struct {
	cfg   LinearConfig
	gemm  *cpu.Gemm[F]
	y, dx []F
	dp    []F // [M·K + M]
	db    []F // [M], of one block of rows
}

// blockRows is how many rows of the gradient of b are added up together before they are added to the
// others, which keeps the error of rounding small.
const blockRows = 64

func newCPULinear[F float](isa string, threads int, cfg LinearConfig) (LinearPlan, error) {
	gemm, err := cpu.NewGemm[F](isa, threads, max(cfg.M, cfg.K))
	if err != nil {
		return nil, fmt.Errorf("kernels: linear: %w", err)
	}
	l := &cpuLinear[F]{cfg: cfg, gemm: gemm, y: make([]F, cfg.N*cfg.M), dx: make([]F, cfg.N*cfg.K), dp: make([]F, cfg.M*(cfg.K+1)),
		db: make([]F, cfg.M)}
	return l, nil
}

func (l *cpuLinear[F]) Forward(xv, wv, bv gorgonia.Value) (gorgonia.Value, error) {
	n, k, m := l.cfg.N, l.cfg.K, l.cfg.M
	x, err := elems[F]("linear: x", xv, n, k)
	if err != nil {
		return nil, err
	}
	w, err := elems[F]("linear: w", wv, m, k)
	if err != nil {
		return nil, err
	}
	b, err := elems[F]("linear: b", bv, m)
	if err != nil {
		return nil, err
	}
	l.gemm.Do(cpu.NT, n, m, k, x, w, l.y, false)
	for y := l.y; len(y) > 0; y = y[m:] {
		for j, v := range b {
			y[j] += v
		}
	}
	return wrap(l.y, n, m), nil
}

func (l *cpuLinear[F]) Backward(xv, wv, dyv gorgonia.Value) (gorgonia.Value, gorgonia.Value, error) {
	n, k, m := l.cfg.N, l.cfg.K, l.cfg.M
	x, err := elems[F]("linear: x", xv, n, k)
	if err != nil {
		return nil, nil, err
	}
	w, err := elems[F]("linear: w", wv, m, k)
	if err != nil {
		return nil, nil, err
	}
	dy, err := elems[F]("linear: dy", dyv, n, m)
	if err != nil {
		return nil, nil, err
	}
	l.gemm.Do(cpu.NN, n, k, m, dy, w, l.dx, false)
	l.gemm.Do(cpu.TN, m, k, n, dy, x, l.dp, false)
	db := l.dp[m*k:]
	clear(db)
	for lo := 0; lo < n; lo += blockRows {
		clear(l.db)
		addRows(l.db, dy[lo*m:min(n, lo+blockRows)*m])
		addRows(db, l.db)
	}
	return wrap(l.dx, n, k), wrap(l.dp, len(l.dp)), nil
}

// addRows adds each row of x to sum.
func addRows[F float](sum, x []F) {
	for ; len(x) > 0; x = x[len(sum):] {
		for j, v := range x[:len(sum)] {
			sum[j] += v
		}
	}
}
