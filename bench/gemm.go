//go:build cgo

package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"galvani/kernels/cpu"
)

// layouts are the layouts of the products that the reference is chosen from.
var layouts = map[cpu.Layout]string{cpu.NT: "NT", cpu.NN: "NN", cpu.TN: "TN"}

// bestProduct returns the packed matrix product that runs fastest here on all threads, one
// product per thread at a time, of square matrices of the given sizes in every layout and
// instruction set.
func bestProduct(e effort, sizes []int, threads int) (contestant, error) {
	var best contestant
	rate := 0.0
	for _, isa := range cpu.ISAs {
		if !cpu.Supported(isa) {
			continue
		}
		for _, n := range sizes {
			for layout := range cpu.Layout(len(layouts)) {
				c, err := product(isa, layout, n, threads)
				if err != nil {
					return best, err
				}
				repeats, err := warmUp(e, c)
				if err != nil {
					return best, err
				}
				seconds, err := c.run(repeats)
				if err != nil {
					return best, err
				}
				// The fastest repeat says what a product can do also on a machine that is busy.
				if r := c.flops / slices.Min(seconds); r > rate {
					best, rate = c, r
				}
			}
		}
	}
	return best, nil
}

// product is a square product of size n on every thread. One repeat makes so many of them that
// it is long against the start of a thread.
func product(isa string, layout cpu.Layout, n, threads int) (contestant, error) {
	type operands struct {
		gemm    *cpu.Gemm[float32]
		a, b, c []float32
	}
	work := make([]operands, threads)
	for i := range work {
		g, err := cpu.NewGemm[float32](isa, n, n, n)
		if err != nil {
			return contestant{}, fmt.Errorf("bench: %w", err)
		}
		r := rand.New(rand.NewPCG(uint64(n), uint64(i)))
		work[i] = operands{g, uniform[float32](r, n*n), uniform[float32](r, n*n), make([]float32, n*n)}
	}
	one := 2 * float64(n) * float64(n) * float64(n)
	count := max(1, int(2e8/one))
	multiply := func(w operands) {
		for range count {
			w.gemm.Do(layout, n, n, n, w.a, w.b, w.c, false)
		}
	}
	return contestant{
		name:  fmt.Sprintf("gemm %s %s %d x%d", isa, layouts[layout], n, threads),
		flops: one * float64(count*threads),
		run: timed(func() error {
			var wg sync.WaitGroup
			for _, w := range work[1:] {
				wg.Add(1)
				go func() { defer wg.Done(); multiply(w) }()
			}
			multiply(work[0])
			wg.Wait()
			return nil
		}),
	}, nil
}
