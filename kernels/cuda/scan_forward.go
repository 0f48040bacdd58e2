//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/driver"
	"galvani/kernels/segments"

	"gorgonia.org/gorgonia"
)

// Forward implements kernels.ScanPlan: it queues all steps.
func (s *Scan) Forward(a kernels.ScanArgs) (gorgonia.Value, error) {
	args, err := kernels.Bind(s.cfg, a, s.d.taken)
	if err != nil {
		return nil, err
	}
	s.args, s.draw = args, a.Draw
	r := s.run(args, a.Draw)
	s.d.queue("scan "+s.cfg.Cell.Header+" forward", func(w *work) { s.runForward(w, r) })
	if s.cfg.Last {
		return s.d.array(s.final, s.cfg.B, s.cfg.H), nil
	}
	return s.d.array(s.slot(1), s.cfg.T*s.cfg.B, s.cfg.H), nil
}

// run takes the addresses of the arguments.
func (s *Scan) run(a kernels.ScanArrays[*Array], draw kernels.NoiseDraw) *run {
	addr := func(v *Array) driver.Ptr {
		if v == nil {
			return 0
		}
		return v.ptr
	}
	r := &run{given: a.X.ptr, draw: draw, x: a.X.ptr, state: a.State.ptr, mask: addr(a.Mask)}
	if s.noisy != 0 {
		r.x = s.noisy
	}
	for i, p := range s.cfg.Params {
		r.params = append(r.params, a.Params[i].ptr)
		if role := p.Role; s.joined[role] != 0 {
			r.of[role] = s.joined[role]
		} else {
			r.of[role] = a.Params[i].ptr
		}
	}
	return r
}

// slot returns h after n steps of what is kept.
func (s *Scan) slot(n int) driver.Ptr { return offset(s.h, n*s.cfg.B*s.cfg.H) }

// at returns h before step t of a segment.
func (s *Scan) at(g segments.Segment, t int) driver.Ptr {
	if s.cfg.Last {
		t -= g.Lo
	}
	return s.slot(t)
}

func (s *Scan) runForward(w *work, r *run) {
	plane := s.cfg.B * s.cfg.H
	others := (s.states() - 1) * plane
	carry := offset(s.final, plane)
	s.join(w, r)
	s.prepared(w, r)
	s.inputNoise(w, r)
	w.copy(s.h, r.state, plane)
	w.copy(carry, offset(r.state, plane), others)
	for i, g := range s.segments {
		s.held = i
		if i > 0 && s.cfg.Last {
			last := s.segments[i-1]
			w.copy(s.h, s.at(last, last.Hi), plane)
		}
		if s.before != 0 {
			at := offset(s.before, i*s.states()*plane)
			w.copy(at, s.at(g, g.Lo), plane)
			w.copy(offset(at, plane), carry, others)
		}
		s.steps(w, r, g, carry)
	}
	end := s.segments[len(s.segments)-1]
	w.copy(s.final, s.at(end, end.Hi), plane)
}

// join copies parameters of one role behind each other.
func (s *Scan) join(w *work, r *run) {
	var done [kernels.Roles]int
	for i, p := range s.cfg.Params {
		if to := s.joined[p.Role]; to != 0 {
			w.copy(offset(to, done[p.Role]), r.params[i], p.Len())
			done[p.Role] += p.Len()
		}
	}
}

// each calls f for the planes [H] of the vector parameters, numbered over all of them; at is
// the place of the plane's gradient in the packed gradient, or -1.
func (s *Scan) each(f func(k, param, plane, at int)) {
	k, packed := 0, 0
	for i, p := range s.cfg.Params {
		if p.Role == kernels.Vec {
			for plane := range p.Len() / s.cfg.H {
				at := -1
				if p.Learned {
					at = packed + plane*s.cfg.H
				}
				f(k, i, plane, at)
				k++
			}
		}
		if p.Learned {
			packed += p.Len()
		}
	}
}

func (s *Scan) axial(r *run) C.struct_axial_params {
	return C.struct_axial_params{start: ptr(s.edgeStart), unit: ptr(s.edgeUnit), edge: ptr(s.edgeOf), g: ptr(r.of[kernels.Edge])}
}

// unitThreads is the size of a block of CELL_prepare, CELL_unprepare and CELL_replay.
const unitThreads = 128

func units(n int) shape {
	return shape{grid: [3]int{(n + unitThreads - 1) / unitThreads, 1, 1}, block: [3]int{unitThreads, 1, 1}}
}

