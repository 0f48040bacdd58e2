//go:build cgo

package cpu

import (
	"fmt"

	"galvani/kernels"
	"galvani/kernels/pages"

	"gorgonia.org/gorgonia"
)

// linear divides the products among threads; what is left, adding b and adding up its gradient,
// is too little for that.
type linear[F kernels.Float] struct {
	cfg   kernels.LinearConfig
	gemm  *Gemm[F]
	y, dx []F
	dp    []F // [M·K + M]
	db    []F // [M], of one block of rows
}

// linearBlock is how many rows of the gradient of b are added up together before they are added to the
// others, which keeps the error of rounding small.
const linearBlock = 64

func newLinear[F kernels.Float](d *Device, isa string, cfg kernels.LinearConfig) (*linear[F], error) {
	gemm, err := NewGemm[F](isa, d.threads, max(cfg.M, cfg.K))
	if err != nil {
		return nil, fmt.Errorf("kernels: linear: %w", err)
	}
	gemm.tempo = d.tempo
	l := &linear[F]{cfg: cfg, gemm: gemm, y: pages.Make[F](cfg.N * cfg.M)}
	if !cfg.Given {
		l.dx = pages.Make[F](cfg.N * cfg.K)
	}
	if !cfg.Fixed {
		l.dp, l.db = pages.Make[F](cfg.M*(cfg.K+1)), make([]F, cfg.M)
	}
	return l, nil
}

func (l *linear[F]) Forward(xv, wv, bv gorgonia.Value) (gorgonia.Value, error) {
	n, k, m := l.cfg.N, l.cfg.K, l.cfg.M
	x, err := kernels.Elems[F]("linear: x", xv, n, k)
	if err != nil {
		return nil, err
	}
	w, err := kernels.Elems[F]("linear: w", wv, m, k)
	if err != nil {
		return nil, err
	}
	b, err := kernels.Elems[F]("linear: b", bv, m)
	if err != nil {
		return nil, err
	}
	l.gemm.Do(NT, n, m, k, x, w, l.y, false)
	for y := l.y; len(y) > 0; y = y[m:] {
		for j, v := range b {
			y[j] += v
		}
	}
	return kernels.Wrap(l.y, n, m), nil
}

func (l *linear[F]) Backward(xv, wv, dyv gorgonia.Value) (dx, dparams gorgonia.Value, err error) {
	n, k, m := l.cfg.N, l.cfg.K, l.cfg.M
	x, err := kernels.Elems[F]("linear: x", xv, n, k)
	if err != nil {
		return nil, nil, err
	}
	w, err := kernels.Elems[F]("linear: w", wv, m, k)
	if err != nil {
		return nil, nil, err
	}
	dy, err := kernels.Elems[F]("linear: dy", dyv, n, m)
	if err != nil {
		return nil, nil, err
	}
	if !l.cfg.Given {
		l.gemm.Do(NN, n, k, m, dy, w, l.dx, false)
		dx = kernels.Wrap(l.dx, n, k)
	}
	if l.cfg.Fixed {
		return dx, nil, nil
	}
	l.gemm.Do(TN, m, k, n, dy, x, l.dp, false)
	db := l.dp[m*k:]
	clear(db)
	for lo := 0; lo < n; lo += linearBlock {
		clear(l.db)
		addRows(l.db, dy[lo*m:min(n, lo+linearBlock)*m])
		addRows(db, l.db)
	}
	return dx, kernels.Wrap(l.dp, len(l.dp)), nil
}

// addRows adds each row of x to sum.
func addRows[F kernels.Float](sum, x []F) {
	for ; len(x) > 0; x = x[len(sum):] {
		for j, v := range x[:len(sum)] {
			sum[j] += v
		}
	}
}
