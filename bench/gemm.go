//go:build cgo

package bench

import (
	"fmt"
	"math/rand/v2"

	"galvani/kernels/cpu"
	"galvani/kernels/pages"
)

// layouts are the layouts of the products that the reference is chosen from.
var layouts = map[cpu.Layout]string{cpu.NT: "NT", cpu.NN: "NN", cpu.TN: "TN"}

// packedProducts returns the packed products of square matrices of a size on all threads, in every
// layout and instruction set.
func packedProducts(n, threads int) ([]contestant, error) {
	var all []contestant
	for _, isa := range cpu.ISAs {
		if !cpu.Supported(isa) {
			continue
		}
		for layout := range cpu.Layout(len(layouts)) {
			c, err := product(isa, layout, n, threads)
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// product is a square product of size n, divided among threads. One repeat makes so many of them
// that it is long against the start of a thread.
func product(isa string, layout cpu.Layout, n, threads int) (contestant, error) {
	gemm, err := cpu.NewGemm[float32](isa, threads, n)
	if err != nil {
		return contestant{}, fmt.Errorf("bench: %w", err)
	}
	r := rand.New(rand.NewPCG(uint64(n), 0))
	a, b, c := uniform[float32](r, n*n), uniform[float32](r, n*n), pages.Make[float32](n*n)
	one := 2 * float64(n) * float64(n) * float64(n)
	count := max(1, int(2e8/one))
	return contestant{
		name:  fmt.Sprintf("gemm %s %s %d x%d", isa, layouts[layout], n, threads),
		flops: one * float64(count),
		run: timed(func() error {
			for range count {
				gemm.Do(layout, n, n, n, a, b, c, false)
			}
			return nil
		}),
	}, nil
}
