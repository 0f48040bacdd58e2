//go:build cgo

package cpu

/*
#include "circuit.h"

// circuit_lanes returns the loop that steps so many units at once.
static circuit_run_fn *circuit_lanes(int lanes)
{
#if defined(__x86_64__)
	if (lanes == 16)
		return circuit_run_avx512;
	if (lanes == 8)
		return circuit_run_avx2;
#endif
	return circuit_run_portable;
}

static void circuit_run(circuit_run_fn *f, const struct circuit_dims *d, const struct wiring_population *population,
			const struct wiring_synapse *synapse, const struct wiring_projection *projection,
			const struct wiring_plastic *plastic, const struct wiring_probe *probe, float *state, const float *weights, const int *ints, const float *in,
			unsigned long long *spikes, float *v, int worker, struct team *team)
{
	f(d, population, synapse, projection, plastic, probe, state, weights, ints, in, spikes, v, worker, team);
}
*/
import "C"

import (
	"math"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/neurons"
	"galvani/kernels/random"
	"galvani/kernels/wiring"
)

var _ kernels.Simulator = (*Device)(nil)

var _, _, _, _ = neurons.Headers, random.Header, wiring.Header, wiring.PlasticHeader // a header that changes has this package compiled again

// circuit does the steps of circuits on a team of threads. It implements wiring.Engine.
type circuit struct {
	loop    *C.circuit_run_fn
	workers []int
	team    []C.struct_team
}

// circuitLanes is how many units an instruction set steps at once; all others, 4.
var circuitLanes = map[string]C.int{"avx512": 16, "avx2": 8}

// NewCircuit implements kernels.Simulator.
func (d *Device) NewCircuit(cfg *kernels.Circuit) (kernels.CircuitPlan, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	units := 0
	for _, p := range cfg.Populations {
		units += p.N
	}
	threads := d.circuitThreads(float64(units))
	c := &circuit{loop: C.circuit_lanes(circuitLanes[d.isa]), team: []C.struct_team{newTeam(threads)}}
	for k := range threads {
		c.workers = append(c.workers, k)
	}
	return wiring.NewPlan(wiring.New(cfg, threads), c), nil
}

// threadUnits is how many units are worth a thread, which waits for the others in every step.
const threadUnits = 1024

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
	return plan + moment, 0
}

// Stretch implements wiring.Engine.
func (c *circuit) Stretch(p *wiring.Plan, n int) (bool, error) {
	dims := C.struct_circuit_dims{populations: C.int(len(p.Populations)), projections: C.int(len(p.Projections)), plastics: C.int(len(p.Plastic)), probes: C.int(len(p.Probes)),
		workers: C.int(len(c.workers)), steps: C.long(n), words: C.long(p.Words), first: C.ulonglong(p.Step)}
	Each(c.workers, func(w *int) { c.run(p, &dims, *w) })
	return true, nil
}

// run does the part of one worker.
func (c *circuit) run(p *wiring.Plan, dims *C.struct_circuit_dims, worker int) {
	C.circuit_run(c.loop, dims, (*C.struct_wiring_population)(first(p.Populations)), (*C.struct_wiring_synapse)(first(p.Synapses)),
		(*C.struct_wiring_projection)(first(p.Projections)), (*C.struct_wiring_plastic)(first(p.Plastic)),
		(*C.struct_wiring_probe)(first(p.Probes)), (*C.float)(first(p.Vars)), (*C.float)(first(p.Weights)), (*C.int)(first(p.Ints)), (*C.float)(first(p.In)),
		(*C.ulonglong)(first(p.Spikes)), (*C.float)(first(p.V)), C.int(worker), &c.team[0])
}

// first returns where a slice begins.
func first[E any](s []E) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

// Pull implements wiring.Engine: the steps are done where the state is.
func (c *circuit) Pull(*wiring.Plan) error { return nil }

// Push implements wiring.Engine.
func (c *circuit) Push(*wiring.Plan) error { return nil }
