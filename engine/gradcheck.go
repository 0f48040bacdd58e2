package engine

import (
	"fmt"
	"math"
	"slices"

	"galvani/data"
	"galvani/kernels"
	"galvani/kernels/random"
)

// Settings of the gradient check. Central differences with step h are off by about h² from
// the curvature and 1e-16/h from rounding; h = 1e-5 makes both about 1e-10.
const (
	checkStep    = 1e-5
	checkPerName = 24 // elements of a parameter that are checked
	// checkJitter is the deviation of the noise on the initial parameters: where biases are
	// exactly 0 and inputs sparse, rectifiers stand on their kink.
	checkJitter = 1e-2
	// checkLeast is the least magnitude of a gradient that errors are relative to, for a loss of 1: differences of the
	// loss are rounded at about 1e-10.
	checkLeast = 1e-4
	// checkKink is the difference of the left to the right derivative, relative to the largest
	// element, from which on there may be a kink between them; curvature makes it about h.
	checkKink = 1e-3
)

// GradCheck is the check of one parameter's gradient.
type GradCheck struct {
	Param   string
	Checked int     // elements, drawn at random
	Kinks   int     // elements left out because the loss has a kink there
	Largest float64 // largest element of the gradient in magnitude
	// Error is the largest difference to central differences, relative to Largest, or to 1e-4 of the loss where that
	// is more.
	Error float64
}

// CheckGradients compares the gradient of every learned parameter with central differences
// in float64 on one batch of a task, near the initial parameters of a seed. A nil device
// checks the unrolled graph.
//
// Errors: those of NewGraph; the errors of the gradient are in the result.
func CheckGradients(net Network, dev kernels.Device, t *data.Task, b *data.Batch, seed uint64) ([]GradCheck, error) {
	params, err := NewParams[float64](net, seed)
	if err != nil {
		return nil, err
	}
	noise := newStream(seed, "check noise")
	for i := range params.Learned() {
		params.Learned()[i] += checkJitter * noise.Normal(uint64(i))
	}
	params.Project()
	g, err := runOnce(GraphConfig{Net: net, Device: dev, T: b.T, B: b.B, I: b.I, Goal: t.Goal,
		Every: b.Every, Masked: b.Mask != nil, Grad: true}, params, b)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	read, err := g.Grad()
	if err != nil {
		return nil, err
	}
	grad := slices.Clone(read)
	var list []GradCheck
	for _, i := range params.learnedIndex {
		c, err := check(g, i, params.part(grad, i), newStream(seed, "check "+params.specs[i].Name))
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// check compares the gradient of parameter i with central differences at elements drawn
// from r.
func check(g *Graph[float64], i int, grad []float64, r random.Stream) (GradCheck, error) {
	c := GradCheck{Param: g.params.specs[i].Name}
	for _, d := range grad {
		c.Largest = max(c.Largest, math.Abs(d))
	}
	if err := g.Run(); err != nil {
		return c, err
	}
	here := g.Loss()
	scale := max(c.Largest, checkLeast*math.Abs(here), 1e-9)
	order := make([]int, len(grad))
	r.Permute(order)
	for _, j := range order[:min(len(order), checkPerName)] {
		h := checkStep * max(1, math.Abs(g.params.slice(i)[j]))
		slope, bend, err := g.slope(i, j, h, here)
		if err != nil {
			return c, err
		}
		if bend > checkKink*scale { // by a kink, or by a curvature that is large beside a small gradient
			_, near, err := g.slope(i, j, h/8, here)
			if err != nil {
				return c, err
			}
			if near < bend/16 || near > bend/4 {
				c.Kinks++
				continue
			}
		}
		c.Error = max(c.Error, math.Abs(slope-grad[j]))
		c.Checked++
	}
	c.Error /= scale
	return c, nil
}

// slope returns the derivative of the loss by element j of parameter i, from central differences, and how much the right
// derivative differs from the left one: by a kink within h however small h is, by curvature in proportion to h.
func (g *Graph[F]) slope(i, j int, h, here float64) (slope, bend float64, err error) {
	at := &g.params.slice(i)[j]
	was := *at
	var loss [2]float64
	for k, step := range []float64{-h, h} {
		*at = was + F(step)
		err := g.Run()
		*at = was
		if err != nil {
			return 0, 0, fmt.Errorf("engine: gradient check of %s: %w", g.params.specs[i].Name, err)
		}
		loss[k] = g.Loss()
	}
	return (loss[1] - loss[0]) / (2 * h), math.Abs(loss[1]-2*here+loss[0]) / h, nil
}
