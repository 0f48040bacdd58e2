//go:build cgo

// Package cpu is the CPU device's engine: packed matrix products and the scan loop in C, one
// compilation per instruction set, chosen at run time.
package cpu

//go:generate go run gen.go

/*
#cgo CFLAGS: -O3 -Wno-psabi -Wno-unknown-pragmas
#cgo LDFLAGS: -lm
#include <stdlib.h>
#include "scan.h"

static struct scan_sizes sizes(const struct kernels *k, int cell, const struct scan_dims *d, long rows)
{
	return k->sizes(cell, d, rows);
}
static void pack(const struct kernels *k, int cell, const struct scan_dims *d, const void *win,
		 const void *wrec, const double *raw, void *packed, int backward)
{
	k->pack(cell, d, win, wrec, raw, packed, backward);
}
static void unprepare(const struct kernels *k, int cell, const struct scan_dims *d, const double *raw,
		      const double *gprep, double *graw)
{
	k->unprepare(cell, d, raw, gprep, graw);
}
static void unary(const struct kernels *k, int f, long n, const void *x, void *y) { k->unary(f, n, x, y); }
*/
import "C"

import (
	"fmt"
	"sync"
	"unsafe"

	"galvani/kernels/cells" // the headers; importing them makes a changed header rebuild this package
)

var _ = cells.Headers

// Float is the number type of a scan.
type Float interface{ float32 | float64 }

// ISAs lists the instruction sets for float32 in order of preference.
var ISAs = []string{"avx512", "avx2", "portable"}

// Best returns the first of ISAs that this machine has.
func Best() string {
	for _, name := range ISAs {
		if Supported(name) {
			return name
		}
	}
	return "portable"
}

// Supported reports whether this machine can run the instruction set.
func Supported(isa string) bool { return pick(isa) != nil }

func pick(isa string) *C.struct_kernels {
	name := C.CString(isa)
	defer C.free(unsafe.Pointer(name))
	return C.galvani_pick(name)
}

// Shape is what a cell's header says of itself; see kernels/cells/shared/cell.h.
type Shape struct {
	States, In, Rec, Drives, Axial, Vecs, Prep int
	// UsesRec says that the adjoint reads recurrent products.
	UsesRec bool
	Kept    int // planes of drives that the adjoint reads
}

// Cells returns the shapes of all compiled cells by header name.
func Cells() map[string]Shape {
	m := map[string]Shape{}
	for i := 0; i < int(C.galvani_cells()); i++ {
		s := C.galvani_cell_shape(C.int(i))
		m[C.GoString(C.galvani_cell_name(C.int(i)))] = Shape{int(s.states), int(s.in), int(s.rec),
			int(s.drives), int(s.axial), int(s.vecs), int(s.prep), s.uses_rec != 0, int(s.kept)}
	}
	return m
}

func index(cell string) (C.int, Shape, error) {
	for i := C.int(0); i < C.galvani_cells(); i++ {
		if C.GoString(C.galvani_cell_name(i)) == cell {
			return i, Cells()[cell], nil
		}
	}
	return 0, Shape{}, fmt.Errorf("cpu: no kernel for cell %q", cell)
}

// Config fixes a scan. Learn is 0 for no vector parameter, 1 for the first only, 2 for all.
type Config struct {
	Cell                         string
	ISA                          string // of ISAs, or "float64"
	Threads                      int
	T, B, I, H                   int
	Consts, Rest                 []float64
	Support                      [][2]int // per recurrent matrix the columns [lo,hi) that may hold entries, nil for all
	EdgeI, EdgeJ                 []int32
	Last                         bool
	Learn                        int
	LearnIn, LearnRec, LearnEdge bool
	KeepGradH                    bool
	// Memory bounds the bytes kept from Forward for Backward, 0 for no bound: h of all steps
	// with Last, and the other state planes at chunk borders. See segments.go.
	Memory int64
	// ForwardOnly says that Backward is never called.
	ForwardOnly bool
}

// Args are the inputs of a run in their natural shapes: In [P·H,I], Rec [G·H,H], Vec [V,H]
// and Edge [E]; Mask and Reset are nil where the scan has none.
type Args[F Float] struct {
	X, State, Mask, Reset []F
	In, Rec               []F
	Vec                   []float64
	Edge                  []F
}

// Grads are the gradients of a run. They do not depend on the number of threads.
type Grads[F Float] struct {
	In, Rec   []F
	Vec, Edge []float64
}

