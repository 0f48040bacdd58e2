package kernels_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func TestLossGradients(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 3} {
		for _, o := range []int{1, 2, 5} {
			labels, weights := make([]float64, n), make([]float64, n)
			for i := range labels {
				labels[i] = float64(r.IntN(o))
				weights[i] = float64(i % 3)
			}
			weights[n-1] = 2
			w := kernels.Wrap(weights, n)
			conform.Gradient(t, conform.Normal(r, n, o), func(x *gorgonia.Node) (*gorgonia.Node, error) {
				return kernels.CrossEntropy(nil, x, conform.Input(x, "labels", kernels.Wrap(labels, n)), conform.Input(x, "w", w))
			})
			conform.Gradient(t, conform.Normal(r, n, o), func(x *gorgonia.Node) (*gorgonia.Node, error) {
				return kernels.MeanSquare(nil, x, conform.Input(x, "target", conform.Normal(r, n, o)), conform.Input(x, "w", w))
			})
		}
	}
}

// evaluate runs one float32 loss.
func evaluate(t *testing.T, loss func(dev kernels.Device, a, b, c *gorgonia.Node) (*gorgonia.Node, error), o int,
	x, target, weight []float32) (float64, error) {
	t.Helper()
	g := gorgonia.NewGraph()
	n := len(weight)
	a := gorgonia.NewMatrix(g, tensor.Float32, gorgonia.WithShape(n, o), gorgonia.WithName("x"),
		gorgonia.WithValue(kernels.Wrap(x, n, o)))
	var b *gorgonia.Node
	if len(target) == n {
		b = conform.Input(a, "target", kernels.Wrap(target, n))
	} else {
		b = conform.Input(a, "target", kernels.Wrap(target, n, o))
	}
	cost, err := loss(nil, a, b, conform.Input(a, "weight", kernels.Wrap(weight, n)))
	if err != nil {
		return 0, err
	}
	grads, err := gorgonia.Grad(cost, a)
	if err != nil {
		t.Fatal(err)
	}
	var cv, gv gorgonia.Value
	gorgonia.Read(cost, &cv)
	gorgonia.Read(grads[0], &gv)
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		return 0, err
	}
	for _, d := range gv.Data().([]float32) {
		if math.IsNaN(float64(d)) || math.IsInf(float64(d), 0) {
			t.Errorf("gradient holds %v", d)
		}
	}
	return float64(cv.Data().(float32)), nil
}

func TestCrossEntropyValues(t *testing.T) {
	inf := float32(3e38)
	for _, c := range []struct {
		name         string
		x, target, w []float32
		want         float64
	}{
		{"uniform", []float32{0, 0, 0}, []float32{1}, []float32{1}, math.Log(3)},
		{"huge logits", []float32{1000, -1000, 0}, []float32{0}, []float32{1}, 0},
		{"huge and wrong", []float32{1000, 0, 0}, []float32{1}, []float32{1}, 1000},
		{"largest numbers", []float32{inf, inf, 0}, []float32{0}, []float32{1}, math.Ln2},
		{"weights", []float32{0, 0, 0, 1, 2, 3}, []float32{0, 2}, []float32{3, 1},
			(3*math.Log(3) + math.Log(math.Exp(-2)+math.Exp(-1)+1)) / 4},
		{"ignored row", []float32{0, 0, 0, 1, 2, 3}, []float32{0, -1}, []float32{1, 0}, math.Log(3)},
		{"nothing", []float32{0, 0, 0}, []float32{7}, []float32{0}, 0},
	} {
		got, err := evaluate(t, kernels.CrossEntropy, 3, c.x, c.target, c.w)
		// One rounding of the float64 result to float32.
		if err != nil || math.Abs(got-c.want) > 6e-8*max(1, c.want) {
			t.Errorf("%s: got %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}

func TestCrossEntropyRefusesLabels(t *testing.T) {
	for _, label := range []float32{-1, 3, 0.5, float32(math.NaN()), float32(math.Inf(1))} {
		if _, err := evaluate(t, kernels.CrossEntropy, 3, []float32{0, 0, 0}, []float32{label}, []float32{1}); err == nil {
			t.Errorf("label %v was taken", label)
		}
	}
}

func TestMeanSquareValue(t *testing.T) {
	got, err := evaluate(t, kernels.MeanSquare, 2, []float32{1, 2, 3, 4}, []float32{0, 0, 1, 1}, []float32{1, 3})
	if want := (1*2.5 + 3*6.5) / 4; err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestLossRefusesShapes(t *testing.T) {
	for _, c := range []struct {
		loss         func(dev kernels.Device, a, b, c *gorgonia.Node) (*gorgonia.Node, error)
		target, w, o int
	}{{kernels.CrossEntropy, 4, 2, 2}, {kernels.MeanSquare, 2, 2, 3}} {
		n := c.w
		_, err := evaluate(t, c.loss, c.o, make([]float32, n*c.o), make([]float32, c.target), make([]float32, n))
		if !errors.Is(err, kernels.ErrShape) {
			t.Errorf("targets of %d elements gave %v", c.target, err)
		}
	}
}
