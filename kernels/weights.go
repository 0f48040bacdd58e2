package kernels

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Rectifier is how a stored weight becomes a weight.
type Rectifier int

const (
	AsIs     Rectifier = iota // w
	Absolute                  // |w|
	Positive                  // max(0, w)
	Sign                      // 1, 0 (of NaN, too) or −1, with the derivative 0 everywhere
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

// Stored returns the shape of w.
func (c WeightsConfig) Stored() tensor.Shape {
	if c.flat {
		return tensor.Shape{c.C}
	}
	return tensor.Shape{c.R, c.C}
}

// Scales returns the number of elements of a.
func (c WeightsConfig) Scales() int {
	return map[Along]int{Whole: 1, Columns: c.C, Rows: c.R}[c.Scale]
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
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg.flat = w.Dims() == 1 && cfg.R == 1
	if !w.Shape().Eq(cfg.Stored()) || w.Dims() != len(cfg.Stored()) {
		return nil, fmt.Errorf("kernels: weights: w is %v, want [%d,%d]: %w", w.Shape(), cfg.R, cfg.C, ErrShape)
	}
	n := cfg.Scales()
	if (a != nil) != (n > 0) || a != nil && (a.Dims() != 1 || a.Shape()[0] != n || a.Dtype() != cfg.Dtype) {
		return nil, fmt.Errorf("kernels: weights: the scale is %v, want %d numbers of type %v: %w", a, n, cfg.Dtype, ErrShape)
	}
	plan, err := dev.NewWeights(cfg)
	if err != nil {
		return nil, err
	}
	op := &weightsOp{op: newOp("weights %dx%d on %s", cfg.R, cfg.C, dev.Name()), cfg: cfg, plan: plan}
	in := []*gorgonia.Node{w, a}
	if a == nil {
		in = in[:1]
	}
	return apply(op, tensor.Shape{len(cfg.Readings) * cfg.R, cfg.C}, in...)
}

// Check refuses configurations that say nothing.
//
// Errors: wraps ErrShape.
func (c WeightsConfig) Check() error {
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

func (o *weightsOp) DiffWRT(inputs int) []bool { return []bool{true, true}[:inputs] }

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
	packed, err := apply(back, tensor.Shape{o.cfg.R*o.cfg.C + o.cfg.Scales()}, append(append(gorgonia.Nodes{}, in...), grad)...)
	if err != nil {
		return nil, err
	}
	dw, err := Field(packed, 0, o.cfg.Stored()...)
	if err != nil || len(in) == 1 {
		return gorgonia.Nodes{dw}, err
	}
	da, err := Field(packed, o.cfg.R*o.cfg.C, o.cfg.Scales())
	return gorgonia.Nodes{dw, da}, err
}

// weightsAdjoint is the adjoint of weightsOp.
type weightsAdjoint struct {
	adjoint
	weights *weightsOp
}

func (a *weightsAdjoint) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(a.name, &err)
	return a.weights.plan.Backward(in[0], a.weights.scale(in), in[len(in)-1])
}
