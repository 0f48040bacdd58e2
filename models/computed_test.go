package models

import (
	"errors"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// inputGradients builds the network of x with its input and first state as nodes of the graph, and
// returns their gradients of the sum of the squared logits, and the logits.
func (x *fixture) inputGradients(t *testing.T, dt tensor.Dtype, dev kernels.Device) (dx, dstate, logits []float64) {
	t.Helper()
	g := gorgonia.NewGraph()
	node := func(name string, v *tensor.Dense, shape ...int) *gorgonia.Node {
		e := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(convert(dt, v).Data()))
		return gorgonia.NewTensor(g, dt, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name), gorgonia.WithValue(e))
	}
	var params []*gorgonia.Node
	for _, spec := range x.net.Specs() {
		params = append(params, node(spec.Name, tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(x.values[spec.Name])), spec.Shape...))
	}
	in := x.seq
	in.Mask = convert(dt, in.Mask)
	in.XFrom, in.StateFrom = node("x", in.X, in.T*in.B, in.X.Shape()[2]), node("state", in.State, in.State.Shape()...)
	in.I, in.X, in.State = in.X.Shape()[2], nil, nil
	out, err := x.net.Build(g, dev, in, params)
	if err != nil {
		t.Fatal(err)
	}
	cost, err := gorgonia.Sum(gorgonia.Must(gorgonia.Square(out.Logits())))
	if err != nil {
		t.Fatal(err)
	}
	grads, err := gorgonia.Grad(cost, in.XFrom, in.StateFrom)
	if err != nil {
		t.Fatal(err)
	}
	var values [3]gorgonia.Value
	for i, n := range []*gorgonia.Node{grads[0], grads[1], out.Logits()} {
		gorgonia.Read(n, &values[i])
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	return numbers(values[0]), numbers(values[1]), numbers(values[2])
}

// TestComputedInput holds the gradients of an input and of a first state that the graph computes on
// the fused scan to those on the unrolled graph.
func TestComputedInput(t *testing.T) {
	dev := devicetest.CPUOrNil(t, 2) // without it the graph in float32 is left
	for i, v := range variants(t) {
		x := newFixture(t, v, size{T: 3, B: 2, I: 2, H: 3, O: 2}, featured(i))
		dx, dstate, logits := x.inputGradients(t, tensor.Float64, nil)
		if len(dx) != 3*2*2 {
			t.Fatalf("%s: gradient of x has %d elements, want 12", v.name, len(dx))
		}
		near(t, v.name+": logits", logits, func() []float64 { x.run(t); return numbers(x.logits) }(), 0)
		for dt, tolerance := range backendTolerance {
			gx, gs, y := x.inputGradients(t, dt, dev)
			near(t, v.name+": logits", y, logits, tolerance.forward)
			near(t, v.name+": gradient of x", gx, dx, tolerance.gradient)
			near(t, v.name+": gradient of the first state", gs, dstate, tolerance.gradient)
		}
	}
}

// TestComputedInputShapes: nodes of other shapes are refused.
func TestComputedInputShapes(t *testing.T) {
	x := newFixture(t, variants(t)[0], size{T: 3, B: 2, I: 2, H: 3, O: 2}, 0)
	for _, name := range []string{"x", "state"} {
		in, g := x.seq, gorgonia.NewGraph()
		in.I = 2
		bad := gorgonia.NewMatrix(g, tensor.Float64, gorgonia.WithShape(5, 2), gorgonia.WithName(name))
		if name == "x" {
			in.XFrom = bad
		} else {
			in.StateFrom = bad
		}
		if _, err := x.net.Build(g, nil, in, x.nodes); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("%s: error is %v, want ErrShape", name, err)
		}
	}
}
