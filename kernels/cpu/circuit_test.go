//go:build cgo

package cpu

import (
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
)

// TestCircuit wants circuits of a device as package circuit steps them; its tests hold them to the reference on
// every instruction set and number of threads.
func TestCircuit(t *testing.T) {
	one, three := open(t, 1), open(t, 3)
	c := conform.Balanced(t, 100, 3, true)
	want := conform.Simulate(t, one, c, 2000)
	got := conform.Simulate(t, three, c, 2000)
	if len(want.Spikes) == 0 || !slices.Equal(got.Spikes, want.Spikes) {
		t.Errorf("%d spikes on three threads, %d on one", len(got.Spikes), len(want.Spikes))
	}
}

// TestCircuitThreads steps a circuit on as many threads as make it fast, or as were asked for.
func TestCircuitThreads(t *testing.T) {
	for _, c := range []struct {
		device Device
		size   kernels.CircuitSize
		want   int
	}{
		{Device{threads: 8, most: true}, kernels.CircuitSize{Units: 4000, Entries: 320000, Step: 0.1, Shortest: 1}, 1}, // coba
		{Device{threads: 8, most: true}, kernels.CircuitSize{Units: 4000, Entries: 320000, Step: 0.1, Shortest: 8}, 8},
		{Device{threads: 8, most: true}, kernels.CircuitSize{Units: 4000, Entries: 320000, Step: 0.1, Shortest: 8, Plastic: 1}, 1},
		{Device{threads: 8, most: true}, kernels.CircuitSize{Units: 6000, Entries: 3e6, Step: 0.1, Shortest: 1}, 3}, // balanced
		{Device{threads: 8, most: true}, kernels.CircuitSize{Units: 6000, Drawn: 3e6, Step: 0.1, Shortest: 1}, 3},
		{Device{threads: 8, most: true}, kernels.CircuitSize{Units: 1e6, Step: 0.1}, 8}, {Device{threads: 3}, kernels.CircuitSize{Units: 500}, 3},
	} {
		if got := c.device.circuitThreads(c.size); got != c.want {
			t.Errorf("%+v on %+v: %d threads, want %d", c.size, c.device, got, c.want)
		}
	}
	free := opened(t, 0)
	asked := opened(t, 3)
	if !free.most || asked.most || asked.threads != 3 {
		t.Errorf("opened %+v and %+v", free, asked)
	}
}
