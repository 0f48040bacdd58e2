package kernels

import (
	"fmt"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Rectifier is how a stored weight becomes a weight.
type Rectifier int

const (
	AsIs     Rectifier = iota // w
	Absolute                  // |w|, derivative 0 at 0
	Positive                  // max(0, w), derivative 0 at 0
)

// Along is the axis of a matrix along which its scale differs.
type Along int

const (
	Unscaled Along = iota // no scale
	Whole                 // one number, [1]
	Columns               // one number per column, [C]: per presynaptic unit of a recurrent matrix
	Rows                  // one number per row, [R]: per postsynaptic unit
)

// WeightsConfig says how the weights W [R,C] of a cell are made of a stored matrix w [R,C]:
//
//	W_ij = c_ij f(w_ij) a_ij
//
// with a rectifier f, constants c (signs and masks) and a parameter a, constant but along one axis.
type WeightsConfig struct {
	R, C      int
	Rectifier Rectifier
	Factor    []float64 // c [R·C], nil for ones
	Scale     Along
	Dtype     tensor.Dtype
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
	// Forward returns W [R,C]; a is nil where it is Unscaled.
	Forward(w, a gorgonia.Value) (gorgonia.Value, error)
	// Backward returns the packed gradient of w [R·C] and of a, given that of W.
	Backward(w, a, dW gorgonia.Value) (gorgonia.Value, error)
}

// Weights returns the weights that cfg makes of w [R,C] and a; a is nil where they are Unscaled.
//
// Errors: shapes and types that do not fit cfg; those of the device.
func Weights(dev Device, w, a *gorgonia.Node, cfg WeightsConfig) (*gorgonia.Node, error) {
	cfg.Dtype = w.Dtype()
	if !w.Shape().Eq(tensor.Shape{cfg.R, cfg.C}) || cfg.Factor != nil && len(cfg.Factor) != cfg.R*cfg.C {
		return nil, fmt.Errorf("kernels: weights: w is %v with %d constants, want [%d,%d] and as many or none: %w",
			w.Shape(), len(cfg.Factor), cfg.R, cfg.C, ErrShape)
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

// weightsOp is the operation behind Weights. Inputs: w, and a where there is one.
type weightsOp struct {
	op
	cfg  WeightsConfig
	plan WeightsPlan
}

func (o *weightsOp) dims() []int {
	if o.cfg.Scale == Unscaled {
		return []int{2}
	}
	return []int{2, 1}
}

func (o *weightsOp) Arity() int    { return len(o.dims()) }
func (o *weightsOp) Type() hm.Type { return fnType(append(o.dims(), 2)...) }

func (o *weightsOp) DiffWRT(inputs int) []bool { return []bool{true, true}[:inputs] }

func (o *weightsOp) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return tensor.Shape{o.cfg.R, o.cfg.C}, nil
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
	dw, err := Field(packed, 0, o.cfg.R, o.cfg.C)
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

// hostWeights makes weights in host memory. The gradient of a sums in float64, rows in turn.
type hostWeights[F float] struct {
	cfg         WeightsConfig
	factor      []F
	out, packed []F
	sums        []float64
}

func newHostWeights[F float](cfg WeightsConfig) *hostWeights[F] {
	h := &hostWeights[F]{cfg: cfg, out: make([]F, cfg.R*cfg.C), sums: make([]float64, cfg.scales())}
	for _, c := range cfg.Factor {
		h.factor = append(h.factor, F(c))
	}
	return h
}

// bind checks the inputs; one stands for a scale that there is not.
func (h *hostWeights[F]) bind(w, a gorgonia.Value) (ws, as []F, err error) {
	if ws, err = elems[F]("weights", w, h.cfg.R, h.cfg.C); err != nil || h.cfg.Scale == Unscaled {
		return ws, []F{1}, err
	}
	as, err = elems[F]("weights: scale", a, h.cfg.scales())
	return ws, as, err
}

// constant returns c of element k.
func (h *hostWeights[F]) constant(k int) F {
	if h.factor == nil {
		return 1
	}
	return h.factor[k]
}

// rectify returns f(w) and its derivative.
func rectify[F float](f Rectifier, w F) (y, slope F) {
	switch {
	case f == AsIs || w > 0:
		return w, 1
	case f == Absolute && w < 0:
		return -w, -1
	}
	return 0, 0
}

// Forward implements WeightsPlan.
func (h *hostWeights[F]) Forward(w, a gorgonia.Value) (gorgonia.Value, error) {
	ws, as, err := h.bind(w, a)
	if err != nil {
		return nil, err
	}
	row, column := h.cfg.steps()
	for i := range h.cfg.R {
		for j := range h.cfg.C {
			k := i*h.cfg.C + j
			y, _ := rectify(h.cfg.Rectifier, ws[k])
			h.out[k] = h.constant(k) * y * as[i*row+j*column]
		}
	}
	return wrap(h.out, h.cfg.R, h.cfg.C), nil
}

// Backward implements WeightsPlan.
func (h *hostWeights[F]) Backward(w, a, dW gorgonia.Value) (gorgonia.Value, error) {
	ws, as, err := h.bind(w, a)
	if err != nil {
		return nil, err
	}
	g, err := elems[F]("weights: gradient", dW, h.cfg.R, h.cfg.C)
	if err != nil {
		return nil, err
	}
	n := h.cfg.R * h.cfg.C
	if h.packed == nil {
		h.packed = make([]F, n+len(h.sums))
	}
	clear(h.sums)
	row, column := h.cfg.steps()
	for i := range h.cfg.R {
		for j := range h.cfg.C {
			k := i*h.cfg.C + j
			y, slope := rectify(h.cfg.Rectifier, ws[k])
			c := h.constant(k) * g[k]
			h.packed[k] = c * slope * as[i*row+j*column]
			if len(h.sums) > 0 {
				h.sums[i*row+j*column] += float64(c * y)
			}
		}
	}
	for k, s := range h.sums {
		h.packed[n+k] = F(s)
	}
	return wrap(h.packed, len(h.packed)), nil
}
