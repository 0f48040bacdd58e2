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

// cpuLinear divides y and dx by rows, and the gradient of w by columns, so that each of its
// elements is one sum over all rows in their order. The gradient of b is added up in blocks of
// rows. Nothing depends on the number of threads.
type cpuLinear[F float] struct {
	cfg     LinearConfig
	y, dx   []F
	dp      []F // [M·K + M]
	db      []F // [blocks,M]
	workers []linearWorker[F]
}

// linearBlock is how many rows are added up to one part of the gradient of b.
const linearBlock = 64

type linearWorker[F float] struct {
	n0, n1 int // rows, whole blocks
	k0, k1 int // columns of the gradient of w, whole panels of the product
	gemm   *cpu.Gemm[F]
}

func newCPULinear[F float](isa string, threads int, cfg LinearConfig) (LinearPlan, error) {
	blocks := (cfg.N + linearBlock - 1) / linearBlock
	l := &cpuLinear[F]{cfg: cfg, y: make([]F, cfg.N*cfg.M), dx: make([]F, cfg.N*cfg.K),
		dp: make([]F, cfg.M*(cfg.K+1)), db: make([]F, blocks*cfg.M)}
	workers := max(1, min(threads, blocks))
	for i := range workers {
		w := linearWorker[F]{n0: blocks * i / workers * linearBlock,
			n1: min(cfg.N, blocks*(i+1)/workers*linearBlock)}
		rows := w.n1 - w.n0
		gemm, err := cpu.NewGemm[F](isa, max(rows, cfg.M), max(cfg.M, cfg.K), max(rows, cfg.M))
		if err != nil {
			return nil, fmt.Errorf("kernels: linear: %w", err)
		}
		panel := gemm.Panel()
		panels := (cfg.K + panel - 1) / panel
		w.k0, w.k1, w.gemm = panels*i/workers*panel, min(cfg.K, panels*(i+1)/workers*panel), gemm
		l.workers = append(l.workers, w)
	}
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
	cpu.Each(l.workers, func(r *linearWorker[F]) {
		y := l.y[r.n0*m : r.n1*m]
		r.gemm.Do(cpu.NT, r.n1-r.n0, m, k, x[r.n0*k:r.n1*k], w, y, false)
		for ; len(y) > 0; y = y[m:] {
			for j, v := range b {
				y[j] += v
			}
		}
	})
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
	cpu.Each(l.workers, func(r *linearWorker[F]) {
		r.gemm.Do(cpu.NN, r.n1-r.n0, k, m, dy[r.n0*m:r.n1*m], w, l.dx[r.n0*k:r.n1*k], false)
		r.gemm.Columns(cpu.TN, m, k, n, dy, x, l.dp, r.k0, r.k1)
		for lo := r.n0; lo < r.n1; lo += linearBlock {
			at := lo / linearBlock * m
			sum := l.db[at : at+m]
			clear(sum)
			addRows(sum, dy[lo*m:min(r.n1, lo+linearBlock)*m])
		}
	})
	db := l.dp[m*k:]
	clear(db)
	addRows(db, l.db)
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
