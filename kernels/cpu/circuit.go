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
	units := 0
	for _, p := range cfg.Populations {
		units += p.N
	}
	if cfg.Spread() {
		units /= cfg.Ranks.Size()
	}
	return circuit.New(cfg, d.isa, d.circuitThreads(float64(units)), Each), nil
}

// threadUnits is how many units are worth a thread, which waits for the others in every step or, where no spike arrives
// in the next one, every shortest delay: 4000 units of coba took longer on two threads than on one, 5000 of balanced did not.
const threadUnits = 2400

// circuitThreads returns on how many threads a circuit is stepped: those that were asked for, or as many as
// make it fast.
func (d *Device) circuitThreads(units float64) int {
	if !d.most {
		return d.threads
	}
	return int(max(1, min(float64(d.threads), math.Floor(units/threadUnits))))
}

// CircuitBytes implements kernels.Simulator.
func (d *Device) CircuitBytes(s kernels.CircuitSize) (host, device float64) {
	plan, moment := wiring.Bytes(s, d.circuitThreads(s.Units))
	return plan + moment + s.State, 0 // a byte of a number of the state, of synapses that are counted
}
