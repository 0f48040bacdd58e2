//go:build cgo

package cpu

import (
	"math"

	"galvani/kernels"
	"galvani/kernels/cpu/circuit"
	"galvani/kernels/wiring"
)

var _ kernels.Simulator = (*Device)(nil)

// NewCircuit implements kernels.Simulator.
func (d *Device) NewCircuit(cfg *kernels.Circuit) (kernels.CircuitPlan, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	size := cfg.Size()
	if cfg.Spread() {
		size.Units /= float64(cfg.Ranks.Size())
	}
	return circuit.New(cfg, d.isa, d.circuitThreads(size), Each), nil
}

// circuitWork is how much of CircuitSize.Work is worth a thread, which waits for the others between: two microseconds. Where
// both of two run, they wait 0.04 us for each other's stores; but one whose core is taken away holds the others up, and where
// that is often, one thread does the parts of all (pace.go).
const circuitWork = 3000

// circuitThreads returns on how many threads a circuit is stepped: those that were asked for, or as many as
// make it fast.
func (d *Device) circuitThreads(s kernels.CircuitSize) int {
	if !d.most {
		return d.threads
	}
	return int(max(1, min(float64(d.threads), math.Floor(s.Work()/circuitWork))))
}

// CircuitBytes implements kernels.Simulator.
func (d *Device) CircuitBytes(s kernels.CircuitSize) (host, device float64) {
	threads := d.circuitThreads(s)
	plan, moment := wiring.Bytes(s, threads, circuit.Apart(threads))
	return plan + moment + s.State, 0 // a byte of a number of the state, of synapses that are counted
}
