package cpu

import (
	"fmt"
	"math"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// newWeights returns a plan in host memory.
func newWeights(cfg kernels.WeightsConfig) (kernels.WeightsPlan, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	switch cfg.Dtype {
	case tensor.Float32:
		return newHostWeights[float32](cfg), nil
	case tensor.Float64:
		return newHostWeights[float64](cfg), nil
	}
	return nil, fmt.Errorf("kernels: weights: %v is neither float32 nor float64", cfg.Dtype)
}

// hostWeights makes weights in host memory. The gradient of a sums in float64, readings and rows in
// turn.
type hostWeights[F kernels.Float] struct {
	cfg         kernels.WeightsConfig
	rectifier   []rectifier[F] // of each reading
	factor      [][]F          // of each reading
	low         []bool         // [C]: columns of w ≤ 0
	part        [][]F          // gradients of w, of each reading
	out, packed []F
	sums        []float64
}

func newHostWeights[F kernels.Float](cfg kernels.WeightsConfig) *hostWeights[F] {
	h := &hostWeights[F]{cfg: cfg, out: make([]F, len(cfg.Readings)*cfg.R*cfg.C), sums: make([]float64, cfg.Scales()), low: make([]bool, cfg.C)}
	for j, side := range cfg.Side {
		h.low[j] = side < 0
	}
	for _, r := range cfg.Readings {
		var factor []F
		for _, c := range r.Factor {
			factor = append(factor, F(c))
		}
		h.rectifier, h.factor = append(h.rectifier, newRectifier[F](r.Rectifier)), append(h.factor, factor)
	}
	return h
}

// bind checks the inputs.
func (h *hostWeights[F]) bind(w, a gorgonia.Value) (ws, as []F, err error) {
	if ws, err = kernels.Elems[F]("weights", w, h.cfg.Stored()...); err != nil || h.cfg.Scale == kernels.Unscaled {
		return ws, nil, err
	}
	as, err = kernels.Elems[F]("weights: scale", a, h.cfg.Scales())
	return ws, as, err
}

// steps returns how far a moves on from row to row and from column to column.
func steps(c kernels.WeightsConfig) (row, column int) {
	switch c.Scale {
	case kernels.Columns:
		return 0, 1
	case kernels.Rows:
		return 1, 0
	}
	return 0, 0
}

// slopes are the derivatives of a rectifier for w ≥ 0 and w < 0.
var slopes = map[kernels.Rectifier][2]float64{kernels.AsIs: {1, 1}, kernels.Absolute: {1, -1}, kernels.Positive: {1, 0}, kernels.Sign: {0, 0}}

// rectifier computes f(w) without a branch on the sign of w, which is as good as random.
type rectifier[F kernels.Float] struct {
	slope [2]F
	zero  F    // makes a zero positive, or leaves it
	sign  bool // f is the sign and not linear
}

func newRectifier[F kernels.Float](f kernels.Rectifier) rectifier[F] {
	r := rectifier[F]{sign: f == kernels.Sign}
	for i, s := range slopes[f] {
		r.slope[i] = F(s)
	}
	if f == kernels.AsIs {
		r.zero = F(math.Copysign(0, -1))
	}
	return r
}

// at returns f(w) and its derivative, which at 0 is that for w ≥ 0.
func (r *rectifier[F]) at(w F) (y, slope F) {
	i := 0
	if w < 0 {
		i = 1
	}
	slope = r.slope[i]
	if r.sign {
		switch {
		case w > 0:
			return 1, slope
		case w < 0:
			return -1, slope
		}
		return 0, slope
	}
	return w*slope + r.zero, slope
}

// sided returns the derivative of f at w given that at gives slope; low tells that w ≤ 0.
func (r *rectifier[F]) sided(w, slope F, low bool) F {
	if low && w == 0 {
		return r.slope[1]
	}
	return slope
}

// Forward implements kernels.WeightsPlan.
func (h *hostWeights[F]) Forward(w, a gorgonia.Value) (gorgonia.Value, error) {
	ws, as, err := h.bind(w, a)
	if err != nil {
		return nil, err
	}
	row, column := steps(h.cfg)
	for q, r := range h.cfg.Readings {
		f, out := &h.rectifier[q], h.out[q*len(ws):(q+1)*len(ws)]
		for k, w := range ws {
			out[k], _ = f.at(w)
		}
		for k, c := range h.factor[q] {
			out[k] *= c
		}
		for i := 0; i < h.cfg.R && r.Scaled; i++ {
			for j := range h.cfg.C {
				out[i*h.cfg.C+j] *= as[i*row+j*column]
			}
		}
	}
	return kernels.Wrap(h.out, len(h.cfg.Readings)*h.cfg.R, h.cfg.C), nil
}

// Backward implements kernels.WeightsPlan.
func (h *hostWeights[F]) Backward(w, a, dW gorgonia.Value) (gorgonia.Value, error) {
	ws, as, err := h.bind(w, a)
	if err != nil {
		return nil, err
	}
	g, err := kernels.Elems[F]("weights: gradient", dW, len(h.cfg.Readings)*h.cfg.R, h.cfg.C)
	if err != nil {
		return nil, err
	}
	n := len(ws)
	if h.packed == nil {
		h.packed = make([]F, n+len(h.sums))
		for range h.cfg.Readings {
			h.part = append(h.part, make([]F, n))
		}
	}
	clear(h.sums)
	row, column := steps(h.cfg)
	for q, r := range h.cfg.Readings {
		f, dW, dw := &h.rectifier[q], g[q*n:(q+1)*n], h.part[q][:n]
		copy(dw, dW)
		for k, c := range h.factor[q] {
			dw[k] *= c
		}
		for i := 0; i < h.cfg.R; i++ {
			for j := range h.cfg.C {
				k := i*h.cfg.C + j
				y, slope := f.at(ws[k])
				slope = f.sided(ws[k], slope, h.low[j])
				if !r.Scaled {
					dw[k] *= slope
					continue
				}
				at := i*row + j*column
				h.sums[at] += float64(dw[k] * y)
				dw[k] = dw[k] * slope * as[at]
			}
		}
	}
	copy(h.packed, h.part[0])
	for _, dw := range h.part[1:] {
		for k, d := range dw {
			h.packed[k] += d
		}
	}
	for k, s := range h.sums {
		h.packed[n+k] = F(s)
	}
	return kernels.Wrap(h.packed, len(h.packed)), nil
}
