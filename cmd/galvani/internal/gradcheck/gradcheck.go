// Package gradcheck holds the gradients of a network to central differences in float64.
package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"

	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
)

// Tolerance is the largest error of a parameter's gradient relative to its largest element.
// The differences themselves are good to about 1e-9 at the step width below.
const Tolerance = 1e-6

// width is the step of the differences relative to a parameter of size 1. The error of the
// fourth-order formula is width⁴, that of rounding 1e-16/width; both are near 1e-13 here.
const width = 5e-4

// kink is the disagreement of two step widths, relative to the largest element, from which a
// corner of a rectified function lies between them and a difference is no derivative.
const kink = 1e-4

// noise is the standard deviation of what is added to each parameter before the check.
const noise = 0.2

// Row is the result for one parameter.
type Row struct {
	Param    string  `json:"param"`
	Elements int     `json:"elements"`
	Kinks    int     `json:"kinks"`    // elements left out at a corner of a rectified function
	Largest  float64 `json:"gradient"` // largest element by central differences
	Error    float64 `json:"error"`    // largest error relative to it
	Pass     bool    `json:"pass"`
}

// Config is the shape of the check. A nil device checks the unrolled graph.
type Config struct {
	Net     engine.Network
	Device  kernels.Device
	T, B, I int
	Seed    uint64
}

// Run draws parameters and a batch with a target at every step, and compares for every learned
// parameter the gradient of the loss with central differences.
//
// Errors: those of engine; a gradient that differs is no error but a Row that does not pass.
func Run(c Config) ([]Row, error) {
	params, err := engine.NewParams[float64](c.Net, c.Seed)
	if err != nil {
		return nil, err
	}
	c.shake(params)
	graph, err := engine.NewGraph[float64](engine.GraphConfig{Net: c.Net, Device: c.Device,
		T: c.T, B: c.B, I: c.I, Goal: data.Classify, Every: true, Grad: true}, params)
	if err != nil {
		return nil, err
	}
	defer graph.Close()
	if err := graph.Load(c.batch()); err != nil {
		return nil, err
	}
	if err := graph.Run(); err != nil {
		return nil, err
	}
	adjoint := append([]float64(nil), graph.Grad()...)
	values := params.Learned()
	var rows []Row
	at := 0
	for _, s := range params.Specs() {
		if !s.Learned {
			continue
		}
		row, err := compare(graph, values[at:at+s.Len()], adjoint[at:at+s.Len()])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		row.Param = s.Name
		rows = append(rows, row)
		at += s.Len()
	}
	return rows, nil
}

// shake moves the learned parameters away from their initial values, many of which are special:
// a bias of 0, or weights so small that every unit stands at the corner of its rectifier.
func (c Config) shake(p *engine.Params[float64]) {
	rng := rand.New(rand.NewPCG(c.Seed, 1))
	values := p.Learned()
	for i := range values {
		values[i] += noise * rng.NormFloat64()
	}
	p.Project()
}

// batch draws inputs from a Gaussian and labels at random.
func (c Config) batch() *data.Batch {
	rng := rand.New(rand.NewPCG(c.Seed, 0))
	o := c.Net.Outputs()
	b := data.NewBatch(&data.Task{T: c.T, I: c.I, O: o, Goal: data.Classify, Every: true}, c.B)
	for i := range b.X {
		b.X[i] = float32(rng.NormFloat64())
	}
	for i := range b.Label {
		b.Label[i], b.Weight[i] = float32(rng.IntN(o)), 1
	}
	return b
}

// compare differentiates the loss numerically by each of the values, which the graph reads at
// every run.
func compare(graph *engine.Graph[float64], values, adjoint []float64) (Row, error) {
	numeric, rough := make([]float64, len(values)), make([]float64, len(values))
	row := Row{Elements: len(values)}
	for i := range values {
		near, err := difference(graph, &values[i], width)
		if err != nil {
			return row, err
		}
		far, err := difference(graph, &values[i], 2*width)
		if err != nil {
			return row, err
		}
		// Richardson's extrapolation removes the error of second order.
		numeric[i], rough[i] = (4*near-far)/3, math.Abs(near-far)
		row.Largest = max(row.Largest, math.Abs(numeric[i]))
	}
	scale := max(row.Largest, math.SmallestNonzeroFloat64)
	for i, d := range numeric {
		if rough[i] > kink*scale && math.Abs(d-adjoint[i]) > Tolerance*scale {
			row.Kinks++
			continue
		}
		row.Error = max(row.Error, math.Abs(d-adjoint[i])/scale)
	}
	row.Pass = row.Error <= Tolerance && 2*row.Kinks <= row.Elements
	return row, nil
}

// difference returns (L(x+h) − L(x−h))/2h and puts x back.
func difference(graph *engine.Graph[float64], x *float64, h float64) (float64, error) {
	old := *x
	defer func() { *x = old }()
	*x = old + h
	if err := graph.Run(); err != nil {
		return 0, err
	}
	up := graph.Loss()
	*x = old - h
	if err := graph.Run(); err != nil {
		return 0, err
	}
	return (up - graph.Loss()) / (2 * h), nil
}
