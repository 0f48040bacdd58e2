//go:build cgo

package kernels

import (
	"fmt"
	"testing"
)

// BenchmarkScan measures one run on one thread; GFLOP/s counts the recurrent products alone,
// 2·G·B·H² per step forward and 4·G·B·H² backward.
func BenchmarkScan(b *testing.B) {
	dev, err := OpenCPU(1)
	if err != nil {
		b.Fatal(err)
	}
	for _, v := range variants() {
		products := map[string]float64{"rnn": 1, "lstm": 4, "gru": 3, "crnn-simple/ema_diff_relu": 1, "crnn/exp/ema_diff_relu": 0}
		g, ok := products[v.name]
		if !ok {
			continue
		}
		for _, s := range []sizes{{T: 100, B: 32, I: 28, H: 128}, {T: 100, B: 16, I: 28, H: 256}, {T: 50, B: 16, I: 28, H: 512}} {
			p := newProblem[float32](v, s, 1)
			plan, err := dev.NewScan(p.cfg)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := plan.Forward(p.args); err != nil {
				b.Fatal(err)
			}
			flops := 2 * g * float64(s.T*s.B*s.H*s.H)
			run := func(name string, times float64, f func()) {
				b.Run(fmt.Sprintf("%s/B%dH%d/%s", v.name, s.B, s.H, name), func(b *testing.B) {
					for b.Loop() {
						f()
					}
					sec := b.Elapsed().Seconds() / float64(b.N)
					b.ReportMetric(times*flops/sec/1e9, "GFLOP/s")
					b.ReportMetric(sec*1e9/float64(s.T*s.B*s.H), "ns/unit-step")
				})
			}
			run("forward", 1, func() {
				if _, err := plan.Forward(p.args); err != nil {
					b.Fatal(err)
				}
			})
			run("backward", 2, func() {
				if _, err := plan.Backward(p.args, p.weight); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
