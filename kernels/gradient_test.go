package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// gradTolerance bounds the relative difference between a float64 gradient and a central
// difference of step 1e-5: truncation is of the order of its square, rounding of 1e-16/1e-5.
const gradTolerance = 1e-6

// checkGradient compares the gradient of the scalar that build makes from input x with
// central differences.
func checkGradient(t *testing.T, x *tensor.Dense, build func(x *gorgonia.Node) (*gorgonia.Node, error)) {
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
		c, err := number(cv)
		if err != nil {
			t.Fatal(err)
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

// normal returns a float64 tensor of standard normal numbers.
func normal(r *rand.Rand, shape ...int) *tensor.Dense {
	e := make([]float64, tensor.Shape(shape).TotalSize())
	for i := range e {
		e[i] = r.NormFloat64()
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(e))
}

// bind adds d to the graph of x.
func bind(x *gorgonia.Node, name string, d *tensor.Dense) *gorgonia.Node {
	return input(x.Graph(), d, name)
}

// weigh makes a scalar that depends on every element of x in its own way: the mean square of
// x, seen as one row, against random targets.
func weigh(x *gorgonia.Node) (*gorgonia.Node, error) {
	n := x.Shape().TotalSize()
	row, err := Field(x, 0, 1, n)
	if err != nil {
		return nil, err
	}
	return MeanSquare(nil, row, bind(x, "target", normal(rand.New(rand.NewPCG(9, 9)), 1, n)),
		bind(x, "weight", wrap([]float64{1}, 1)))
}
