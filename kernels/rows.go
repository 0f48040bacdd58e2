package kernels

import (
	"galvani/kernels/random"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// RowsConfig is what stands between scans, or adds to the loss, on rows [N,H]: one of the types below. Inputs and results
// of its Composite are those of the function that it is named after, and so is what they hold.
type RowsConfig interface{ rows() }

// NormConfig is LayerNorm of x [N,H] with Eps added to the variance. Inputs are x, gain and bias, each a group.
type NormConfig struct {
	N, H int
	Eps  float64
}

// DropoutConfig is Dropout of x [N,H] of Steps steps.
type DropoutConfig struct {
	N, H, Steps int
	P           float64
	Layer       uint64
	Draw        func() NoiseDraw
}

// Key returns the stream of a run; 0 and 1 of the layer are those of Noise.
func (c DropoutConfig) Key(d NoiseDraw) random.Stream { return d.Key.Stream(c.Layer).Stream(2) }

// ReversalConfig is Reversed of x [N,H] of Steps steps; Mask [T,B] is nil where all sequences have as many.
type ReversalConfig struct {
	N, H, Steps int
	Mask        gorgonia.Value
}

// BesideConfig is Beside of a [N,Widths[0]] and b [N,Widths[1]], each a group.
type BesideConfig struct {
	N      int
	Widths [2]int
}

// LastConfig is LastRows of x [N,H].
type LastConfig struct{ N, H, Rows int }

// SumConfig is a + b, [N,H] each, each a group.
type SumConfig struct{ N, H int }

// PenaltyConfig is PenaliseWeights of w, or with Rates PenaliseRates of h of Steps steps with Mask [T,B], nil for none. Its
// Composite is a Penalising.
type PenaltyConfig struct {
	Shape  tensor.Shape
	L1, L2 float64
	Rates  *RatePenalty
	Steps  int
	Mask   gorgonia.Value
}

func (NormConfig) rows()     {}
func (DropoutConfig) rows()  {}
func (ReversalConfig) rows() {}
func (BesideConfig) rows()   {}
func (LastConfig) rows()     {}
func (SumConfig) rows()      {}
func (PenaltyConfig) rows()  {}

// Penalising is the Composite of a PenaltyConfig.
type Penalising interface {
	Composite
	// Terms returns the terms of the last Forward with their strengths, [Penalties] by Penalty.
	Terms() gorgonia.Value
}

// away returns what a device with memory of its own computes cfg with, nil for one that computes in host memory.
func away(dev Device, cfg RowsConfig) (Composite, error) {
	if r, ok := dev.(Resident); ok {
		return r.NewRows(cfg)
	}
	return nil, nil
}

// rowsOn returns what cfg is computed with: by the device, where it has memory of its own, or in host memory by the one
// for numbers of a type.
func rowsOn[C RowsConfig](dev Device, cfg C, of tensor.Dtype, double, single func(C) Composite) (Composite, error) {
	if c, err := away(dev, cfg); c != nil || err != nil {
		return c, err
	}
	if of == tensor.Float64 {
		return double(cfg), nil
	}
	return single(cfg), nil
}

// LastRows returns the last rows of x [N,H], [rows,H].
//
// Errors: ErrShape for more rows than there are; those of the device.
func LastRows(dev Device, x *gorgonia.Node, rows int) (*gorgonia.Node, error) {
	n, h := x.Shape()[0], x.Shape()[1]
	if _, ok := dev.(Resident); !ok || rows < 1 || rows > n {
		return Field(x, (n-rows)*h, rows, h)
	}
	c, err := away(dev, LastConfig{n, h, rows})
	if err != nil {
		return nil, err
	}
	return Compose("last rows", c, tensor.Shape{rows, h}, []Group{{0}}, x)
}
