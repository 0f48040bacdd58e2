package kernels

import (
	"fmt"
	"math"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Rectifier is how a stored weight becomes a weight.
type Rectifier int

const (
	AsIs     Rectifier = iota // w
	Absolute                  // |w|
	Positive                  // max(0, w)
)

// Along is the axis of a matrix along which its scale differs.
type Along int

const (
	Unscaled Along = iota // no scale
	Whole                 // one number, [1]
	Columns               // one number per column, [C]: per presynaptic unit of a recurrent matrix
	Rows                  // one number per row, [R]: per postsynaptic unit
)

// Reading is one way to make weights of stored ones.
type Reading struct {
	Rectifier Rectifier
	Factor    []float64 // c [R·C], nil for ones
	Scaled    bool      // by a
}

// WeightsConfig says how the weights of a cell are made of a stored matrix w [R,C]. Reading q of
// them is block q of the result [Q·R,C]:
//
//	W_qij = c_qij f_q(w_ij) a_ij
//
// with a rectifier f, constants c (signs and masks) and a parameter a, constant but along one
// axis, or 1. A vector [C] is a matrix of one row. (One operation makes all readings of a matrix, so that on a device their gradients
// are summed there.)
//
// At 0, where a rectifier bends, its derivative is that of the side on which weights of the column
// may lie, so that a weight which a bound has moved to 0 can leave it again.
type WeightsConfig struct {
	R, C     int
	Readings []Reading
	Scale    Along     // of a
	Side     []float64 // [C]: −1 for a column that holds w ≤ 0 alone, else 1; nil for ones
	Dtype    tensor.Dtype

	flat bool // w is [C], R is 1
}

// stored returns the shape of w.
func (c WeightsConfig) stored() tensor.Shape {
	if c.flat {
		return tensor.Shape{c.C}
	}
	return tensor.Shape{c.R, c.C}
}

// scales returns the number of elements of a.
func (c WeightsConfig) scales() int {
	return map[Along]int{Whole: 1, Columns: c.C, Rows: c.R}[c.Scale]
}

// steps returns how far a moves on from row to row and from column to column.
func (c WeightsConfig) steps() (row, column int) {
	switch c.Scale {
	case Columns:
		return 0, 1
	case Rows:
		return 1, 0
	}
	return 0, 0
}

// WeightsPlan makes weights of fixed shape in its own buffers.
type WeightsPlan interface {
	// Forward returns W [Q·R,C]; a is nil where it is Unscaled.
	Forward(w, a gorgonia.Value) (gorgonia.Value, error)
	// Backward returns the packed gradient of w [R·C] and of a, given that of W.
	Backward(w, a, dW gorgonia.Value) (gorgonia.Value, error)
}

// Weights returns the weights [Q·R,C] that cfg makes of w [R,C] and a; a is nil where they are Unscaled.
//
// Errors: shapes and types that do not fit cfg; those of the device.
func Weights(dev Device, w, a *gorgonia.Node, cfg WeightsConfig) (*gorgonia.Node, error) {
	cfg.Dtype = w.Dtype()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.flat = w.Dims() == 1 && cfg.R == 1
	if !w.Shape().Eq(cfg.stored()) || w.Dims() != len(cfg.stored()) {
		return nil, fmt.Errorf("kernels: weights: w is %v, want [%d,%d]: %w", w.Shape(), cfg.R, cfg.C, ErrShape)
	}
	n := cfg.scales()
	if (a != nil) != (n > 0) || a != nil && (a.Dims() != 1 || a.Shape()[0] != n || a.Dtype() != cfg.Dtype) {
		return nil, fmt.Errorf("kernels: weights: the scale is %v, want %d numbers of type %v: %w", a, n, cfg.Dtype, ErrShape)
	}
	plan, err := dev.NewWeights(cfg)
	if err != nil {
		return nil, err
	}
	op := &weightsOp{op: newOp("weights %dx%d on %s", cfg.R, cfg.C, dev.Name()), cfg: cfg, plan: plan}
	if a == nil {
		return gorgonia.ApplyOp(op, w)
	}
	return gorgonia.ApplyOp(op, w, a)
}

// check refuses configurations that say nothing.
func (c WeightsConfig) check() error {
	if c.R < 1 || c.C < 1 || len(c.Readings) < 1 || len(c.Readings) > MaxReadings {
		return fmt.Errorf("kernels: weights: R=%d C=%d with %d readings, want both at least 1 and 1 to %d readings: %w",
			c.R, c.C, len(c.Readings), MaxReadings, ErrShape)
	}
	for q, r := range c.Readings {
		if r.Factor != nil && len(r.Factor) != c.R*c.C || r.Scaled && c.Scale == Unscaled {
			return fmt.Errorf("kernels: weights: reading %d has %d constants and scaled is %t, want none or %d and a scale for that: %w",
				q, len(r.Factor), r.Scaled, c.R*c.C, ErrShape)
		}
	}
	if c.Side != nil && len(c.Side) != c.C {
		return fmt.Errorf("kernels: weights: sides of %d columns, want none or %d: %w", len(c.Side), c.C, ErrShape)
	}
	return nil
}

// MaxReadings is how often one operation reads a matrix at most.
const MaxReadings = 4

// weightsOp is the operation behind Weights. Inputs: w, and a where there is one.
type weightsOp struct {
	op
	cfg  WeightsConfig
	plan WeightsPlan
}

func (o *weightsOp) dims() []int {
	dims := []int{len(o.cfg.stored())}
	if o.cfg.Scale == Unscaled {
		return dims
	}
	return append(dims, 1)
}

func (o *weightsOp) Arity() int    { return len(o.dims()) }
func (o *weightsOp) Type() hm.Type { return fnType(append(o.dims(), 2)...) }

func (o *weightsOp) DiffWRT(inputs int) []bool { return []bool{true, true}[:inputs] }

func (o *weightsOp) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return tensor.Shape{len(o.cfg.Readings) * o.cfg.R, o.cfg.C}, nil
}

