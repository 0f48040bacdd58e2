//go:build gpu

package cuda

import (
	"testing"

	"galvani/kernels/conform"
)

// TestNeuron holds neurons of compartments to the CPU.
func TestNeuron(t *testing.T) {
	conform.Neuron(t, openGPU(t, Options{}), openCPU(t), "fp32")
}

// TestNeuronStretches wants a run in two parts to be one run.
func TestNeuronStretches(t *testing.T) { conform.NeuronStretches(t, openGPU(t, Options{})) }
