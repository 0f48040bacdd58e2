package conform

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// LinearBack holds kernels.LinearBack on a device, nil for Gorgonia's own operations. With equal weights
// forward and back, in one matrix and in two, the result and all gradients are those of kernels.Linear, bit
// for bit. With others the result and the gradients of w and b are still those, and that of x is dy·back,
// to tol of its largest element.
func LinearBack(t *testing.T, d kernels.Device, tol float64) {
	t.Helper()
	for _, s := range [][3]int{{1, 1, 1}, {3, 5, 2}, {70, 19, 67}} {
		n, k, m := s[0], s[1], s[2]
		r := rand.New(rand.NewPCG(uint64(n), 7))
		draw := func(shape ...int) *tensor.Dense { return narrow(Normal(r, shape...)) }
		x, w, b, target := draw(n, k), draw(m, k), draw(m), draw(n, m)
		run := func(back *tensor.Dense, same bool) (out [4][]float32) {
			g := gorgonia.NewGraph()
			input := func(name string, v *tensor.Dense) *gorgonia.Node {
				return gorgonia.NewTensor(g, tensor.Float32, v.Dims(), gorgonia.WithShape(v.Shape()...), gorgonia.WithName(name), gorgonia.WithValue(Put(t, d, v)))
			}
			xn, wn, bn := input("x", x), input("w", w), input("b", b)
			var node *gorgonia.Node
			var err error
			switch {
			case back != nil:
				node, err = kernels.LinearBack(d, xn, wn, bn, input("back", back))
			case same:
				node, err = kernels.LinearBack(d, xn, wn, bn, wn)
			default:
				node, err = kernels.Linear(d, xn, wn, bn)
			}
			if err != nil {
				t.Fatal(err)
			}
			ones := make([]float32, n)
			for i := range ones {
				ones[i] = 1
			}
			loss, err := kernels.MeanSquare(d, node, input("target", target), input("weight", kernels.Wrap(ones, n)))
			if err != nil {
				t.Fatal(err)
			}
			grads, err := gorgonia.Grad(loss, xn, wn, bn)
			if err != nil {
				t.Fatal(err)
			}
			var values [4]gorgonia.Value
			for i, p := range append(gorgonia.Nodes{node}, grads...) {
				gorgonia.Read(p, &values[i])
			}
			vm := gorgonia.NewTapeMachine(g)
			defer vm.Close()
			if err := vm.RunAll(); err != nil {
				t.Fatal(err)
			}
			for i, v := range values {
				out[i] = Floats(t, v)
			}
			return out
		}
		want := run(nil, false)
		names := [4]string{"y", "dx", "dw", "db"}
		for what, got := range map[string][4][]float32{"the same matrix": run(nil, true), "an equal matrix": run(w.Clone().(*tensor.Dense), false)} {
			for i, name := range names {
				SameBits(t, fmt.Sprintf("%v, back through %s: %s", s, what, name), got[i], want[i])
			}
		}
		other := draw(m, k)
		got := run(other, false)
		for i, name := range names {
			if name != "dx" {
				SameBits(t, fmt.Sprintf("%v, back through another matrix: %s", s, name), got[i], want[i])
			}
		}
		back, dx := Data[float32](other), make([]float64, n*k)
		for i := range n {
			for j := range m {
				dy := 2 * (float64(want[0][i*m+j]) - float64(Data[float32](target)[i*m+j])) / float64(n*m) // of the mean square
				for l := range k {
					dx[i*k+l] += dy * float64(back[j*k+l])
				}
			}
		}
		Near(t, fmt.Sprintf("%v, back through another matrix: dx", s), got[1], dx, tol)
	}
}