// Scan runs one cell over sequences of fixed shape. It keeps its own buffers and allocates
// nothing per run. Not safe for concurrent use.
type Scan[F Float] struct {
	cfg   Config
	shape Shape
	k     *C.struct_kernels
	cell  C.int
	dims  C.struct_scan_dims

	Final          []F // [S,B,H] of the last Forward
	GradH          []F // [T,B,H] of the last Backward, with Config.KeepGradH
	h              []F // [T,B,H], or of one segment with Config.Last
	packed, bounds []F
	segments       []segment
	borders        []F       // [len(segments),S,B,H] states before segments, none if there is one
	fresh          bool      // all that Backward reads is that of the last segment
	raw            []float64 // [V or V+1, H]
	axial          axial[F]
	workers        []worker[F]
	shared         []F             // scratch of all workers
	team           []C.struct_team // one: it lies where the scan does not move it
	sum            Grads[F]
	prep           []float64 // [PREP,H] gradients of prepared planes
	band, loose    []float64 // gradients of the entries of the axial matrix
}

// worker has the batch rows b0 ≤ b < b1 in the time loop.
type worker[F Float] struct {
	number, b0, b1 int
	work           []F
}

// prepare returns a scan without its buffers, and what of a sequence it keeps. It is an error if F
// does not fit the instruction set or the machine lacks it.
func prepare[F Float](cfg Config) (*Scan[F], kept, error) {
	cell, shape, err := index(cfg.Cell)
	if err != nil {
		return nil, kept{}, err
	}
	var f F
	if _, double := any(f).(float64); double != (cfg.ISA == "float64") {
		return nil, kept{}, fmt.Errorf("cpu: instruction set %q does not compute in %T", cfg.ISA, f)
	}
	s := &Scan[F]{cfg: cfg, shape: shape, cell: cell, k: pick(cfg.ISA)}
	if s.k == nil {
		return nil, kept{}, fmt.Errorf("cpu: this machine has no %s", cfg.ISA)
	}
	if shape.Rec > len(s.dims.hi) || cfg.Support != nil && len(cfg.Support) != shape.Rec {
		return nil, kept{}, fmt.Errorf("cpu: %s: supports of %d recurrent matrices, want %d, and at most %d matrices",
			cfg.Cell, len(cfg.Support), shape.Rec, len(s.dims.hi))
	}
	if len(cfg.Consts) > len(s.dims.consts) || len(cfg.Rest) != shape.States {
		return nil, kept{}, fmt.Errorf("cpu: %s: %d constants and %d rest values, want at most %d and %d",
			cfg.Cell, len(cfg.Consts), len(cfg.Rest), len(s.dims.consts), shape.States)
	}
	s.axial = newAxial[F](cfg.H, cfg.EdgeI, cfg.EdgeJ)
	s.setDims()
	keep, err := s.divide()
	if err != nil {
		return nil, kept{}, err
	}
	s.workers = divideRows[F](cfg.B, int(s.dims.block), cfg.Threads)
	return s, keep, nil
}

// sizes returns the sizes of the buffers with the rows of a worker; no segment is longer than the first.
func (s *Scan[F]) sizes(w *worker[F]) C.struct_scan_sizes {
	return C.sizes(s.k, s.cell, &s.segments[0].dims, C.long(w.b1-w.b0))
}

// planes returns the number of vectors per unit, the sums of axial conductances among them.
func (s *Scan[F]) planes() int {
	if s.shape.Axial >= 0 {
		return s.shape.Vecs + 1
	}
	return s.shape.Vecs
}

// Bytes returns how much memory NewScan takes.
//
// Errors: those of NewScan.
func Bytes[F Float](cfg Config) (int64, error) {
	s, keep, err := prepare[F](cfg)
	if err != nil {
		return 0, err
	}
	first := s.sizes(&s.workers[0])
	n := int(first.packed) + int(first.shared) + keep.bounds + keep.borders + keep.h +
		s.shape.States*cfg.B*cfg.H + (s.shape.In*cfg.I+s.shape.Rec*cfg.H)*cfg.H
	for i := range s.workers {
		n += int(s.sizes(&s.workers[i]).work)
	}
	if cfg.KeepGradH {
		n += cfg.T * cfg.B * cfg.H
	}
	doubles := (2*s.planes()+s.shape.Prep)*cfg.H + len(s.axial.bandEdge) + len(s.axial.edge) + len(cfg.EdgeI)
	return int64(n)*int64(unsafe.Sizeof(*new(F))) + int64(doubles)*int64(unsafe.Sizeof(float64(0))), nil
}

