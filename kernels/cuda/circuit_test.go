//go:build gpu

package cuda

import (
	"fmt"
	"testing"

	"galvani/kernels/conform"
	"galvani/kernels/cpu"
)

// TestCircuit wants the same from few workers and from as many as the largest population has words.
func TestCircuit(t *testing.T) {
	gpu := openGPU(t, Options{}).Info()
	for _, sms := range []int{1, gpu.SMs} {
		t.Run(fmt.Sprint(sms), func(t *testing.T) {
			l := Limits{SMs: sms, Shared: gpu.Shared, Cluster: gpu.Cluster, Compute: gpu.Compute()}
			conform.Circuit(t, openGPU(t, Options{Limits: &l}))
		})
	}
}

// TestCircuitState has runs go from the GPU to the CPU and back.
func TestCircuitState(t *testing.T) {
	host, err := cpu.Open(2)
	if err != nil {
		t.Fatal(err)
	}
	conform.CircuitState(t, openGPU(t, Options{}), host)
}
