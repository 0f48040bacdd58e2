//go:build cgo

package cpu

import (
	"testing"

	"galvani/kernels/conform"
)

func openThreads(t *testing.T, isa string, threads int) *Device {
	t.Helper()
	d, err := OpenISA(isa, threads)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestNeuronEquations(t *testing.T) {
	conform.NeuronEquations(t, openThreads(t, Best(), 2))
}

func TestNeuronInstructionSets(t *testing.T) {
	for _, isa := range ISAs {
		if !Supported(isa) {
			t.Logf("%s: not on this machine", isa)
			continue
		}
		d := openThreads(t, isa, 3)
		t.Run(isa, func(t *testing.T) { conform.Neuron(t, d, d, "fp32") })
	}
}

func TestNeuronThreads(t *testing.T) {
	conform.NeuronSame(t, openThreads(t, Best(), 1), openThreads(t, Best(), 4))
}

func TestNeuronStretches(t *testing.T) {
	conform.NeuronStretches(t, openThreads(t, Best(), 2))
}