// NewScan allocates a scan. It is an error if F does not fit the instruction set or the
// machine lacks it.
func NewScan[F Float](cfg Config) (*Scan[F], error) {
	s, keep, err := prepare[F](cfg)
	if err != nil {
		return nil, err
	}
	shape := s.shape
	for i := range s.workers {
		w := &s.workers[i]
		size := s.sizes(w)
		w.work = make([]F, size.work)
		if i == 0 {
			s.packed, s.shared = make([]F, size.packed), make([]F, size.shared)
		}
	}
	s.team = []C.struct_team{{size: C.int(len(s.workers))}}
	s.bounds, s.borders = make([]F, max(1, keep.bounds)), make([]F, keep.borders)
	s.h = make([]F, keep.h)
	s.Final = make([]F, shape.States*cfg.B*cfg.H)
	if cfg.KeepGradH {
		s.GradH = make([]F, cfg.T*cfg.B*cfg.H)
	}
	planes := s.planes()
	s.raw = make([]float64, max(1, planes*cfg.H))
	s.prep = make([]float64, shape.Prep*cfg.H)
	s.band, s.loose = make([]float64, len(s.axial.bandEdge)), make([]float64, len(s.axial.edge))
	s.sum = Grads[F]{In: make([]F, shape.In*cfg.H*cfg.I), Rec: make([]F, shape.Rec*cfg.H*cfg.H),
		Vec: make([]float64, max(1, planes*cfg.H)), Edge: make([]float64, len(cfg.EdgeI))}
	return s, nil
}

// divideRows gives each worker whole blocks of rows, as evenly as that goes.
func divideRows[F Float](rows, block, threads int) []worker[F] {
	blocks := (rows + block - 1) / block
	workers := make([]worker[F], max(1, min(threads, blocks)))
	for i := range workers {
		workers[i] = worker[F]{number: i, b0: blocks * i / len(workers) * block,
			b1: min(rows, blocks*(i+1)/len(workers)*block)}
	}
	return workers
}

// blockRows is how many rows add up their gradients of vector parameters together: enough that
// the sums need not be read and written for each row, and so few that threads get equal shares.
func blockRows(rows int) int {
	if rows%8 == 0 || rows >= 128 {
		return 4
	}
	return 2
}

// chunkRows is how many rows of steps the weight-gradient product of a chunk is long, about.
const chunkRows = 512

