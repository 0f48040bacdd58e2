//go:build cgo

package cpu

/*
#cgo CFLAGS: -O3 -g1 -Wno-psabi
#include "src/scan.h"

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
static void input_noise(const struct kernels *k, const struct scan_dims *d, const void *x, void *to, long b0, long b1)
{
	k->input_noise(d, x, to, b0, b1);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/cells"
	"galvani/kernels/cpu/src"
	"galvani/kernels/monitor"
	"galvani/kernels/pages"
	"galvani/kernels/segments"

	"gorgonia.org/gorgonia"
)

var _ = src.Files

// Scan runs one cell over sequences of fixed shape. It keeps its own buffers and allocates next
// to nothing per run. Not safe for concurrent use. It implements kernels.ScanPlan.
type Scan[F kernels.Float] struct {
	cfg     kernels.ScanConfig
	shape   cells.Shape
	isa     string
	threads int
	k       *C.struct_kernels
	cell    C.int
	dims    C.struct_scan_dims
	edges   kernels.Axial // none without axial coupling

	run            kernels.ScanArrays[[]F] // of the last Forward
	by             roles[F]                // its parameters
	noisy          []F                     // [T,B,I] x with noise; nil without
	final          []F                     // [S,B,H] of the last Forward
	last           []F                     // [B,H] a copy of its h
	gradH          []F                     // [T,B,H] of the last Backward, with KeepGradH
	grad           []F                     // packed gradient of the last Backward
	h              []F                     // [T,B,H], or of one segment with Last
	packed, bounds []F
	segments       []segment
	borders        []F       // [len(segments),S,B,H] states before segments, none if there is one
	fresh          bool      // all that Backward reads is that of the last segment
	raw            []float64 // [V or V+1, H]
	axial          axial[F]
	all, lone      *crew[F] // lone is nil where it is not tried
	crew           *crew[F] // of the last Forward
	tempo          *tempo
	groups         []group[F]
}

// prepare returns a scan without its buffers, and what of a sequence it keeps.
//
// Errors: those of NewScan.
func prepare[F kernels.Float](isa string, threads int, cfg kernels.ScanConfig) (*Scan[F], kept, error) {
	if err := cfg.Check(); err != nil {
		return nil, kept{}, err
	}
	var f F
	if _, double := any(f).(float64); double != (isa == "float64") {
		return nil, kept{}, fmt.Errorf("cpu: instruction set %q does not compute in %T", isa, f)
	}
	shape := cfg.Shape()
	s := &Scan[F]{cfg: cfg, shape: shape, isa: isa, threads: threads, k: pick(isa),
		cell: C.int(slices.Index(cells.Names(), cfg.Cell.Header))}
	if s.k == nil {
		return nil, kept{}, fmt.Errorf("cpu: this machine has no %s", isa)
	}
	if cfg.Cell.Axial != nil {
		s.edges = *cfg.Cell.Axial
	}
	s.axial = newAxial[F](cfg.H, s.edges.I, s.edges.J)
	s.setDims()
	keep, err := s.divide()
	if short := new(segments.MemoryError); errors.As(err, &short) {
		return nil, kept{}, cfg.MemoryError(short)
	} else if err != nil {
		return nil, kept{}, err
	}
	rows, block := int(s.dims.group), int(s.dims.block)
	s.all = newCrew[F](cfg.B, rows, block, threads)
	s.crew = s.all
	lone, work := newCrew[F](cfg.B, rows, block, 1), 0
	for i := range lone.threads[0] {
		work += int(s.sizes(&lone.threads[0][i]).work)
	}
	if len(s.all.threads) > 1 && work <= mostTried {
		s.lone = lone
	}
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

// scanBytes returns how much memory NewScan takes.
//
// Errors: those of NewScan.
func scanBytes[F kernels.Float](isa string, threads int, cfg kernels.ScanConfig) (int64, error) {
	s, keep, err := prepare[F](isa, threads, cfg)
	if err != nil {
		return 0, err
	}
	first, groups := s.sizes(&s.all.threads[0][0]), len(s.all.team)
	sums, doubles := s.groupLen()
	n := s.noisyLen() + int(first.packed) + keep.bounds + keep.borders + keep.h + (s.shape.States+1)*cfg.B*cfg.H +
		groups*(int(first.shared)+sums) + (s.shape.In*cfg.I+s.shape.Rec*cfg.H)*cfg.H + s.edges.Edges() + cfg.Packed()
	for _, w := range s.everybody() {
		n += int(s.sizes(w).work)
	}
	if cfg.KeepGradH {
		n += cfg.T * cfg.B * cfg.H
	}
	doubles = groups*doubles + (s.planes()+s.shape.Vecs)*cfg.H
	return int64(n)*int64(unsafe.Sizeof(*new(F))) + int64(doubles)*int64(unsafe.Sizeof(float64(0))), nil
}

// NewScan allocates a scan. Instruction set is one of ISAs, or float64 for that type.
//
// Errors: wraps kernels.ErrShape, kernels.ErrMemory; an instruction set that does not compute in F
// or that the machine lacks.
func NewScan[F kernels.Float](isa string, threads int, cfg kernels.ScanConfig) (*Scan[F], error) {
	s, keep, err := prepare[F](isa, threads, cfg)
	if err != nil {
		return nil, err
	}
	shape := s.shape
	s.by = newRoles[F](cfg)
	for _, w := range s.everybody() {
		w.work = pages.Make[F](int(s.sizes(w).work))
	}
	size := s.sizes(&s.all.threads[0][0])
	s.packed = pages.Make[F](int(size.packed))
	for range s.all.team {
		s.groups = append(s.groups, s.newGroup(int(size.shared)))
	}
	s.bounds, s.borders = pages.Make[F](max(1, keep.bounds)), pages.Make[F](keep.borders)
	s.h = pages.Make[F](keep.h)
	s.final, s.last = make([]F, shape.States*cfg.B*cfg.H), make([]F, cfg.B*cfg.H)
	s.grad = pages.Make[F](cfg.Packed())
	s.noisy = pages.Make[F](s.noisyLen())
	if cfg.KeepGradH {
		s.gradH = pages.Make[F](cfg.T * cfg.B * cfg.H)
	}
	s.raw = make([]float64, max(1, s.planes()*cfg.H))
	return s, nil
}

// mostTried is how many numbers of scratch a scan has at most of which one thread is tried beside all: some milliseconds of work.
const mostTried = 1 << 21

// choose chooses who does the run that begins.
func (s *Scan[F]) choose() {
	if s.lone == nil {
		return
	}
	if !s.cfg.ForwardOnly {
		s.tempo.forward()
	}
	s.crew = s.all
	if s.tempo.alone() {
		s.crew = s.lone
	}
}

// blockRows is how many rows add up their gradients of vector parameters together: enough that
// the sums need not be read and written for each row, and so few that threads get equal shares.
func blockRows(rows int) int {
	if rows%8 == 0 || rows >= 128 {
		return 4
	}
	return 2
}

// chunkRows is how many rows of steps the weight-gradient product of a group is long in a chunk, about.
const chunkRows = 512

// setDims fills the C view of the configuration. A chunk holds enough steps to feed the
// weight-gradient product, and no more, so that its drives stay in the cache; but never so few
// that the states kept at its borders weigh. Like all that the order of a sum depends on, it
// follows from the shape alone, and not from the number of threads.
func (s *Scan[F]) setDims() {
	c := s.cfg
	d := &s.dims
	d.T, d.B, d.I, d.H = C.long(c.T), C.long(c.B), C.long(c.I), C.long(c.H)
	d.E = C.long(s.edges.Edges())
	d.bands, d.loose = C.long(len(s.axial.Offset)), C.long(len(s.axial.Post))
	d.group = C.long(groupRows(c.T, c.B))
	d.chunk = C.long(min(c.T, max(8, min(128, chunkRows/int(d.group)))))
	d.block = C.long(blockRows(c.B))
	d.learn = C.int(c.LearnedPlanes())
	d.last, d.learn_in, d.learn_rec = flag(c.Last), flag(c.Learns(kernels.In)), flag(c.Learns(kernels.Rec))
	d.learn_edge, d.grad_in = flag(c.Learns(kernels.Edge)), flag(c.GradX)
	for i, v := range c.Cell.Consts {
		d.consts[i] = C.double(v)
	}
	for g := range d.hi {
		d.hi[g] = d.H
	}
	for g, columns := range c.Supports() {
		d.lo[g], d.hi[g] = C.long(columns[0]), C.long(columns[1])
	}
}

// newTeam returns a barrier of a number of workers, where so many threads compute.
func newTeam(workers, threads int) C.struct_team {
	return C.struct_team{size: C.int(workers), crowded: flag(threads > monitor.Cores())}
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

// Forward implements kernels.ScanPlan.
func (s *Scan[F]) Forward(a kernels.ScanArgs) (gorgonia.Value, error) {
	run, err := kernels.Bind(s.cfg, a, kernels.Elems[F])
	if err != nil {
		return nil, err
	}
	s.run = run
	s.choose()
	s.by.gather(s.cfg, run.Params)
	s.draw(a.Draw)
	s.forwardAll()
	if c := s.cfg; !c.Last {
		return kernels.Wrap(s.h, c.Rows(), c.H), nil
	}
	copy(s.last, s.final) // plane 0 of the state is h
	return kernels.Wrap(s.last, s.cfg.B, s.cfg.H), nil
}

// noisyLen returns the number of elements of x where the scan has a copy with noise.
func (s *Scan[F]) noisyLen() int {
	if s.cfg.Noise.Input == 0 {
		return 0
	}
	return s.cfg.T * s.cfg.B * s.cfg.I
}

// draw draws the noise of a run: that of x at once, that of the drives where they are made.
func (s *Scan[F]) draw(d kernels.NoiseDraw) {
	noise := s.cfg.Noise
	for i := range s.segments {
		g := &s.segments[i].dims
		g.noise, g.noise_key, g.noise_first = C.double(noise.Drive), C.ulonglong(noise.DriveKey(d)), C.ulonglong(d.First)
	}
	if len(s.noisy) == 0 {
		return
	}
	s.dims.input_noise, s.dims.input_key, s.dims.noise_first = C.double(noise.Input), C.ulonglong(noise.InputKey(d)), C.ulonglong(d.First)
	s.crew.each(func(w *worker[F]) {
		C.input_noise(s.k, &s.dims, ptr(s.run.X), ptr(s.noisy), C.long(w.b0), C.long(w.b1))
	})
	s.run.X = s.noisy
}

// forwardAll runs the sequence that s.run and s.by hold.
func (s *Scan[F]) forwardAll() {
	copy(s.raw, s.by.vec)
	if s.shape.Axial >= 0 {
		sums := s.raw[s.shape.Vecs*s.cfg.H:]
		clear(sums)
		for e, g := range s.by.edge {
			sums[s.edges.I[e]] += float64(g)
			sums[s.edges.J[e]] += float64(g)
		}
		s.axial.set(s.by.edge)
	}
	C.pack(s.k, s.cell, &s.dims, ptr(s.by.in), ptr(s.by.rec), doubles(s.raw), ptr(s.packed), 0)
	copy(s.borders, s.run.State)
	s.crew.each(func(w *worker[F]) {
		for k := range s.segments {
			s.forward(w, k, s.hidden(k))
		}
	})
	s.fresh = true
}

// forward runs the batch rows of a worker through segment k, from the state before it.
func (s *Scan[F]) forward(w *worker[F], k int, h []F) {
	c, g, x, a := &s.cfg, &s.segments[k], &s.axial, &s.run
	C.galvani_forward(s.k, s.cell, &g.dims, ptr(from(a.X, g.t0*c.B*c.I)), ptr(from(a.Mask, g.t0*c.B)),
		ptr(s.before(k)), ptr(h), ptr(s.after(k)), ptr(s.packed), ptr(s.bounds),
		ints(x.Offset), ptr(x.band), ints(x.Post), ints(x.Pre), ptr(x.value),
		C.long(w.b0), C.long(w.b1), ptr(w.work), ptr(s.groups[w.group].shared))
}

// Backward implements kernels.ScanPlan.
func (s *Scan[F]) Backward(_ kernels.ScanArgs, dh gorgonia.Value) (gorgonia.Value, error) {
	if s.run.X == nil {
		return nil, fmt.Errorf("kernels: scan: backward before any forward")
	}
	d, err := kernels.Elems[F]("scan: dh", dh, s.cfg.Rows(), s.cfg.H)
	if err != nil {
		return nil, err
	}
	s.tempo.backward()
	s.backwardAll(d).scatter(s.cfg, s.grad)
	return kernels.Wrap(s.grad, len(s.grad)), nil
}

// backwardAll returns the gradients of what s.run and s.by hold, where Forward ran last,
// given the gradient dh of its result.
func (s *Scan[F]) backwardAll(dh []F) *grads[F] {
	C.pack(s.k, s.cell, &s.dims, ptr(s.by.in), ptr(s.by.rec), doubles(s.raw), ptr(s.packed), 1)
	last := len(s.segments) - 1
	s.crew.each(func(w *worker[F]) {
		for k := last; k >= 0; k-- {
			if k < last || !s.fresh {
				s.forward(w, k, s.hidden(k))
			}
			s.backward(w, k, dh)
		}
	})
	s.fresh = last == 0
	g := s.total()
	sum := &g.sum
	C.unprepare(s.k, s.cell, &s.dims, doubles(s.raw), doubles(g.prep), doubles(sum.vec))
	if s.dims.learn_edge != 0 && s.shape.Axial >= 0 {
		s.axial.grads(g.band, g.loose, sum.edge)
		sums := sum.vec[s.shape.Vecs*s.cfg.H:]
		for k := range s.edges.I {
			sum.edge[k] += sums[s.edges.I[k]] + sums[s.edges.J[k]]
		}
	}
	return sum
}

// backward walks the batch rows of a worker back through segment k, which ran forward last.
func (s *Scan[F]) backward(w *worker[F], k int, dh []F) {
	c, g, x, a, own := &s.cfg, &s.segments[k], &s.axial, &s.run, &s.groups[w.group]
	if !c.Last {
		dh = dh[g.t0*c.B*c.H:]
	} else if k < len(s.segments)-1 {
		dh = nil
	}
	gx, gstate := s.inputGrads(g.t0)
	C.galvani_backward(s.k, s.cell, &g.dims, ptr(from(a.X, g.t0*c.B*c.I)), ptr(from(a.Mask, g.t0*c.B)),
		ptr(s.before(k)), ptr(s.hidden(k)), ptr(s.packed), ptr(s.bounds),
		ints(x.Offset), ptr(x.band), ints(x.Post), ints(x.Pre), ptr(x.value),
		ptr(dh), C.long(w.b0), C.long(w.b1), C.int(w.number), &s.crew.team[w.group], ptr(w.work), ptr(own.shared),
		ptr(own.sum.in), ptr(own.sum.rec), doubles(own.prep), doubles(own.band), doubles(own.loose),
		ptr(from(s.gradH, g.t0*c.B*c.H)), ptr(gx), ptr(gstate))
}

// inputGrads returns the places of the gradients of x from step t0 on and of the first state, nil for
// one that is not asked for.
func (s *Scan[F]) inputGrads(t0 int) (gx, gstate []F) {
	x, state := s.cfg.Inputs()
	if x >= 0 {
		gx = s.grad[x+t0*s.cfg.B*s.cfg.I:]
	}
	if state >= 0 {
		gstate = s.grad[state:]
	}
	return gx, gstate
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

// apply computes y = f(x) elementwise with the kernels of an instruction set that this
// machine has; x and y have equal length.
func apply(isa string, f Func, x, y []float32) {
	C.unary(pick(isa), C.int(f), C.long(len(x)), ptr(x), ptr(y))
}
