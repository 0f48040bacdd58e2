//go:build cgo

package neurons

import (
	"fmt"
	"testing"

	"galvani/kernels"
	"galvani/kernels/cpu"

	"gorgonia.org/tensor"
)

// BenchmarkCable runs 100 cables of Hodgkin and Huxley, of 100 compartments each, for 100 ms in steps of
// 0.025 ms, each with a current of its own, forward and with the gradient of the mean square of V at both
// ends by the densities of both channels. One run is 4·10⁷ steps of a compartment.
func BenchmarkCable(b *testing.B) {
	const cells, steps = 100, 4000
	n, err := Load("hh-cable")
	if err != nil {
		b.Fatal(err)
	}
	for _, threads := range []int{1, 2} {
		for _, what := range []string{"forward", "gradient"} {
			b.Run(fmt.Sprintf("%s/x%d", what, threads), func(b *testing.B) {
				dev, err := cpu.Open(threads)
				if err != nil {
					b.Fatal(err)
				}
				c, err := n.Compile(Options{Learn: []string{"g_na", "g_k"}})
				if err != nil {
					b.Fatal(err)
				}
				c.Neuron.Record = []int32{0, int32(n.Compartments() - 1)}
				units := c.Neuron.Units()
				plan, err := dev.NewScan(kernels.ScanConfig{Cell: kernels.Cell{Neuron: &c.Neuron, States: c.Neuron.States(), Rest: c.Rest}, T: steps, B: cells,
					I: len(n.Inputs), H: 2, Dtype: tensor.Float32, Params: c.Params, ForwardOnly: what == "forward"})
				if err != nil {
					b.Fatal(err)
				}
				x, state := make([]float32, steps*cells*len(n.Inputs)), make([]float32, 0, len(c.Rest)*cells*units)
				for i := range x {
					if cell := i / len(n.Inputs) % cells; i/len(n.Inputs)/cells >= 40 {
						x[i] = (0.3 + 0.002*float32(cell)) / float32(n.Inputs[0].Weight)
					}
				}
				for _, v := range c.Rest {
					for range cells * units {
						state = append(state, float32(v))
					}
				}
				args := kernels.ScanArgs{X: kernels.Wrap(x, steps, cells, len(n.Inputs)), State: kernels.Wrap(state, len(c.Rest), cells, units)}
				for i, values := range c.Values {
					p := make([]float32, len(values))
					for k, v := range values {
						p[k] = float32(v)
					}
					args.Params = append(args.Params, kernels.Wrap(p, c.Params[i].Shape...))
				}
				dh := make([]float32, steps*cells*2)
				for b.Loop() {
					h, err := plan.Forward(args)
					if err != nil {
						b.Fatal(err)
					}
					if what == "forward" {
						continue
					}
					for i, v := range h.Data().([]float32) {
						dh[i] = 2 * v / float32(len(dh))
					}
					if _, err := plan.Backward(args, kernels.Wrap(dh, steps*cells, 2)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(cells*steps*n.Compartments()), "ns/compartment-step")
			})
		}
	}
}