// setDims fills the C view of the configuration. A chunk holds enough steps to feed the
// weight-gradient product, and no more, so that its drives stay in the cache; but never so few
// that the states kept at its borders weigh. Like all that the order of a sum depends on, it
// follows from the shape alone, and not from the number of threads.
func (s *Scan[F]) setDims() {
	c := s.cfg
	d := &s.dims
	d.T, d.B, d.I, d.H = C.long(c.T), C.long(c.B), C.long(c.I), C.long(c.H)
	d.E = C.long(len(c.EdgeI))
	d.bands, d.loose = C.long(len(s.axial.offset)), C.long(len(s.axial.post))
	d.chunk = C.long(min(c.T, max(8, min(128, chunkRows/c.B))))
	d.block = C.long(blockRows(c.B))
	d.learn = C.int(c.Learn)
	d.last, d.learn_in, d.learn_rec = flag(c.Last), flag(c.LearnIn), flag(c.LearnRec)
	d.learn_edge = flag(c.LearnEdge)
	for i, v := range c.Consts {
		d.consts[i] = C.double(v)
	}
	for i, v := range c.Rest {
		d.rest[i] = C.double(v)
	}
	for g := range d.hi {
		d.hi[g] = d.H
		if c.Support != nil && g < s.shape.Rec {
			d.lo[g], d.hi[g] = C.long(c.Support[g][0]), C.long(c.Support[g][1])
		}
	}
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

func ptr[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

func ints(s []int32) *C.int         { return (*C.int)(ptr(s)) }
func doubles(s []float64) *C.double { return (*C.double)(ptr(s)) }

// Forward runs the sequence; the last step is in Final, and H returns all.
func (s *Scan[F]) Forward(a Args[F]) {
	copy(s.raw, a.Vec)
	if s.shape.Axial >= 0 {
		sums := s.raw[s.shape.Vecs*s.cfg.H:]
		clear(sums)
		for e, g := range a.Edge {
			sums[s.cfg.EdgeI[e]] += float64(g)
			sums[s.cfg.EdgeJ[e]] += float64(g)
		}
		s.axial.set(a.Edge)
	}
	C.pack(s.k, s.cell, &s.dims, ptr(a.In), ptr(a.Rec), doubles(s.raw), ptr(s.packed), 0)
	copy(s.borders, a.State)
	Each(s.workers, func(w *worker[F]) {
		for k := range s.segments {
			s.forward(w, a, k, s.hidden(k))
		}
	})
	s.fresh = true
}

// forward runs the batch rows of a worker through segment k, from the state before it.
func (s *Scan[F]) forward(w *worker[F], a Args[F], k int, h []F) {
	c, g, x := &s.cfg, &s.segments[k], &s.axial
	C.galvani_forward(s.k, s.cell, &g.dims, ptr(from(a.X, g.t0*c.B*c.I)), ptr(from(a.Mask, g.t0*c.B)),
		ptr(from(a.Reset, g.t0*c.B)), ptr(s.before(a, k)), ptr(h), ptr(s.after(k)), ptr(s.packed), ptr(s.bounds),
		ints(x.offset), ptr(x.band), ints(x.post), ints(x.pre), ptr(x.value),
		C.long(w.b0), C.long(w.b1), ptr(w.work), ptr(s.shared))
}

// Backward takes the gradient dh of h, [T,B,H] or [B,H] with Config.Last, after a Forward
// with the same arguments. The result is valid until the next call.
func (s *Scan[F]) Backward(a Args[F], dh []F) Grads[F] {
	C.pack(s.k, s.cell, &s.dims, ptr(a.In), ptr(a.Rec), doubles(s.raw), ptr(s.packed), 1)
	last := len(s.segments) - 1
	Each(s.workers, func(w *worker[F]) {
		for k := last; k >= 0; k-- {
			if k < last || !s.fresh {
				s.forward(w, a, k, s.hidden(k))
			}
			s.backward(w, a, k, dh)
		}
	})
	s.fresh = last == 0
	C.unprepare(s.k, s.cell, &s.dims, doubles(s.raw), doubles(s.prep), doubles(s.sum.Vec))
	if s.cfg.LearnEdge && s.shape.Axial >= 0 {
		s.axial.grads(s.band, s.loose, s.sum.Edge)
		sums := s.sum.Vec[s.shape.Vecs*s.cfg.H:]
		for k := range s.cfg.EdgeI {
			s.sum.Edge[k] += sums[s.cfg.EdgeI[k]] + sums[s.cfg.EdgeJ[k]]
		}
	}
	return s.sum
}

// backward walks the batch rows of a worker back through segment k, which ran forward last.
func (s *Scan[F]) backward(w *worker[F], a Args[F], k int, dh []F) {
	c, g, x := &s.cfg, &s.segments[k], &s.axial
	if !c.Last {
		dh = dh[g.t0*c.B*c.H:]
	} else if k < len(s.segments)-1 {
		dh = nil
	}
	C.galvani_backward(s.k, s.cell, &g.dims, ptr(from(a.X, g.t0*c.B*c.I)), ptr(from(a.Mask, g.t0*c.B)),
		ptr(from(a.Reset, g.t0*c.B)), ptr(s.before(a, k)), ptr(s.hidden(k)), ptr(s.packed), ptr(s.bounds),
		ints(x.offset), ptr(x.band), ints(x.post), ints(x.pre), ptr(x.value),
		ptr(dh), C.long(w.b0), C.long(w.b1), C.int(w.number), &s.team[0], ptr(w.work), ptr(s.shared),
		ptr(s.sum.In), ptr(s.sum.Rec), doubles(s.prep), doubles(s.band), doubles(s.loose),
		ptr(from(s.GradH, g.t0*c.B*c.H)))
}

// Each calls f for every worker, the first on this goroutine and the others on their own, and
// waits for all.
func Each[W any](workers []W, f func(*W)) {
	var wg sync.WaitGroup
	for i := range workers[1:] {
		wg.Add(1)
		go func() {
			defer wg.Done()
			f(&workers[1+i])
		}()
	}
	f(&workers[0])
	wg.Wait()
}

// Func is an elementary function of the kernels.
type Func int

// The functions of kernels/cells/shared/real.h.
const (
	Exp Func = iota
	Sigmoid
	Tanh
	Softplus
	Pow06 // r_pow(x, 0.6)
	Pow2  // r_pow(x, 2)
)

// Apply computes y = f(x) elementwise with the kernels of an instruction set that this
// machine has; x and y have equal length.
func Apply(isa string, f Func, x, y []float32) {
	C.unary(pick(isa), C.int(f), C.long(len(x)), ptr(x), ptr(y))
}
