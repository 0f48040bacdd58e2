//go:build gpu

package cuda

import (
	"testing"

	"galvani/kernels/conform"
	"galvani/kernels/cpu"
)

// TestCircuit wants the same from as many workers as the largest population has words, and from one, of circuits
// that together have all that workers divide.
func TestCircuit(t *testing.T) {
	gpu := openGPU(t, Options{}).Info()
	with := func(sms int) *Device {
		return openGPU(t, Options{Limits: &Limits{SMs: sms, Shared: gpu.Shared, Cluster: gpu.Cluster, Compute: gpu.Compute()}})
	}
	t.Run("many", func(t *testing.T) { conform.Circuit(t, with(gpu.SMs)) })
	t.Run("one", func(t *testing.T) { conform.CircuitSpikes(t, with(1), "mixed", "many at once", "many sources") })
}

// TestCircuitState has runs go from the GPU to the CPU and back: of circuits that have each part of a state.
func TestCircuitState(t *testing.T) {
	host, err := cpu.Open(2)
	if err != nil {
		t.Fatal(err)
	}
	conform.CircuitState(t, openGPU(t, Options{}), host, "hh", "mixed", "conductances", "many at once", "given sources")
}

// TestPlastic wants the weights of the reference, and states that go from the GPU to the CPU and back.
func TestPlastic(t *testing.T) {
	host, err := cpu.Open(2)
	if err != nil {
		t.Fatal(err)
	}
	conform.PlasticBits(t, openGPU(t, Options{}), host)
}
