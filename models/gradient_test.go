package models

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A central difference of step 1e-5 in float64 is off by its truncation, of the order of
// 1e-10 times the third derivative, and by rounding, 1e-16/1e-5 times the loss.
const (
	gradStep     = 1e-5
	gradRelative = 1e-6
	gradAbsolute = 1e-9
)

// TestGradients holds the graph's gradient of every learned parameter to central differences.
func TestGradients(t *testing.T) {
	for _, v := range variants(t) {
		if c, ok := v.cell.(Smoother); ok {
			v.cell = c.Smooth() // a surrogate is no derivative
		}
		t.Run(v.name, func(t *testing.T) {
			for i, s := range v.sizes() {
				if testing.Short() && i > 0 {
					continue // the graph is the same in every build, and takes long at finite differences
				}
				checkGradients(t, newFixture(t, v, s, featured(i)))
			}
		})
	}
}

// gradDirections is how many random directions each tensor is moved along. A gradient with one wrong
// entry, or with two exchanged, is off along almost every direction.
const gradDirections = 2

// checkGradients compares the gradients of one fixture.
func checkGradients(t *testing.T, x *fixture) {
	t.Helper()
	loss, grads := x.differentiate(t)()
	y := x.on(t, tensor.Float64, nil) // without gradients, which cost most of the time
	var cost gorgonia.Value
	gorgonia.Read(meanSquare(t, y), &cost)
	at := func(e, direction []float64, step float64) float64 {
		old := slices.Clone(e)
		for j, d := range direction {
			e[j] += step * d
		}
		y.run(t)
		copy(e, old)
		return numbers(cost)[0] + y.penalties()
	}
	absolute := gradAbsolute * max(1, loss)
	r := rand.New(rand.NewPCG(7, 8))
	for _, s := range x.net.Specs() { // in one order, so that each has the same directions in every run
		grad, learned := grads[s.Name]
		for range gradDirections {
			if !learned {
				break
			}
			e, direction := x.values[s.Name], unitVector(r, len(grad))
			got := 0.0
			for j, d := range direction {
				got += d * grad[j]
			}
			want := (at(e, direction, gradStep) - at(e, direction, -gradStep)) / (2 * gradStep)
			if !(math.Abs(got-want) <= absolute+gradRelative*math.Abs(want)) {
				t.Errorf("%v: gradient of %s along %.3g is %.10g, want %.10g", x.size, s.Name, direction, got, want)
			}
		}
	}
}

// unitVector returns a random vector of length 1 without entries near 0.
func unitVector(r *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	sum := 0.0
	for j := range v {
		v[j] = math.Copysign(0.5+r.Float64(), r.Float64()-0.5)
		sum += v[j] * v[j]
	}
	for j := range v {
		v[j] /= math.Sqrt(sum)
	}
	return v
}

// differentiate adds a loss and its gradients to the graph and returns a function that gives
// both for the present values.
func (x *fixture) differentiate(t *testing.T) func() (loss float64, grads map[string][]float64) {
	t.Helper()
	cost, names, grads := x.gradients(t)
	for kernels.Distinct(x.graph) != nil { // one among the thousands of graphs of these tests may collide
		x.build(t)
		cost, names, grads = x.gradients(t)
	}
	values := make([]gorgonia.Value, len(grads)+1)
	for i, n := range append(grads, cost) {
		gorgonia.Read(n, &values[i])
	}
	return func() (float64, map[string][]float64) {
		t.Helper()
		x.run(t)
		all := map[string][]float64{}
		for i, name := range names {
			all[name] = numbers(values[i])
		}
		return numbers(values[len(names)])[0], all
	}
}

// gradients adds a loss and its gradients by the learned parameters, which are named.
func (x *fixture) gradients(t *testing.T) (cost *gorgonia.Node, names []string, grads gorgonia.Nodes) {
	t.Helper()
	cost = meanSquare(t, x)
	var learned []*gorgonia.Node
	for i, s := range x.net.Specs() {
		if s.Learned {
			learned, names = append(learned, x.nodes[i]), append(names, s.Name)
		}
	}
	grads, err := gorgonia.Grad(cost, learned...)
	if err != nil {
		t.Fatal(err)
	}
	return cost, names, grads
}

// meanSquare adds the mean square of the logits against random targets, which reaches every
// step through all outputs.
func meanSquare(t *testing.T, x *fixture) *gorgonia.Node {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	shape := x.out.Logits().Shape()
	weights := make([]float64, shape[0])
	for i := range weights {
		weights[i] = 0.5 + r.Float64()
	}
	dt := x.out.Logits().Dtype()
	input := func(name string, d *tensor.Dense) *gorgonia.Node {
		return gorgonia.NodeFromAny(x.graph, convert(dt, d), gorgonia.WithName(name))
	}
	cost, err := kernels.MeanSquare(nil, x.out.Logits(), input("target", random(r, 1, shape...)),
		input("weights", tensor.New(tensor.WithShape(shape[0]), tensor.WithBacking(weights))))
	if err != nil {
		t.Fatal(err)
	}
	return cost
}
