//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"fmt"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/driver"
	"galvani/kernels/segments"

	"gorgonia.org/gorgonia"
)

// Backward implements kernels.ScanPlan: it queues the adjoint of all steps.
func (s *Scan) Backward(a kernels.ScanArgs, dhv gorgonia.Value) (gorgonia.Value, error) {
	if s.args.X == nil {
		return nil, fmt.Errorf("kernels: scan: backward before any forward")
	}
	if s.cfg.ForwardOnly {
		return nil, fmt.Errorf("kernels: scan: backward of a scan that is forward only")
	}
	args, err := kernels.Bind(s.cfg, a, s.d.taken)
	if err != nil {
		return nil, err
	}
	dh, err := s.d.taken("scan: dh", dhv, s.cfg.Rows(), s.cfg.H)
	if err != nil {
		return nil, err
	}
	r := s.run(args, a.Draw)
	s.d.queue("scan "+s.cfg.Cell.Header+" backward", func(w *work) { s.runBackward(w, r, dh.ptr) })
	return s.d.array(s.packed, s.cfg.Packed()), nil
}

func (s *Scan) runBackward(w *work, r *run, dh driver.Ptr) {
	c := &s.cfg
	w.zero(s.gstate.ptr, s.states()*c.B*c.H)
	w.zero(s.gp.ptr, int(s.bwd.groups)*s.cell.Prep*c.H)
	if s.split {
		w.zero(s.packed, c.Learned()) // nobody writes outside of the supports
	}
	for i := len(s.segments) - 1; i >= 0; i-- {
		g := s.segments[i]
		if i != s.held {
			s.resume(w, r, i)
		}
		for t0 := g.Lo + (g.Hi-g.Lo-1)/s.chunk*s.chunk; t0 >= g.Lo; t0 -= s.chunk {
			s.chunkBack(w, r, g, t0, dh)
		}
	}
	s.vectorGradients(w, r)
	s.edgeGradients(w)
	s.stateGradient(w, r)
}

// resume runs segment i forward again. Its last chunk needs the drive gradients in slot 0, which
// running forward overwrites.
func (s *Scan) resume(w *work, r *run, i int) {
	row := s.planes() * s.cfg.B * s.cfg.H
	last := i == len(s.segments)-1
	if !last {
		w.copy(s.hand, s.drives.ptr, row)
	}
	s.again(w, r, i)
	if !last {
		w.copy(s.drives.ptr, s.hand, row)
	}
}

// chunkBack walks the chunk from step t0 on back and adds its gradients.
func (s *Scan) chunkBack(w *work, r *run, g segments.Segment, t0 int, dh driver.Ptr) {
	c := &s.cfg
	n := min(s.chunk, g.Hi-t0)
	first := t0+n == c.T
	s.handOver(w, t0, n)
	prev := s.at(g, t0)
	s.drivesAgain(w, r, prev, t0, n)
	s.replayed(w, r, g, t0, n)
	s.stepsBack(w, r, g, t0, n, dh)
	s.weightGradients(w, r, prev, t0, n, !first)
	s.partialEdges(w, prev, n, !first)
	s.inputGradient(w, r, t0, n)
}

// handOver copies the drive gradients of step t0+n behind the slots of the chunk before it,
// whose last step reads them through the recurrent products. They lie in slot 0.
func (s *Scan) handOver(w *work, t0, n int) {
	row := s.planes() * s.cfg.B * s.cfg.H
	if t0+n < s.cfg.T {
		w.copy(offset(s.drives.ptr, n*row), s.drives.ptr, row)
	}
}