// scale returns the second input, nil where there is none.
func (o *weightsOp) scale(in []gorgonia.Value) gorgonia.Value {
	if o.cfg.Scale == Unscaled {
		return nil
	}
	return in[1]
}

func (o *weightsOp) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(o.name, &err)
	return o.plan.Forward(in[0], o.scale(in))
}

// SymDiff makes one packed gradient and gives w and a their fields of it.
func (o *weightsOp) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	back := &weightsAdjoint{adjoint{newOp("adjoint of %s #%d", o.name, o.id)}, o}
	packed, err := gorgonia.ApplyOp(back, append(append(gorgonia.Nodes{}, in...), grad)...)
	if err != nil {
		return nil, err
	}
	dw, err := Field(packed, 0, o.cfg.stored()...)
	if err != nil || len(in) == 1 {
		return gorgonia.Nodes{dw}, err
	}
	da, err := Field(packed, o.cfg.R*o.cfg.C, o.cfg.scales())
	return gorgonia.Nodes{dw, da}, err
}

// weightsAdjoint is the adjoint of weightsOp.
type weightsAdjoint struct {
	adjoint
	weights *weightsOp
}

func (a *weightsAdjoint) Arity() int    { return a.weights.Arity() + 1 }
func (a *weightsAdjoint) Type() hm.Type { return fnType(append(a.weights.dims(), 2, 1)...) }

func (a *weightsAdjoint) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	c := a.weights.cfg
	return tensor.Shape{c.R*c.C + c.scales()}, nil
}

func (a *weightsAdjoint) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(a.name, &err)
	return a.weights.plan.Backward(in[0], a.weights.scale(in), in[len(in)-1])
}

// newWeights returns a plan in host memory.
func newWeights(cfg WeightsConfig) (WeightsPlan, error) {
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
type hostWeights[F float] struct {
	cfg         WeightsConfig
	rectifier   []rectifier[F] // of each reading
	factor      [][]F          // of each reading
	low         []bool         // [C]: columns of w ≤ 0
	part        [][]F          // gradients of w, of each reading
	out, packed []F
	sums        []float64
}

func newHostWeights[F float](cfg WeightsConfig) *hostWeights[F] {
	h := &hostWeights[F]{cfg: cfg, out: make([]F, len(cfg.Readings)*cfg.R*cfg.C), sums: make([]float64, cfg.scales()), low: make([]bool, cfg.C)}
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
	if ws, err = elems[F]("weights", w, h.cfg.stored()...); err != nil || h.cfg.Scale == Unscaled {
		return ws, nil, err
	}
	as, err = elems[F]("weights: scale", a, h.cfg.scales())
	return ws, as, err
}

// slopes are the derivatives of a rectifier for w ≥ 0 and w < 0.
var slopes = map[Rectifier][2]float64{AsIs: {1, 1}, Absolute: {1, -1}, Positive: {1, 0}}

// rectifier computes f(w) without a branch on the sign of w, which is as good as random.
type rectifier[F float] struct {
	slope [2]F
	zero  F // makes a zero positive, or leaves it
}

func newRectifier[F float](f Rectifier) rectifier[F] {
	var r rectifier[F]
	for i, s := range slopes[f] {
		r.slope[i] = F(s)
	}
	if f == AsIs {
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
	return w*slope + r.zero, slope
}

// sided returns the derivative of f at w given that at gives slope; low tells that w ≤ 0.
func (r *rectifier[F]) sided(w, slope F, low bool) F {
	if low && w == 0 {
		return r.slope[1]
	}
	return slope
}

// Forward implements WeightsPlan.
func (h *hostWeights[F]) Forward(w, a gorgonia.Value) (gorgonia.Value, error) {
	ws, as, err := h.bind(w, a)
	if err != nil {
		return nil, err
	}
	row, column := h.cfg.steps()
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
	return wrap(h.out, len(h.cfg.Readings)*h.cfg.R, h.cfg.C), nil
}

// Backward implements WeightsPlan.
func (h *hostWeights[F]) Backward(w, a, dW gorgonia.Value) (gorgonia.Value, error) {
	ws, as, err := h.bind(w, a)
	if err != nil {
		return nil, err
	}
	g, err := elems[F]("weights: gradient", dW, len(h.cfg.Readings)*h.cfg.R, h.cfg.C)
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
	row, column := h.cfg.steps()
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
	return wrap(h.packed, len(h.packed)), nil
}
