//go:build gpu

package cuda

import (
	"errors"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func TestWeights(t *testing.T) { conform.Weights(t, openGPU(t, Options{}), openCPU(t)) }

// TestWeightsInGraph takes the gradient of a sum of weights through a graph: Field cuts those
// of w and of the scale out of one array on the device.
func TestWeightsInGraph(t *testing.T) {
	d := openGPU(t, Options{})
	p := conform.NewWeightsProblem(7, 9, kernels.Absolute, kernels.Columns, true)
	host, err := openCPU(t).NewWeights(p.Config)
	if err != nil {
		t.Fatal(err)
	}
	_, want := p.Run(t, nil, host)
	g := gorgonia.NewGraph()
	w, a, dW := conform.Node(g, conform.Put(t, d, p.W), "w"), conform.Node(g, conform.Put(t, d, p.A), "a"), conform.Node(g, conform.Put(t, d, p.DW), "dW")
	out, err := kernels.Weights(d, w, a, p.Config)
	if err != nil {
		t.Fatal(err)
	}
	grads, err := gorgonia.Backpropagate(gorgonia.Nodes{out}, gorgonia.Nodes{dW}, gorgonia.Nodes{w, a})
	if err != nil {
		t.Fatal(err)
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	n := p.Config.R * p.Config.C
	conform.SameBits(t, "gradient of w", conform.Floats(t, grads[0].Value()), want[:n])
	conform.Near(t, "gradient of the scale", conform.Floats(t, grads[1].Value()), kernels.Wide(want[n:]), conform.TolScaleGradient)
}

func TestWeightsRefuses(t *testing.T) {
	d := openGPU(t, Options{})
	for _, cfg := range []kernels.WeightsConfig{
		{R: 2, C: 3, Readings: make([]kernels.Reading, 1), Dtype: tensor.Float64},
		{R: 0, C: 3, Readings: make([]kernels.Reading, 1), Dtype: tensor.Float32},
		{R: 2, C: 3, Readings: []kernels.Reading{{Factor: make([]float64, 5)}}, Dtype: tensor.Float32},
	} {
		if _, err := d.NewWeights(cfg); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("%+v: %v, want %v", cfg, err, kernels.ErrShape)
		}
	}
	p := conform.NewWeightsProblem(2, 3, kernels.AsIs, kernels.Columns, false)
	plan, err := d.NewWeights(p.Config)
	if err != nil {
		t.Fatal(err)
	}
	w, short := conform.Put(t, d, p.W), conform.Put(t, d, kernels.Wrap(make([]float32, 2), 2))
	if _, err := plan.Forward(w, short); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("a scale of 2 for 3 columns: %v, want %v", err, kernels.ErrShape)
	}
	if _, err := plan.Backward(w, conform.Put(t, d, p.A), short); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("a gradient of 2 for weights [2,3]: %v, want %v", err, kernels.ErrShape)
	}
	if _, err := plan.Forward(p.W, conform.Put(t, d, p.A)); err == nil {
		t.Error("weights in host memory were taken")
	}
}
