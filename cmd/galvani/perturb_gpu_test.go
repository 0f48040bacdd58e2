//go:build gpu

package main

import (
	"math"
	"testing"
)

// TestGPUPerturbsLikeCPU holds that weights that were changed reach the GPU, and that noise is
// the same there.
func TestGPUPerturbsLikeCPU(t *testing.T) {
	onGPU(t)
	dir := trialRun(t, "rate", "--device", "cpu")
	ask := []string{"--silence", "0.5,1", "--scale", "2", "--weight-noise", "0.5", "--state-noise", "0,0.5", "--device"}
	cpu, gpu := perturbJSON(t, dir, args(ask, "cpu")...), perturbJSON(t, dir, args(ask, "cuda")...)
	if len(cpu.Rows) != 7 || len(gpu.Rows) != 7 || cpu.Device == gpu.Device {
		t.Fatalf("%d rows on %s and %d on %s, want 7 on two devices", len(cpu.Rows), cpu.Device, len(gpu.Rows), gpu.Device)
	}
	for i, want := range cpu.Rows {
		got := gpu.Rows[i]
		if d := math.Abs(got.Test.Loss-want.Test.Loss) / want.Test.Loss; !(d <= tolLoss) {
			t.Errorf("%s %g: loss %v on the GPU, %v on the CPU", want.Kind, want.Strength, got.Test.Loss, want.Test.Loss)
		}
		if i > 0 && want.Strength > 0 && math.Abs(want.Test.Loss-cpu.Rows[0].Test.Loss) < 10*tolLoss {
			t.Errorf("%s %g: loss %v, before %v; want another one", want.Kind, want.Strength, want.Test.Loss, cpu.Rows[0].Test.Loss)
		}
	}
}
