package conform

import (
	"math"
	"math/rand/v2"
	"testing"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// gradTolerance bounds the relative difference between a float64 gradient and a central
// difference of step 1e-5: truncation is of the order of its square, rounding of 1e-16/1e-5.
const gradTolerance = 1e-6

// Gradient compares the gradient of the scalar that build makes from input x with
// central differences.
func Gradient(t *testing.T, x *tensor.Dense, build func(x *gorgonia.Node) (*gorgonia.Node, error)) {
	t.Helper()
	g := gorgonia.NewGraph()
	node := gorgonia.NewTensor(g, x.Dtype(), x.Dims(), gorgonia.WithShape(x.Shape()...),
		gorgonia.WithName("x"), gorgonia.WithValue(x))
	cost, err := build(node)
	if err != nil {
		t.Fatal(err)
	}
	grads, err := gorgonia.Grad(cost, node)
	if err != nil {
		t.Fatal(err)
	}
	var gv, cv gorgonia.Value
	gorgonia.Read(grads[0], &gv)
	gorgonia.Read(cost, &cv)
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	run := func() float64 {
		t.Helper()
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		vm.Reset()
		c, ok := cv.Data().(float64)
		if !ok {
			t.Fatalf("the cost is a %T, want a float64", cv.Data())
		}
		return c
	}
	run()
	got := append([]float64(nil), gv.Data().([]float64)...)
	const h = 1e-5
	e := x.Data().([]float64)
	for i, v := range e {
		e[i] = v + h
		up := run()
		e[i] = v - h
		want := (up - run()) / (2 * h)
		e[i] = v
		if math.Abs(got[i]-want) > gradTolerance*max(1, math.Abs(want)) {
			t.Errorf("gradient of element %d is %.10g, want %.10g", i, got[i], want)
		}
	}
}

// Normal returns a float64 tensor of standard normal numbers.
func Normal(r *rand.Rand, shape ...int) *tensor.Dense {
	e := make([]float64, tensor.Shape(shape).TotalSize())
	for i := range e {
		e[i] = r.NormFloat64()
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(e))
}

// Input adds d to the graph of x.
func Input(x *gorgonia.Node, name string, d *tensor.Dense) *gorgonia.Node {
	return Node(x.Graph(), d, name)
}

// Node adds a value to a graph.
func Node(g *gorgonia.ExprGraph, v gorgonia.Value, name string) *gorgonia.Node {
	return gorgonia.NewTensor(g, v.Dtype(), v.Shape().Dims(), gorgonia.WithShape(v.Shape()...), gorgonia.WithName(name), gorgonia.WithValue(v))
}

// Weigh makes a scalar that depends on every element of x in its own way: the mean square of
// x, seen as one row, against random targets.
func Weigh(x *gorgonia.Node) (*gorgonia.Node, error) {
	n := x.Shape().TotalSize()
	row, err := kernels.Field(x, 0, 1, n)
	if err != nil {
		return nil, err
	}
	return kernels.MeanSquare(nil, row, Input(x, "target", Normal(rand.New(rand.NewPCG(9, 9)), 1, n)),
		Input(x, "weight", kernels.Wrap([]float64{1}, 1)))
}