// prepared starts the preparation of the planes that the step reads.
func (s *Scan) prepared(w *work, r *run) {
	p := C.struct_prepare_params{H: C.int(s.cfg.H), consts: s.consts, axial: s.axial(r), prep: ptr(s.prep)}
	s.each(func(k, param, plane, _ int) { p.raw[k] = ptr(offset(r.params[param], plane*s.cfg.H)) })
	w.launch(s.prepare, units(s.cfg.H), unsafe.Pointer(&p))
}

// steps runs a segment forward: h from its first slot on, carry from the state planes 1..
func (s *Scan) steps(w *work, r *run, g segments.Segment, carry driver.Ptr) {
	c, plane := &s.cfg, s.cfg.B*s.cfg.H
	extra := (s.states() - 1) * plane
	for t0 := g.Lo; t0 < g.Hi; t0 += s.chunk {
		n := min(s.chunk, g.Hi-t0)
		w.copy(offset(s.borders, (t0-g.Lo)/s.chunk*extra), carry, extra)
		s.inputDrives(w, r, t0, n)
		p := C.struct_forward_params{layout: s.fwd, T: C.int(c.T), B: C.int(c.B), H: C.int(c.H), t0: C.int(t0), n: C.int(n),
			consts: s.constsF, prep: ptr(s.prep), wrec: ptr(r.of[kernels.Rec]), columns: s.columns, drives: ptr(s.drives.ptr),
			h: ptr(s.at(g, t0)), carry: ptr(carry), mask: ptr(r.mask), axial: s.axial(r)}
		if s.fwd.resident != 0 {
			w.launch(s.forward, grid(s.fwd), unsafe.Pointer(&p))
			continue
		}
		for i := range n {
			p.t0, p.n = C.int(t0+i), 1
			p.h, p.drives = ptr(s.at(g, t0+i)), ptr(offset(s.drives.ptr, i*s.planes()*plane))
			w.launch(s.forward, grid(s.fwd), unsafe.Pointer(&p))
		}
	}
}

// grid is how a scan kernel is launched: blocks of a resident group form a cluster.
func grid(l C.struct_scan_layout) shape {
	s := shape{grid: [3]int{int(l.blocks), int(l.groups), 1}, block: [3]int{int(l.threads), 1, 1}, shared: int(l.shared)}
	if l.resident != 0 && l.blocks > 1 {
		s.cluster = int(l.blocks)
	}
	return s
}

// inputDrives starts x Uᵀ of n steps: drive planes 0 to P-1.
func (s *Scan) inputDrives(w *work, r *run, t0, n int) {
	c := &s.cfg
	if s.cell.In == 0 {
		return
	}
	s.gemm.do(w, product{layout: nt, m: n * c.B, n: s.cell.In * c.H, k: c.I, strict: true,
		a: offset(r.x, t0*c.B*c.I), lda: c.I, b: r.of[kernels.In], ldb: c.I, c: s.drives.ptr, ldc: s.planes() * c.H})
	s.driveNoise(w, r, t0, n)
}

// H implements kernels.ScanPlan. Where hidden states are not kept, it waits and runs the segments
// again: then the value is in host memory. It is nil before any Forward and where the device failed.
func (s *Scan) H() gorgonia.Value {
	c := &s.cfg
	if s.args.X == nil {
		return nil
	}
	if !c.Last || len(s.segments) == 1 {
		return s.d.array(s.slot(1), c.T, c.B, c.H)
	}
	r := s.run(s.args, s.draw)
	out := make([]float32, c.T*c.B*c.H)
	err := s.d.wait("scan "+c.Cell.Header+" again", func(w *work) {
		for i, g := range s.segments {
			s.again(w, r, i)
			w.copyOut(unsafe.Pointer(&out[g.Lo*c.B*c.H]), s.at(g, g.Lo+1), int64((g.Hi-g.Lo)*c.B*c.H)*4)
			w.sync()
		}
	})
	if err != nil {
		return nil
	}
	return kernels.Wrap(out, c.T, c.B, c.H)
}

// again runs segment i forward from the state that was kept before it.
func (s *Scan) again(w *work, r *run, i int) {
	plane, g := s.cfg.B*s.cfg.H, s.segments[i]
	at := offset(s.before, i*s.states()*plane)
	s.held = i
	w.copy(s.at(g, g.Lo), at, plane)
	w.copy(s.carry, offset(at, plane), (s.states()-1)*plane)
	s.steps(w, r, g, s.carry)
}

// Final implements kernels.ScanPlan.
func (s *Scan) Final() gorgonia.Value { return s.d.array(s.final, s.states(), s.cfg.B, s.cfg.H) }

// GradH implements kernels.ScanPlan.
func (s *Scan) GradH() gorgonia.Value {
	if s.gradH == 0 {
		return nil
	}
	return s.d.array(s.gradH, s.cfg.T, s.cfg.B, s.cfg.H)
}
