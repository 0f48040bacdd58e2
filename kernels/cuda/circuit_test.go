//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
	"galvani/kernels/cpu"
)

// TestCircuit wants the same from few workers and from as many as the largest population has words; short, from
// the many alone.
func TestCircuit(t *testing.T) {
	gpu := openGPU(t, Options{}).Info()
	for _, sms := range []int{1, gpu.SMs} {
		if testing.Short() && sms != gpu.SMs {
			continue
		}
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

// TestPlasticRefused wants weights that change to be refused in one line that says where they run.
func TestPlasticRefused(t *testing.T) {
	rule := kernels.Plasticity{Sign: 1, Most: 8, Source: kernels.Pairing{Tau: 20}, Target: kernels.Pairing{Tau: 20}}
	_, err := kernels.NewCircuit(openGPU(t, Options{}), conform.Pair(t, rule, 1, nil, nil))
	if !errors.Is(err, kernels.ErrNoDevice) || !strings.Contains(err.Error(), "give it the device cpu") {
		t.Errorf("got the error %v", err)
	}
}
