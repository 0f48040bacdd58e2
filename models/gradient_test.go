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
			for i, s := range sizes {
				checkGradients(t, newFixture(t, v, s, feature(i)%(every|masked|resets+1)))
			}
		})
	}
}

// checkGradients compares the gradients of one fixture.
func checkGradients(t *testing.T, x *fixture) {
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
	values := make([]gorgonia.Value, len(grads))
	for i := range grads {
		gorgonia.Read(grads[i], &values[i])
	}
	var c gorgonia.Value
	gorgonia.Read(cost, &c)
	loss := func() float64 {
		x.run(t)
		return c.Data().(float64)
	}
	absolute := gradAbsolute * max(1, loss())
	all := make([][]float64, len(names))
	for i, v := range values {
		all[i] = append([]float64(nil), v.Data().([]float64)...)
	}
	for i, name := range names {
		e := x.values[name]
		for j, old := range e {
			e[j] = old + gradStep
			want := loss()
			e[j] = old - gradStep
			want = (want - loss()) / (2 * gradStep)
			e[j] = old
			if got := all[i][j]; !(math.Abs(got-want) <= absolute+gradRelative*math.Abs(want)) {
				t.Errorf("%v: gradient of %s[%d] is %.10g, want %.10g", x.size, name, j, got, want)
			}
		}
	}
}

// meanSquare adds the mean square of the logits against random targets, which reaches every
// step through all outputs.
func meanSquare(t *testing.T, x *fixture) *gorgonia.Node {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	shape := x.out.Logits.Shape()
	weights := make([]float64, shape[0])
	for i := range weights {
		weights[i] = 0.5 + r.Float64()
	}
	cost, err := kernels.MeanSquare(x.out.Logits,
		gorgonia.NodeFromAny(x.graph, random(r, 1, shape...), gorgonia.WithName("target")),
		gorgonia.NodeFromAny(x.graph, tensor.New(tensor.WithShape(shape[0]), tensor.WithBacking(weights)),
			gorgonia.WithName("weights")))
	if err != nil {
		t.Fatal(err)
	}
	return cost
}
