//go:build cgo

package circuit

/*
#cgo CFLAGS: -O3 -g1 -Wno-psabi -Wno-unknown-pragmas
#cgo LDFLAGS: -lm
#include "../src/lanes.h"
#include "circuit.h"

// circuit_lanes returns the loop that steps so many units at once.
static circuit_run_fn *circuit_lanes(int lanes) { return BY_LANES(circuit_run, lanes); }

static void circuit_run(circuit_run_fn *f, struct run r, const void *population, const void *synapse, const void *projection,
			const void *plastic, const void *probe, const void *counted, const void *drawn, const unsigned long long *threshold, const int *list, const double *power, float *state, const float *weights, const int *ints,
			const unsigned short *brief, const unsigned long long *bits, unsigned char *bytes, unsigned char *how, unsigned char *calm, const float *in,
			unsigned long long *spikes, float *v, int *bad, int worker, struct turns *turns, struct turn *turn)
{
	r.population = population, r.synapse = synapse, r.projection = projection, r.plastic = plastic, r.probe = probe;
	r.drawn = drawn, r.threshold = threshold, r.list = list, r.power = power, r.worker = worker;
	r.counted = counted, r.bytes = bytes, r.how = how, r.calm = calm, r.bad = bad;
	r.state = state, r.weights = weights, r.ints = ints, r.brief = brief, r.bits = bits, r.in = in, r.spikes = spikes, r.v = v;
	f(&r, turns, turn);
}
*/
import "C"

import (
	"time"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/cpu/pace"
	"galvani/kernels/cpu/src"
	"galvani/kernels/monitor"
	"galvani/kernels/neurons"
	"galvani/kernels/random"
	"galvani/kernels/wiring"
)

var _, _, _, _, _, _ = neurons.Headers, neurons.Cells, wiring.Headers, src.Files, random.Header, random.NormalHeader // a header that changes has this package compiled again

// engine does the steps of circuits on a team of threads. It implements wiring.Engine.
type engine struct {
	loop    *C.circuit_run_fn
	workers []int
	each    func([]int, func(*int))
	turns   []C.struct_turns // one
	turn    []C.struct_turn
	pace    pace.Pace
	// of counted synapses, as circuit.h says
	counted    []C.struct_counted
	bytes, how []uint8
	hows       int
	calm       []uint8 // of the blocks of each worker, as circuit.inc.h says
	bad        []C.int // one
	// of projections that nobody keeps, likewise
	drawn     []C.struct_drawn
	threshold []uint64
	list      []int32
	power     []float64
}

// lanes is how many units an instruction set steps at once; all others, 4.
var lanes = map[string]C.int{"avx512": 16, "avx2": 8}

// New makes a plan of a circuit that Check takes for an instruction set and a number of threads; each calls a
// function for all workers at once.
func New(cfg *kernels.Circuit, isa string, threads int, each func(workers []int, f func(*int))) kernels.CircuitPlan {
	p, _ := newPlan(cfg, isa, threads, each)
	return p
}

// newPlan returns a plan with its engine.
func newPlan(cfg *kernels.Circuit, isa string, threads int, each func([]int, func(*int))) (*wiring.Plan, *engine) {
	e := &engine{loop: C.circuit_lanes(lanes[isa]), each: each, turns: make([]C.struct_turns, 1), turn: make([]C.struct_turn, threads), pace: pace.New(false, pace.First), bad: make([]C.int, 1)}
	for k := range threads {
		e.workers = append(e.workers, k)
	}
	w := wiring.New(cfg, threads, Apart(threads), true)
	e.count(cfg, w)
	e.draw(cfg)
	return wiring.NewPlan(w, e), e
}

// Apart is how many words lie between what two of several workers write in each step: a processor fetches what comes next, too,
// and would take it from the other.
func Apart(workers int) int {
	if workers == 1 {
		return 0
	}
	return 8
}

// Stretch implements wiring.Engine. Ranks exchange the spikes of each batch of steps.
func (e *engine) Stretch(p *wiring.Plan, n int) (bool, error) {
	e.bad[0] = 0
	if len(e.workers) == 1 {
		err := e.stretch(p, n, true)
		return e.bad[0] != 0, err
	}
	begin := time.Now()
	err := e.stretch(p, n, e.pace.Alone())
	e.pace.Note(time.Since(begin).Seconds() / float64(n))
	return e.bad[0] != 0, err
}

// stretch does a stretch of n steps, with alone on this thread.
func (e *engine) stretch(p *wiring.Plan, n int, alone bool) error {
	e.run(p, 0, n, alone)
	for at := 0; p.Ranks > 1 && at < n; {
		next := min(at+p.Batch, n)
		if err := p.Exchange(at, next); err != nil {
			return err
		}
		e.run(p, next, n, alone)
		at = next
	}
	return nil
}

// run goes on in a stretch of n steps: to its end, or as a rank by a batch.
func (e *engine) run(p *wiring.Plan, from, n int, alone bool) {
	workers := e.workers
	if alone {
		workers = workers[:1]
	}
	r := C.struct_run{populations: C.int(len(p.Populations)), projections: C.int(len(p.Projections)), plastics: C.int(len(p.Plastic)), probes: C.int(len(p.Probes)),
		workers: C.int(len(e.workers)), rank: C.int(p.Rank), ranks: C.int(p.Ranks), steps: C.long(n), words: C.long(p.Words), apart: C.long(64 * p.Apart), room: C.long(64 * p.Apart * p.Workers), batch: C.long(p.Batch), from: C.long(from),
		first: C.ulonglong(p.Step), hows: C.long(e.hows), calms: C.long(len(e.calm) / len(e.workers))}
	e.turns[0] = C.struct_turns{parts: C.int(len(e.workers))}
	if alone || len(e.workers) > monitor.Cores() {
		e.turns[0].crowded = 1
	}
	clear(e.turn)
	e.each(workers, func(k *int) {
		C.circuit_run(e.loop, r, at(p.Populations), at(p.Synapses), at(p.Projections), at(p.Plastic), at(p.Probes), at(e.counted),
			at(e.drawn), (*C.ulonglong)(at(e.threshold)), (*C.int)(at(e.list)), (*C.double)(at(e.power)), (*C.float)(at(p.Vars)), (*C.float)(at(p.Weights)), (*C.int)(at(p.Ints)), (*C.ushort)(at(p.Brief)), (*C.ulonglong)(at(p.Bits)), (*C.uchar)(at(e.bytes)), (*C.uchar)(at(e.how)), (*C.uchar)(at(e.calm)),
			(*C.float)(at(p.In)), (*C.ulonglong)(at(p.Spikes)), (*C.float)(at(p.V)), &e.bad[0], C.int(*k), &e.turns[0], (*C.struct_turn)(at(e.turn)))
	})
}

// at returns where a slice begins.
func at[E any](s []E) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }
