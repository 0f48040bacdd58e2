//go:build cgo

package cpu

/*
#include "program.h"

// program_of returns the loop over programs that goes with the products of an instruction set.
static program_run_fn *program_of(const struct kernels *k)
{
#if defined(__x86_64__)
	if (k->lanes == 16)
		return program_run_avx512;
	if (k->lanes == 8)
		return program_run_avx2;
#endif
	return k->lanes == 1 ? program_run_float64 : program_run_portable;
}

static struct gemm_sizes program_gemm_sizes(const struct kernels *k, long N) { return k->gemm_sizes(N); }

static void program_run(program_run_fn *f, const struct kernels *k, const struct program_dims *d, const struct program_op *ops,
			const struct program_array *arrays, const struct program_weight *shapes, void *weights, void *rows,
			void *state, void *traces, int worker, struct team *team, void *work, void *shared)
{
	struct share w = {0, 0, worker, team, work, shared};
	f(k, d, ops, arrays, shapes, (void *const *)weights, rows, state, traces, &w);
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/cells"
)

var _ kernels.Stepper = (*Device)(nil)

var _ = cells.Headers // a header that changes has this package compiled again

// Program runs a kernels.Program on a team of threads. It implements kernels.ProgramPlan. Not safe for concurrent use.
type Program[F kernels.Float] struct {
	p             *kernels.Program
	k             *C.struct_kernels
	loop          *C.program_run_fn
	answer, learn []C.struct_program_op
	arrays        []C.struct_program_array
	shapes        []C.struct_program_weight
	weights       []unsafe.Pointer
	rows, state   []F
	traces        []F
	workers       []gemmWorker[F]
	shared        []F
	team          []C.struct_team // one
	dims          []C.struct_program_dims
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
	if p.Draws() {
		return nil, fmt.Errorf("cpu: programs that draw spikes run in Go: %w", kernels.ErrShape)
	}
	r := &Program[F]{p: p, k: pick(isa), dims: make([]C.struct_program_dims, 1)}
	if r.k == nil {
		return nil, fmt.Errorf("cpu: this machine has no %s", isa)
	}
	r.loop = C.program_of(r.k)
	rows, state, traces, most := 0, 0, 0, p.N
	for _, a := range p.Arrays {
		c := C.struct_program_array{units: C.long(a.Units), at: C.long(state), rows: -1}
		state += (p.N*a.Units + C.PROGRAM_PAD - 1) / C.PROGRAM_PAD * C.PROGRAM_PAD
		if a.Kept {
			c.rows = C.long(rows)
			rows += p.N * a.Units
		}
		r.arrays = append(r.arrays, c)
	}
	for _, w := range p.Weights {
		c, n := C.struct_program_weight{M: C.long(w.M), K: C.long(w.K), trace: -1, outer: -1}, w.M*w.K
		if most = max(most, w.M, w.K); w.Traced {
			c.trace, c.outer = C.long(traces), C.long(traces+n)
			traces += 2 * n
		}
		r.shapes = append(r.shapes, c)
	}
	r.state, r.traces, r.weights = make([]F, state), make([]F, traces), make([]unsafe.Pointer, len(p.Weights))
	if p.N == 1 {
		for i := range r.arrays {
			r.arrays[i].rows = r.arrays[i].at
		}
		r.rows = r.state
	} else {
		r.rows = make([]F, rows)
	}
	r.answer, r.learn = programOps(p.Answer), programOps(p.Learn)
	size := C.program_gemm_sizes(r.k, C.long(most))
	r.shared = make([]F, size.shared)
	for i := range min(max(1, threads), max(1, p.Work()/threadWork)) {
		r.workers = append(r.workers, gemmWorker[F]{i, make([]F, size.work)})
	}
	r.team = []C.struct_team{newTeam(len(r.workers))}
	return r, nil
}

func programOps(list []kernels.ProgramOp) (ops []C.struct_program_op) {
	for _, o := range list {
		c := C.struct_program_op{kind: C.int(o.Kind), w: C.int(o.W), bias: C.int(o.Bias), to: C.int(o.To), also: C.int(o.Also), phi: C.int(o.Phi),
			ahead: flag(o.Ahead), learning: flag(o.Learning), total: C.double(o.Total), part: C.double(o.Part), scale: C.double(o.Scale)}
		for i := range o.From {
			c.from[i], c.by[i] = C.int(o.From[i]), C.double(o.By[i])
		}
		ops = append(ops, c)
	}
	return ops
}

// Run implements kernels.ProgramPlan.
func (r *Program[F]) Run(learn bool, steps int, rate float64, weights [][]F) error {
	ops := r.answer
	if learn {
		ops = r.learn
	}
	var pins runtime.Pinner
	defer pins.Unpin()
	for i, w := range weights {
		if s := r.p.Weights[i]; len(w) != s.M*s.K {
			return fmt.Errorf("kernels: program: weight %d has %d elements, want %d x %d: %w", i, len(w), s.M, s.K, kernels.ErrShape)
		}
		r.weights[i] = ptr(w)
		pins.Pin(r.weights[i])
	}
	r.dims[0] = C.struct_program_dims{N: C.long(r.p.N), steps: C.long(steps), ops: C.int(len(ops)), arrays: C.int(len(r.arrays)), rate: C.double(rate)}
	if len(r.workers) == 1 {
		r.run(ops, &r.workers[0])
		return nil
	}
	Each(r.workers, func(w *gemmWorker[F]) { r.run(ops, w) })
	return nil
}

func (r *Program[F]) run(ops []C.struct_program_op, w *gemmWorker[F]) {
	C.program_run(r.loop, r.k, &r.dims[0], &ops[0], &r.arrays[0], &r.shapes[0], ptr(r.weights), ptr(r.rows), ptr(r.state), ptr(r.traces),
		C.int(w.number), &r.team[0], ptr(w.work), ptr(r.shared))
}

// Array implements kernels.ProgramPlan.
func (r *Program[F]) Array(i int) []F {
	at, n := int(r.arrays[i].rows), r.p.N*r.p.Arrays[i].Units
	return r.rows[at : at+n : at+n]
}

// Trace implements kernels.ProgramPlan.
func (r *Program[F]) Trace(i int) []F {
	s := r.shapes[i]
	if s.trace < 0 {
		return nil
	}
	return r.traces[s.trace:s.outer:s.outer]
}
