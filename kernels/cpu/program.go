//go:build cgo

package cpu

/*
#include "program.h"
#include "src/lanes.h"

// program_of returns the loop over programs that goes with the products of an instruction set.
static program_run_fn *program_of(const struct kernels *k)
{
	return k->lanes == 1 ? program_run_float64 : BY_LANES(program_run, k->lanes);
}

static struct gemm_sizes program_gemm_sizes(const struct kernels *k, long N) { return k->gemm_sizes(N); }

static void program_run(program_run_fn *f, const struct kernels *k, const struct program_dims *d, const struct program_op *ops,
			const int *groups, const struct program_array *arrays, const struct program_weight *shapes,
			const struct program_steady *steady, void *weights, void *rows,
			void *state, void *traces, int worker, struct team *team, void *work, void *shared)
{
	struct share w = {0, 0, worker, team, work, shared};
	f(k, d, ops, groups, arrays, shapes, steady, (void *const *)weights, rows, state, traces, &w);
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/cells"
	"galvani/kernels/pages"
	"galvani/kernels/programs"
	"galvani/kernels/random"
)

var _ kernels.Stepper = (*Device)(nil)

// A header that changes has this package compiled again.
var _, _, _, _ = cells.Headers, programs.Headers, random.NormalHeader, random.DrawsHeader

// Program runs a kernels.Program on a team of threads. It implements kernels.ProgramPlan. Not safe for concurrent use.
type Program[F kernels.Float] struct {
	p           *kernels.Program
	k           *C.struct_kernels
	loop        *C.program_run_fn
	layout      *programs.Layout
	weights     []unsafe.Pointer
	answer      programList
	learn       programList
	merged      [2]programList // answer and learn where weights of pairs are opposite; no operations where there are no pairs
	pairs       [2][]programs.Pair
	rows, state []F
	traces      []F // and behind them the changes of one weight in a step
	workers     []gemmWorker[F]
	shared      []F
	team        []C.struct_team // one
	dims        []C.struct_program_dims
}

// programList is the operations of a step, how many are done together, and what is known of each weight in them.
type programList struct {
	ops    []programs.Op
	groups []C.int
	steady []C.struct_program_steady
}

// NewProgram implements kernels.Stepper.
func (d *Device) NewProgram(p *kernels.Program) (kernels.ProgramPlan[float32], error) {
	return plan[kernels.ProgramPlan[float32]](NewProgram[float32](d.isa, d.threads, p))
}

// NewProgram allocates a program for an instruction set and a number of threads; a network that is too small for them
// takes one.
//
// Errors: kernels.ErrShape.
func NewProgram[F kernels.Float](isa string, threads int, p *kernels.Program) (*Program[F], error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	var pairs [2][]programs.Pair
	var merged [2][]kernels.ProgramOp
	own := *p
	p = &own
	for i, list := range [][]kernels.ProgramOp{own.Answer, own.Learn} {
		var more []kernels.ProgramArray
		merged[i], pairs[i], more = programs.Merge(p, list)
		own.Arrays = slices.Concat(own.Arrays, more)
	}
	layout, err := programs.New(p, C.PROGRAM_PAD)
	if err != nil {
		return nil, err
	}
	r := &Program[F]{p: p, k: pick(isa), layout: layout, dims: make([]C.struct_program_dims, 1)}
	if r.k == nil {
		return nil, fmt.Errorf("cpu: this machine has no %s", isa)
	}
	r.loop = C.program_of(r.k)
	widest, outer := p.N, 0
	for i, w := range layout.Weights {
		if widest = max(widest, int(w.M), int(w.K)); p.Weights[i].Traced {
			outer = max(outer, w.Floats())
		}
	}
	room := layout.State
	r.answer, r.learn = listed(p, p.Answer, &room), listed(p, p.Learn, &room)
	for i, list := range merged {
		if r.pairs[i] = pairs[i]; pairs[i] != nil {
			r.merged[i] = listed(p, list, &room)
		}
	}
	r.state, r.traces, r.weights = pages.Make[F](room), pages.Make[F](layout.Traces+outer), make([]unsafe.Pointer, len(p.Weights))
	if p.N == 1 {
		for i, a := range layout.Arrays {
			layout.Arrays[i].Rows = a.At
		}
		r.rows = r.state
	} else {
		r.rows = pages.Make[F](layout.Rows)
	}
	size := C.program_gemm_sizes(r.k, C.long(widest))
	r.shared = pages.Make[F](int(size.shared))
	for i := range min(max(1, threads), max(1, p.Work()/threadWork)) {
		r.workers = append(r.workers, gemmWorker[F]{i, pages.Make[F](int(size.work))})
	}
	r.team = []C.struct_team{newTeam(len(r.workers), len(r.workers))}
	return r, nil
}

// listed lays a list of operations out. What steady weights need has room behind the state.
func listed(p *kernels.Program, list []kernels.ProgramOp, room *int) (l programList) {
	list, sizes := programs.Group(p, list, C.GEMM_JOBS)
	l.ops, l.steady = programs.Ops(list), steady(p, list, room)
	for i := 0; len(sizes) > 0; sizes = sizes[1:] {
		group := l.ops[i : i+sizes[0]]
		i += len(group)
		product := group[0].Kind == int32(kernels.Product) || group[0].Kind == int32(kernels.Learn)
		if p.N%C.PROGRAM_PAD == 0 || p.N > 1 && product {
			l.groups = append(l.groups, C.int(len(group)))
			continue
		}
		for range group { // workers divide the numbers of arrays in different ways
			l.groups = append(l.groups, 1)
		}
	}
	for i := range list {
		if p.N > 1 && programs.Exchanged(p, list, i) { // one pattern is where the caller sees it
			l.ops[i].Ahead = 1
		}
	}
	return l
}

// steady finds weights that read the same in all steps of a list, and makes room for what is kept of them behind the state.
// It pays where patterns are fewer than what they are made of.
func steady(p *kernels.Program, list []kernels.ProgramOp, room *int) []C.struct_program_steady {
	take := func(n int) C.long {
		at := *room
		*room += (n + C.PROGRAM_PAD - 1) / C.PROGRAM_PAD * C.PROGRAM_PAD
		return C.long(at)
	}
	all := make([]C.struct_program_steady, len(p.Weights))
	for i, from := range programs.Steady(p, list) {
		all[i].product = -1
		if w := p.Weights[i]; from != kernels.None && p.N > 1 && p.N <= w.K {
			all[i] = C.struct_program_steady{product: take(w.M * p.N), sum: take(w.M * p.N), square: take(p.N * p.N)}
		}
	}
	return all
}

// mergedPatterns is for how many patterns and steps it pays to look whether weights are opposite.
const mergedPatterns = 16

// opposite reports whether the weights of all pairs are, bit for bit.
func opposite[F kernels.Float](pairs []programs.Pair, weights [][]F) bool {
	for _, p := range pairs {
		v := weights[p.V]
		for i, w := range weights[p.W] {
			if v[i] != -w {
				return false
			}
		}
	}
	return true
}

// Run implements kernels.ProgramPlan.
func (r *Program[F]) Run(learn bool, steps int, rate float64, weights [][]F) error {
	list, merged, pairs := &r.answer, &r.merged[0], r.pairs[0]
	if learn {
		list, merged, pairs = &r.learn, &r.merged[1], r.pairs[1]
	}
	if err := kernels.CheckWeights(r.p, weights); err != nil {
		return err
	}
	if r.p.N*steps >= mergedPatterns && pairs != nil && opposite(pairs, weights) {
		list = merged
	}
	var pins runtime.Pinner
	defer pins.Unpin()
	for i, w := range weights {
		r.weights[i] = ptr(w)
		pins.Pin(r.weights[i])
	}
	r.dims[0] = C.struct_program_dims{N: C.long(r.p.N), steps: C.long(steps), ops: C.int(len(list.ops)), arrays: C.int(len(r.layout.Arrays)),
		outer: C.long(r.layout.Traces), room: C.long(len(r.shared)), rate: C.double(rate)}
	if len(r.workers) == 1 {
		r.run(list, &r.workers[0])
		return nil
	}
	Each(r.workers, func(w *gemmWorker[F]) { r.run(list, w) })
	return nil
}

func (r *Program[F]) run(list *programList, w *gemmWorker[F]) {
	C.program_run(r.loop, r.k, &r.dims[0], (*C.struct_program_op)(ptr(list.ops)), (*C.int)(ptr(list.groups)), (*C.struct_program_array)(ptr(r.layout.Arrays)),
		(*C.struct_program_weight)(ptr(r.layout.Weights)), (*C.struct_program_steady)(ptr(list.steady)), ptr(r.weights), ptr(r.rows), ptr(r.state), ptr(r.traces), C.int(w.number), &r.team[0], ptr(w.work), ptr(r.shared))
}

// Array implements kernels.ProgramPlan.
func (r *Program[F]) Array(i int) []F {
	at, n := int(r.layout.Arrays[i].Rows), r.p.N*r.p.Arrays[i].Units
	return r.rows[at : at+n : at+n]
}

// Trace implements kernels.ProgramPlan.
func (r *Program[F]) Trace(i int) []F {
	w := r.layout.Weights[i]
	if w.Trace < 0 {
		return nil
	}
	at, n := int(w.Trace), w.Floats()
	return r.traces[at : at+n : at+n]
}
