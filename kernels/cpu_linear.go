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

// cpuLinear splits the rows over workers; each keeps its own share of the weight gradient.
type cpuLinear[F float] struct {
	cfg     LinearConfig
	y, dx   []F
	workers []linearWorker[F]
}

type linearWorker[F float] struct {
	n0, n1 int
	gemm   *cpu.Gemm[F]
	dp     []F // [M·K + M]
}

func newCPULinear[F float](isa string, threads int, cfg LinearConfig) (LinearPlan, error) {
	l := &cpuLinear[F]{cfg: cfg, y: make([]F, cfg.N*cfg.M), dx: make([]F, cfg.N*cfg.K)}
	const rowsWorthAThread = 64
	workers := max(1, min(threads, cfg.N/rowsWorthAThread))
	rows := (cfg.N + workers - 1) / workers
	for n := 0; n < cfg.N; n += rows {
		gemm, err := cpu.NewGemm[F](isa, max(rows, cfg.M), max(cfg.M, cfg.K), rows)
		if err != nil {
			return nil, fmt.Errorf("kernels: linear: %w", err)
		}
		l.workers = append(l.workers, linearWorker[F]{n, min(n+rows, cfg.N), gemm, make([]F, cfg.M*(cfg.K+1))})
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
		for i := range y {
			y[i] += b[i%m]
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
		x, dy := x[r.n0*k:r.n1*k], dy[r.n0*m:r.n1*m]
		r.gemm.Do(cpu.NN, r.n1-r.n0, k, m, dy, w, l.dx[r.n0*k:r.n1*k], false)
		r.gemm.Do(cpu.TN, m, k, r.n1-r.n0, dy, x, r.dp, false)
		db := r.dp[m*k:]
		clear(db)
		for i, g := range dy {
			db[i%m] += g
		}
	})
	dp := l.workers[0].dp
	for _, r := range l.workers[1:] {
		for i, v := range r.dp {
			dp[i] += v
		}
	}
	return wrap(l.dx, n, k), wrap(dp, len(dp)), nil
}
