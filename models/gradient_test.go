package models

import (
	"math"
	"math/rand/v2"
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

// checkGradients compares the gradients of one fixture.
func checkGradients(t *testing.T, x *fixture) {
	t.Helper()
	loss, grads := x.differentiate(t)()
	y := x.on(t, tensor.Float64, nil) // without gradients, which cost most of the time
	var cost gorgonia.Value
	gorgonia.Read(meanSquare(t, y), &cost)
	at := func(p *float64, v float64) float64 {
		old := *p
		*p = v
		y.run(t)
		*p = old
		return numbers(cost)[0]
	}
	absolute := gradAbsolute * max(1, loss)
	for name, grad := range grads {
		e := x.values[name]
		for j, old := range e {
			want := (at(&e[j], old+gradStep) - at(&e[j], old-gradStep)) / (2 * gradStep)
			if !(math.Abs(grad[j]-want) <= absolute+gradRelative*math.Abs(want)) {
				t.Errorf("%v: gradient of %s[%d] is %.10g, want %.10g", x.size, name, j, grad[j], want)
			}
		}
	}
}

// differentiate adds a loss and its gradients to the graph and returns a function that gives
// both for the present values.
func (x *fixture) differentiate(t *testing.T) func() (loss float64, grads map[string][]float64) {
	t.Helper()
	cost := meanSquare(t, x)
	var learned []*gorgonia.Node
	var names []string
	for i, s := range x.net.Specs() {
		if s.Learned {
			learned, names = append(learned, x.nodes[i]), append(names, s.Name)
		}
	}
	grads, err := gorgonia.Grad(cost, learned...)
	if err != nil {
		t.Fatal(err)
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