// drivesAgain starts the drives of n steps as far as the adjoint or the replay reads them.
func (s *Scan) drivesAgain(w *work, r *run, prev driver.Ptr, t0, n int) {
	c, dims := &s.cfg, &s.cell.dims
	if !s.cell.UsesIn && !s.cell.UsesRec {
		return
	}
	s.inputDrives(w, r, t0, n)
	if !s.cell.UsesRec {
		return
	}
	var fed [C.MAX_PLANES]bool
	for k := range int(dims.in) {
		fed[k] = true
	}
	for _, b := range s.recBlocks() {
		s.gemm.do(w, product{layout: nt, m: n * c.B, n: b.rows, k: b.hi - b.lo, a: offset(prev, b.lo), lda: c.H,
			b: offset(r.of[kernels.Rec], b.row*c.H+b.lo), ldb: c.H, c: offset(s.drives.ptr, b.column), ldc: s.planes() * c.H, add: fed[b.column/c.H]})
		for k := range b.rows / c.H {
			fed[b.column/c.H+k] = true
		}
	}
	if dims.axial < 0 {
		return
	}
	p := C.struct_axial_drives_params{R: C.int(n * c.B), H: C.int(c.H), D: dims.drives, plane: dims.axial,
		axial: s.axial(r), h: ptr(prev), drives: ptr(s.drives.ptr)}
	w.launch(s.axialDrives, of(C.each_launch(C.longlong(p.R)*C.longlong(c.H))), unsafe.Pointer(&p))
}

// block is rows of a matrix of weights that belong to as many columns of the drives, with entries in
// columns lo to hi-1.
type block struct{ row, rows, column, lo, hi int }

// recBlocks divides the recurrent matrix [G·H,H] into runs of planes that lie side by side in
// the drives too, are all fed by the input or all not, and have entries in the same columns.
func (s *Scan) recBlocks() []block {
	var bs []block
	h, in := s.cfg.H, s.cell.In
	for k := range s.cell.Rec {
		plane, lo, hi := s.cell.Plane[k], int(s.columns.lo[k]), int(s.columns.hi[k])
		if i := len(bs) - 1; i >= 0 && bs[i].column+bs[i].rows == plane*h && plane != in && bs[i].lo == lo && bs[i].hi == hi {
			bs[i].rows += h
			continue
		}
		bs = append(bs, block{k * h, h, plane * h, lo, hi})
	}
	return bs
}

// weightBlocks divides the matrix of a role in the same way.
func (s *Scan) weightBlocks(r kernels.Role) []block {
	if r == kernels.Rec {
		return s.recBlocks()
	}
	if rows := s.cell.In * s.cfg.H; rows > 0 {
		return []block{{0, rows, 0, 0, s.cfg.I}}
	}
	return nil
}

// replayed starts state planes 1.. of n steps.
func (s *Scan) replayed(w *work, r *run, g segments.Segment, t0, n int) {
	c, plane := &s.cfg, s.cfg.B*s.cfg.H
	if s.states() == 1 {
		return
	}
	border := offset(s.borders, (t0-g.Lo)/s.chunk*(s.states()-1)*plane)
	p := C.struct_replay_params{T: C.int(c.T), B: C.int(c.B), H: C.int(c.H), t0: C.int(t0), n: C.int(n),
		consts: s.constsF, prep: ptr(s.prep), drives: ptr(s.drives.ptr), h: ptr(s.at(g, t0)),
		border: ptr(border), extra: ptr(s.extra.ptr), mask: ptr(r.mask)}
	w.launch(s.replay, units(plane), unsafe.Pointer(&p))
}

// stepsBack starts the adjoint of n steps.
func (s *Scan) stepsBack(w *work, r *run, g segments.Segment, t0, n int, dh driver.Ptr) {
	c, plane := &s.cfg, s.cfg.B*s.cfg.H
	extra := (s.states() - 1) * plane
	p := C.struct_backward_params{layout: s.bwd, T: C.int(c.T), B: C.int(c.B), H: C.int(c.H), t0: C.int(t0), n: C.int(n),
		last: flag(c.Last), learn: C.int(c.LearnedPlanes()), consts: s.constsF, prep: ptr(s.prep), wrec: ptr(r.of[kernels.Rec]),
		columns: s.columns, drives: ptr(s.drives.ptr), h: ptr(s.at(g, t0)), extra: ptr(s.extra.ptr), dh: ptr(dh), grad: ptr(s.gstate.ptr),
		gp: ptr(s.gp.ptr), gh: ptr(s.gradH), mask: ptr(r.mask), axial: s.axial(r)}
	if s.bwd.resident != 0 {
		w.launch(s.backward, grid(s.bwd), unsafe.Pointer(&p))
		return
	}
	for i := n - 1; i >= 0; i-- {
		p.t0, p.n = C.int(t0+i), 1
		p.h, p.drives = ptr(s.at(g, t0+i)), ptr(offset(s.drives.ptr, i*s.planes()*plane))
		p.extra = ptr(offset(s.extra.ptr, i*extra))
		w.launch(s.backward, grid(s.bwd), unsafe.Pointer(&p))
	}
}

