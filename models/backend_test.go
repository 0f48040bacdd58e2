package models

import (
	"testing"

	"galvani/kernels/devices/devicetest"

	"gorgonia.org/tensor"
)

// Backends may differ by rounding that builds up over the few steps of a test, more in the
// gradients, which are sums over all of them.
var backendTolerance = map[tensor.Dtype]struct{ forward, gradient float64 }{
	tensor.Float64: {1e-8, 1e-7}, // Gorgonia's sigmoid is off by 6e-9 from 19 on
	tensor.Float32: {1e-5, 1e-4}, // the bounds of the house
}

// TestBackends holds the graph in float32 and the fused scan in both types to the graph in
// float64: states, logits, loss and gradients.
func TestBackends(t *testing.T) {
	all := devicetest.Hosts(t, 2)
	for _, v := range variants(t) {
		for _, i := range []int{0, 1, len(sizes) - 2, len(sizes) - 1} {
			s := sizes[i]
			f := featured(i)
			if i%2 == 1 {
				f |= noisy
			}
			x := newFixture(t, v, s, f)
			loss, grads := x.differentiate(t)()
			for dt, tolerance := range backendTolerance {
				for _, dev := range all {
					if dev == nil && dt == tensor.Float64 {
						continue // that is x
					}
					name := "graph"
					if dev != nil {
						name = dev.Name()
					}
					t.Run(v.name+" "+s.String()+" "+dt.String()+" "+name, func(t *testing.T) {
						y := x.on(t, dt, dev)
						l, gs := y.differentiate(t)()
						near(t, "h", y.h(t), x.h(t), tolerance.forward)
						near(t, "final state", y.final(t), x.final(t), tolerance.forward)
						near(t, "logits", numbers(y.logits), numbers(x.logits), tolerance.forward)
						near(t, "loss", []float64{l}, []float64{loss}, tolerance.gradient)
						for name, want := range grads {
							near(t, "gradient of "+name, gs[name], want, tolerance.gradient)
						}
					})
				}
			}
		}
	}
}
