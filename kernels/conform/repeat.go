package conform

import (
	"testing"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// repeated runs kernels.Repeat of 0.3 and the gradient of Σ_i i² y_i on a device.
func repeated(t *testing.T, dev kernels.Device, n int) (y, dv gorgonia.Value) {
	t.Helper()
	g := gorgonia.NewGraph()
	x := gorgonia.NewTensor(g, tensor.Float32, 1, gorgonia.WithShape(1), gorgonia.WithName("v"),
		gorgonia.WithValue(Put(t, dev, kernels.Wrap([]float32{0.3}, 1))))
	out, err := kernels.Repeat(dev, x, n)
	if err != nil {
		t.Fatal(err)
	}
	weight := make([]float32, n)
	for i := range weight {
		weight[i] = float32(i * i)
	}
	w := Put(t, dev, kernels.Wrap(weight, n, 1))
	seed := gorgonia.NewTensor(g, tensor.Float32, 2, gorgonia.WithShape(n, 1), gorgonia.WithName("dy"), gorgonia.WithValue(w))
	grads, err := gorgonia.Backpropagate(gorgonia.Nodes{out}, gorgonia.Nodes{seed}, gorgonia.Nodes{x})
	if err != nil {
		t.Fatal(err)
	}
	gorgonia.Read(out, &y)
	gorgonia.Read(grads[0], &dv)
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	return y, dv
}

// checkRepeated holds copies to 0.3, and the gradient to Σ_i i² for i < n.
func checkRepeated(t *testing.T, y, dv []float32, n int) {
	t.Helper()
	if len(y) != n || len(dv) != 1 {
		t.Fatalf("%d copies and %d gradients, want %d and 1", len(y), len(dv), n)
	}
	for i, got := range y {
		if got != 0.3 {
			t.Errorf("copy %d is %v, want 0.3", i, got)
		}
	}
	if want := float32((n - 1) * n * (2*n - 1) / 6); dv[0] != want {
		t.Errorf("gradient of %d copies is %v, want %v", n, dv[0], want)
	}
}

// repeats are numbers of copies around the sizes of a thread's share; sums of their squares are
// whole numbers that float32 holds.
var repeats = []int{1, 2, 33, 200}

// Repeat holds kernels.Repeat and its gradient to exact numbers: nothing is rounded in any precision.
func Repeat(t *testing.T, dev kernels.Device) {
	for _, n := range repeats {
		y, dv := repeated(t, dev, n)
		checkRepeated(t, Floats(t, y), Floats(t, dv), n)
	}
}