// weightProduct is the gradient of columns lo to hi-1 of rows of a matrix of weights, which belong to
// as many columns of the drives, at a place in the packed gradient.
type weightProduct struct {
	role                               kernels.Role
	rows, wide, lo, hi, column, packed int
}

// weightProducts lists the products that the gradients of all learned matrices take.
func (s *Scan) weightProducts() []weightProduct {
	var ps []weightProduct
	var row [kernels.Roles]int // of the matrix of a role
	packed := 0
	for _, p := range s.cfg.Params {
		if p.Role == kernels.In || p.Role == kernels.Rec {
			wide := s.cfg.I
			if p.Role == kernels.Rec {
				wide = s.cfg.H
			}
			lo, hi := row[p.Role], row[p.Role]+p.Len()/wide
			for _, b := range s.weightBlocks(p.Role) {
				if from, to := max(lo, b.row), min(hi, b.row+b.rows); from < to && b.lo < b.hi && p.Learned {
					ps = append(ps, weightProduct{p.Role, to - from, wide, b.lo, b.hi, b.column + from - b.row, packed + (from-lo)*wide})
				}
			}
			row[p.Role] = hi
		}
		if p.Learned {
			packed += p.Len()
		}
	}
	return ps
}

// weightGradients starts (drive gradients)ᵀ rows over n steps for every learned matrix.
func (s *Scan) weightGradients(w *work, r *run, prev driver.Ptr, t0, n int, add bool) {
	c := &s.cfg
	for _, p := range s.products {
		rows := prev
		if p.role == kernels.In {
			rows = offset(r.x, t0*c.B*c.I)
		}
		s.gemm.do(w, product{layout: tn, m: p.rows, n: p.hi - p.lo, k: n * c.B,
			a: offset(s.drives.ptr, p.column), lda: s.planes() * c.H, b: offset(rows, p.lo), ldb: p.wide,
			c: offset(s.packed, p.packed+p.lo), ldc: p.wide, add: add})
	}
}

// inputGradient starts the gradient of x of n steps: the gradients of its drives times the input
// matrix.
func (s *Scan) inputGradient(w *work, r *run, t0, n int) {
	c := &s.cfg
	at, _ := c.Inputs()
	if at < 0 {
		return
	}
	s.gemm.do(w, product{layout: nn, m: n * c.B, n: c.I, k: s.cell.In * c.H, a: s.drives.ptr, lda: s.planes() * c.H,
		b: r.of[kernels.In], ldb: c.I, c: offset(s.packed, at+t0*c.B*c.I), ldc: c.I})
}

// stateGradient starts the gradient of the first state: what the first step has left, and what goes
// through its products.
func (s *Scan) stateGradient(w *work, r *run) {
	c, plane := &s.cfg, s.cfg.B*s.cfg.H
	_, at := c.Inputs()
	if at < 0 {
		return
	}
	for _, b := range s.recBlocks() {
		if b.lo == b.hi {
			continue
		}
		s.gemm.do(w, product{layout: nn, m: c.B, n: b.hi - b.lo, k: b.rows, a: offset(s.drives.ptr, b.column), lda: s.planes() * c.H,
			b: offset(r.of[kernels.Rec], b.row*c.H+b.lo), ldb: c.H, c: offset(s.gstate.ptr, b.lo), ldc: c.H, add: true})
	}
	s.acrossEdges(w, r)
	out := offset(s.packed, at)
	w.copy(out, s.gstate.ptr, s.states()*plane)
}

