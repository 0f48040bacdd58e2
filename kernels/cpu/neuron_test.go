//go:build cgo

package cpu

import (
	"testing"

	"galvani/kernels/conform"
)

func TestNeuronEquations(t *testing.T) {
	conform.NeuronEquations(t, open(t, 2))
}

func TestNeuronInstructionSets(t *testing.T) {
	for _, isa := range here(t) {
		d := openISA(t, isa, 3)
		t.Run(isa, func(t *testing.T) { conform.Neuron(t, d, d, "fp32") })
	}
}

func TestNeuronThreads(t *testing.T) {
	conform.NeuronSame(t, open(t, 1), open(t, 4))
}

func TestNeuronStretches(t *testing.T) {
	conform.NeuronStretches(t, open(t, 2))
}

func TestNeuronDelays(t *testing.T) {
	conform.NeuronDelays(t, open(t, 2))
}

func TestNeuronMemory(t *testing.T) {
	conform.NeuronMemory(t, open(t, 1))
}
