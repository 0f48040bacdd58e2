package probe

import (
	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Course is the scan of a probe for one shape.
type Course struct {
	Probe *Probe
	T, B  int
	plan  kernels.ScanPlan
	args  kernels.ScanArgs
	X     []float64
}

// Course allocates a scan of t steps and b sequences; with grad it can go back.
func (p *Probe) Course(t, b int, grad bool) (*Course, error) {
	cfg := kernels.ScanConfig{Cell: p.Cell, T: t, B: b, I: p.Dims.I, H: p.Dims.H, Dtype: tensor.Float64,
		Params: p.specs, KeepGradH: grad, ForwardOnly: !grad}
	c := &Course{Probe: p, T: t, B: b, X: make([]float64, t*b*p.Dims.I)}
	var err error
	if c.plan, err = p.dev.NewScan(cfg); err != nil {
		return nil, err
	}
	c.args.X = dense(c.X, t, b, p.Dims.I)
	for i, s := range p.specs {
		c.args.Params = append(c.args.Params, dense(p.values[i], s.Shape...))
	}
	return c, nil
}

func dense(v []float64, shape ...int) gorgonia.Value {
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))
}

// Forward runs the sequence from a state [S,B,H] with the inputs in c.x [T,B,I] and returns
// h [T,B,H] and the last state. Both are valid until the next call.
func (c *Course) Forward(state []float64) (h, final []float64, err error) {
	c.args.State = dense(state, c.Probe.Cell.States, c.B, c.Probe.Dims.H)
	if _, err = c.plan.Forward(c.args); err != nil {
		return nil, nil, err
	}
	return c.plan.H().Data().([]float64), c.plan.Final().Data().([]float64), nil
}

// Backward returns ∂L/∂h_t for every step [T,B,H], given those of the outputs dh [T,B,H]. It
// follows a forward.
func (c *Course) Backward(dh []float64) ([]float64, error) {
	if _, err := c.plan.Backward(c.args, dense(dh, c.T*c.B, c.Probe.Dims.H)); err != nil {
		return nil, err
	}
	return c.plan.GradH().Data().([]float64), nil
}

// Hold makes every step of the input x [I], for all sequences.
func (c *Course) Hold(x []float64) {
	for t := range c.T {
		c.HoldAt(t, x)
	}
}

// HoldAt makes step t of the input x [I], for all sequences.
func (c *Course) HoldAt(t int, x []float64) {
	for b := range c.B {
		copy(c.X[(t*c.B+b)*len(x):], x)
	}
}

// Tile repeats a state [S,1,H] for b sequences: [S,b,H].
func Tile(state []float64, planes, b int) []float64 {
	units := len(state) / planes
	var all []float64
	for s := range planes {
		for range b {
			all = append(all, state[s*units:(s+1)*units]...)
		}
	}
	return all
}
