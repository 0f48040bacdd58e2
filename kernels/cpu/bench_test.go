//go:build cgo

package cpu

import (
	"fmt"
	"testing"
)

// BenchmarkGemm measures the packed product on one thread, packing included.
func BenchmarkGemm(b *testing.B) {
	for _, n := range []int{64, 128, 256, 512} {
		for _, isa := range ISAs {
			if !Supported(isa) {
				continue
			}
			b.Run(fmt.Sprintf("%s/%d", isa, n), func(b *testing.B) {
				g, err := NewGemm[float32](isa, 1, n)
				if err != nil {
					b.Fatal(err)
				}
				x, y, z := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
				for b.Loop() {
					g.Do(NN, n, n, n, x, y, z, false)
				}
				b.ReportMetric(2*float64(n*n*n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
