package layered

import (
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// plainLinear is a kernels.LinearPlan in Go, for what runs without a device. Sums are in float64.
type plainLinear[F kernels.Float] struct{ cfg kernels.LinearConfig }

// Forward returns x·wᵀ + b.
func (l *plainLinear[F]) Forward(xv, wv, bv gorgonia.Value) (gorgonia.Value, error) {
	x, w, err := l.bind(xv, wv)
	if err != nil {
		return nil, err
	}
	b, err := kernels.Elems[F]("linear: b", bv, l.cfg.M)
	if err != nil {
		return nil, err
	}
	y := make([]F, l.cfg.N*l.cfg.M)
	each(l.cfg.N, l.cfg.M, l.cfg.K, func(n, m, k int) float64 { return float64(x[n*l.cfg.K+k]) * float64(w[m*l.cfg.K+k]) }, y)
	for i := range y {
		y[i] += b[i%l.cfg.M]
	}
	return kernels.Wrap(y, l.cfg.N, l.cfg.M), nil
}

// Backward implements kernels.LinearPlan.
func (l *plainLinear[F]) Backward(xv, wv, dyv gorgonia.Value) (dx, dparams gorgonia.Value, err error) {
	x, w, err := l.bind(xv, wv)
	if err != nil {
		return nil, nil, err
	}
	n, k, m := l.cfg.N, l.cfg.K, l.cfg.M
	dy, err := kernels.Elems[F]("linear: dy", dyv, n, m)
	if err != nil {
		return nil, nil, err
	}
	if !l.cfg.Given {
		d := make([]F, n*k)
		each(n, k, m, func(i, j, s int) float64 { return float64(dy[i*m+s]) * float64(w[s*k+j]) }, d)
		dx = kernels.Wrap(d, n, k)
	}
	if l.cfg.Fixed {
		return dx, nil, nil
	}
	d := make([]F, m*k+m)
	each(m, k, n, func(i, j, s int) float64 { return float64(dy[s*m+i]) * float64(x[s*k+j]) }, d[:m*k])
	each(m, 1, n, func(i, _, s int) float64 { return float64(dy[s*m+i]) }, d[m*k:])
	return dx, kernels.Wrap(d, len(d)), nil
}

func (l *plainLinear[F]) bind(xv, wv gorgonia.Value) (x, w []F, err error) {
	if x, err = kernels.Elems[F]("linear: x", xv, l.cfg.N, l.cfg.K); err != nil {
		return nil, nil, err
	}
	w, err = kernels.Elems[F]("linear: w", wv, l.cfg.M, l.cfg.K)
	return x, w, err
}

// each sets out [rows,cols] to sums of terms over s.
func each[F kernels.Float](rows, cols, terms int, term func(i, j, s int) float64, out []F) {
	for i := range rows {
		for j := range cols {
			sum := 0.0
			for s := range terms {
				sum += term(i, j, s)
			}
			out[i*cols+j] = F(sum)
		}
	}
}
