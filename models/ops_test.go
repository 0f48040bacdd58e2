package models

import (
	"math"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestPointwise holds the nonlinear operations to math in both types, out to where they
// saturate.
func TestPointwise(t *testing.T) {
	x := []float64{-1e4, -200, -104, -90, -40, -17, -3, -1e-3, 0, 1e-3, 0.7, 3, 14, 17, 40, 88, 200, 1e4}
	for dt, tolerance := range map[tensor.Dtype]float64{
		tensor.Float64: 1e-8, // Gorgonia's sigmoid is 1 from 19 on
		tensor.Float32: 4e-7, // three roundings; its sigmoid is 1 from 15 on
	} {
		for name, c := range map[string]struct {
			graph func(*Ops, *gorgonia.Node) *gorgonia.Node
			want  func(float64) float64
		}{
			"sigmoid":  {(*Ops).Sigmoid, func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }},
			"tanh":     {(*Ops).Tanh, math.Tanh},
			"relu":     {(*Ops).Relu, func(v float64) float64 { return max(0, v) }},
			"softplus": {(*Ops).Softplus, func(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }},
			"power": {func(k *Ops, a *gorgonia.Node) *gorgonia.Node { return k.Power(a, 0.6) },
				func(v float64) float64 { return math.Pow(max(v, 0), 0.6) }},
			"exp": {func(k *Ops, a *gorgonia.Node) *gorgonia.Node { return k.Exp(k.Neg(k.Relu(a))) }, func(v float64) float64 { return math.Exp(-max(0, v)) }},
		} {
			g := gorgonia.NewGraph()
			k := NewOps(g, dt, 1, len(x), "salt")
			y := c.graph(k, k.Matrix("x", 1, len(x), x))
			if k.Err() != nil {
				t.Fatal(k.Err())
			}
			var v gorgonia.Value
			gorgonia.Read(y, &v)
			vm := gorgonia.NewTapeMachine(g)
			if err := vm.RunAll(); err != nil {
				t.Fatal(err)
			}
			want := make([]float64, len(x))
			for i := range x {
				want[i] = c.want(x[i])
			}
			near(t, name+" in "+dt.String(), numbers(v), want, tolerance)
			vm.Close()
		}
	}
}

// TestReluAtZero: the derivative at 0 is 0, as in the fused cells and in PyTorch.
func TestReluAtZero(t *testing.T) {
	x := newFixture(t, variant{name: "irnn", cell: &IRNN{}}, size{T: 1, B: 1, I: 1, H: 1, O: 1}, 0)
	for _, e := range x.values {
		e[0] = 0
	}
	x.values["readout.weight"][0] = 1
	if _, grads := x.differentiate(t)(); grads["cell.bias_ih_l0"][0] != 0 {
		t.Errorf("the gradient through max(0, 0) is %v, want 0", grads["cell.bias_ih_l0"][0])
	}
}
