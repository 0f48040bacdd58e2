//go:build cgo

package cpu

import (
	"fmt"
	"testing"

	"galvani/kernels/conform"
)

// BenchmarkScan measures one run on one thread; GFLOP/s counts the recurrent products alone,
// 2·G·B·H² per step forward and 4·G·B·H² backward.
func BenchmarkScan(b *testing.B) {
	dev, err := Open(1)
	if err != nil {
		b.Fatal(err)
	}
	for _, v := range conform.Variants() {
		products := map[string]float64{"rnn/0": 1, "lstm/0": 4, "gru/0": 3, "crnn_simple/3": 1, "crnn/3": 0}
		g, ok := products[v.Name]
		if !ok {
			continue
		}
		for _, s := range []conform.Sizes{{T: 100, B: 32, I: 28, H: 128}, {T: 100, B: 16, I: 28, H: 256}, {T: 50, B: 16, I: 28, H: 512}} {
			p := conform.NewProblem[float32](v, s, 1)
			plan, err := dev.NewScan(p.Cfg)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := plan.Forward(p.Args); err != nil {
				b.Fatal(err)
			}
			flops := 2 * g * float64(s.T*s.B*s.H*s.H)
			run := func(name string, times float64, f func()) {
				b.Run(fmt.Sprintf("%s/B%dH%d/%s", v.Name, s.B, s.H, name), func(b *testing.B) {
					for b.Loop() {
						f()
					}
					sec := b.Elapsed().Seconds() / float64(b.N)
					b.ReportMetric(times*flops/sec/1e9, "GFLOP/s")
					b.ReportMetric(sec*1e9/float64(s.T*s.B*s.H), "ns/unit-step")
				})
			}
			run("forward", 1, func() {
				if _, err := plan.Forward(p.Args); err != nil {
					b.Fatal(err)
				}
			})
			run("backward", 2, func() {
				if _, err := plan.Backward(p.Args, p.Weight); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