// acrossEdges adds to the gradient of h before the first step what comes through the axial currents.
// The conductances are symmetric, so the gradients of currents are carried as voltages are: those of
// all drive planes, of which a product with the identity takes the one.
func (s *Scan) acrossEdges(w *work, r *run) {
	c, dims := &s.cfg, &s.cell.dims
	if dims.axial < 0 {
		return
	}
	p := C.struct_axial_drives_params{R: C.int(c.B * s.planes()), H: C.int(c.H), D: 1,
		axial: s.axial(r), h: ptr(s.drives.ptr), drives: ptr(s.across)}
	w.launch(s.axialDrives, of(C.each_launch(C.longlong(p.R)*C.longlong(c.H))), unsafe.Pointer(&p))
	s.gemm.do(w, product{layout: nn, m: c.B, n: c.H, k: c.B, strict: true, a: s.identity, lda: c.B,
		b: offset(s.across, int(dims.axial)*c.H), ldb: s.planes() * c.H, c: s.gstate.ptr, ldc: c.H, add: true})
}

// partialEdges adds the gradients of the conductances over n steps.
func (s *Scan) partialEdges(w *work, prev driver.Ptr, n int, add bool) {
	c, dims := &s.cfg, &s.cell.dims
	if s.edgePartial == nil {
		return
	}
	p := C.struct_edge_partial_params{R: C.int(n * c.B), H: C.int(c.H), D: dims.drives, plane: dims.axial,
		E: C.int(s.edges.Edges()), parts: C.int(s.edgeParts), add: flag(add), i: ptr(s.edgeI), j: ptr(s.edgeJ),
		h: ptr(prev), gd: ptr(s.drives.ptr), partial: ptr(s.partial.ptr)}
	w.launch(s.edgePartial, of(C.edge_launch(p.E, p.parts)), unsafe.Pointer(&p))
}

// vectorGradients starts the gradients of the vector parameters from those of the prepared planes.
func (s *Scan) vectorGradients(w *work, r *run) {
	if s.cfg.LearnedPlanes() == 0 {
		return
	}
	c := &s.cfg
	p := C.struct_unprepare_params{H: C.int(c.H), groups: s.bwd.groups, consts: s.consts, axial: s.axial(r), gp: ptr(s.gp.ptr)}
	s.each(func(k, param, plane, at int) {
		p.raw[k] = ptr(offset(r.params[param], plane*c.H))
		if at >= 0 {
			p.graw[k] = ptr(offset(s.packed, at))
		}
	})
	if s.edgeSum != nil {
		p.gsum = ptr(s.gsum.ptr)
	}
	w.launch(s.unprepare, units(c.H), unsafe.Pointer(&p))
}

// edgeGradients starts the gradients of the conductances: those of the axial currents, and those
// of the sums that the prepared planes have of them.
func (s *Scan) edgeGradients(w *work) {
	if s.edgeSum == nil {
		return
	}
	p := C.struct_edge_sum_params{E: C.int(s.edges.Edges()), parts: C.int(s.edgeParts), i: ptr(s.edgeI), j: ptr(s.edgeJ),
		partial: ptr(s.partial.ptr), gsum: ptr(s.gsum.ptr), g: ptr(s.gedge.ptr)}
	w.launch(s.edgeSum, of(C.each_launch(C.longlong(p.E))), unsafe.Pointer(&p))
	packed, edge := 0, 0
	for _, x := range s.cfg.Params {
		if x.Role == kernels.Edge {
			if x.Learned {
				w.copy(offset(s.packed, packed), offset(s.gedge.ptr, edge), x.Len())
			}
			edge += x.Len()
		}
		if x.Learned {
			packed += x.Len()
		}
	}
}
