//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"errors"
	"fmt"
	"slices"

	"galvani/kernels"
	"galvani/kernels/driver"
	"galvani/kernels/segments"
)

// Scan runs one cell over sequences of fixed shape.
//
// Time runs in chunks. Forward makes the input drives of a chunk in one product and hands them
// to the cell's kernel, which leaves h; the other state planes are kept at the borders of
// chunks. Backward goes through the chunks from the last to the first: it makes the drives and
// states again as far as the cell's adjoint reads them, lets the kernel put the gradients of the
// drives in their place, and multiplies these into the gradients of the weights.
//
// Where h of all steps does not fit ScanConfig.Memory, it is kept for one segment of whole
// chunks at a time, with the state before each; Backward runs a segment forward again first.
// Chunks depend on sizes alone, so the bits are the same.
//
// Scan implements kernels.ScanPlan.
type Scan struct {
	d        *Device
	cfg      kernels.ScanConfig
	edges    kernels.Axial              // none without axial coupling
	args     kernels.ScanArrays[*Array] // of the last Forward
	draw     kernels.NoiseDraw          // likewise
	cell     facts
	fwd, bwd C.struct_scan_layout
	consts   [C.MAX_CONSTS]C.double
	constsF  [C.MAX_CONSTS]C.float
	columns  C.struct_rec_columns
	split    bool // recurrent matrices have entries in a part of their columns
	chunk    int  // steps
	products []weightProduct
	segments []segments.Segment // one of all steps, where memory suffices
	held     int                // the segment whose states are in the buffers; for queued functions

	prepare, unprepare, replay, forward, backward        *kernel
	axialDrives, edgePartial, edgeSum, noise             *kernel
	noisy                                                driver.Ptr // [T,B,I] x with noise, 0 without
	across, identity                                     driver.Ptr // what stateGradient takes with axial coupling
	gemm                                                 *gemm
	joined                                               [kernels.Roles]driver.Ptr // parameters of a role that come in several
	edgeStart, edgeUnit, edgeOf, edgeI, edgeJ            driver.Ptr
	prep, h, carry, borders, before, hand, final, packed driver.Ptr
	gradH                                                driver.Ptr
	edgeParts                                            int
	drives, extra, gstate, gp, gsum, partial, gedge      *scratch
}

// run is the addresses of one Forward and its Backward.
type run struct {
	given          driver.Ptr // x without noise
	draw           kernels.NoiseDraw
	x, state, mask driver.Ptr
	params         []driver.Ptr
	of             [kernels.Roles]driver.Ptr // all parameters of a role, but Vec
}

// NewScan implements kernels.Device.
//
// Errors: what ScanConfig.Check refuses; a shape that no layout fits; kernels.ErrMemory, with
// nothing left allocated.
func (d *Device) NewScan(cfg kernels.ScanConfig) (kernels.ScanPlan, error) {
	if err := float32Only("scan", cfg.Dtype); err != nil {
		return nil, err
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Cell.Neuron != nil {
		return d.newNeuron(cfg)
	}
	s := &Scan{d: d, cfg: cfg}
	var err error
	if s.cell, err = factsOf(cfg.Cell.Header); err != nil {
		return nil, sentinel(err)
	}
	if len(cfg.Cell.Consts) > len(s.consts) {
		return nil, fmt.Errorf("kernels: cuda: %s: %d constants, want at most %d", cfg.Cell.Header, len(cfg.Cell.Consts), len(s.consts))
	}
	for i, v := range cfg.Cell.Consts {
		s.consts[i], s.constsF[i] = C.double(v), C.float(v)
	}
	if cfg.Cell.Axial != nil {
		s.edges = *cfg.Cell.Axial
	}
	s.setColumns()
	if s.fwd, err = scanLayout(s.cell, d.limits, d.prec, cfg.B, cfg.H, false); err != nil {
		return nil, sentinel(err)
	}
	if s.bwd, err = scanLayout(s.cell, d.limits, d.prec, cfg.B, cfg.H, true); err != nil {
		return nil, sentinel(err)
	}
	s.chunk = s.chunkSteps()
	if err = s.divide(); err != nil {
		return nil, err
	}
	if err = d.build("scan "+cfg.Cell.Header, s.allocate); err != nil {
		return nil, err
	}
	return s, nil
}

// setColumns fills s.columns.
func (s *Scan) setColumns() {
	for g := range s.cell.Rec {
		s.columns.hi[g] = C.int(s.cfg.H)
	}
	for g, c := range s.cfg.Supports() {
		s.split = true
		s.columns.lo[g], s.columns.hi[g] = C.int(c[0]), C.int(c[1])
	}
}

// Layout says how the steps of a scan are laid out over a GPU; see struct scan_layout.
type Layout struct {
	Rows, Blocks, Groups, Slice, Threads int
	Resident                             bool
	Shared                               int // bytes
}

func layoutOf(l C.struct_scan_layout) Layout {
	return Layout{int(l.rows), int(l.blocks), int(l.groups), int(l.slice), int(l.threads), l.resident != 0, int(l.shared)}
}

// Segments returns into how many segments the memory divides the sequence, and how many steps a
// chunk has.
func (s *Scan) Segments() (segments, chunk int) { return len(s.segments), s.chunk }

func (s *Scan) states() int { return s.cell.States }
func (s *Scan) planes() int { return s.cell.Drives }

// scanLayout asks layout.h how the steps of a cell are laid out over a GPU.
func scanLayout(cell facts, l Limits, prec, batch, hidden int, backward bool) (C.struct_scan_layout, error) {
	gpu := C.struct_gpu_limits{sms: C.int(l.SMs), shared: C.int(l.Shared), cluster: C.int(l.Cluster), compute: C.int(l.Compute)}
	var out C.struct_scan_layout
	if C.scan_layout(&gpu, &cell.dims, C.int(formatOf(cell, prec)), C.int(batch), C.int(hidden), flag(backward), &out) != 0 {
		return out, fmt.Errorf("cuda: scan %s: no layout for B=%d H=%d in %s within %d bytes of shared memory",
			cell.name, batch, hidden, kernels.Precisions[prec], l.Shared)
	}
	return out, nil
}

// planLayout returns the layouts that a scan would have on a GPU with these limits.
func planLayout(cell string, l Limits, precision string, batch, hidden int) (forward, backward Layout, err error) {
	f0, err := factsOf(cell)
	if err != nil {
		return forward, backward, err
	}
	prec := slices.Index(kernels.Precisions, precision)
	f, err := scanLayout(f0, l, prec, batch, hidden, false)
	if err != nil {
		return forward, backward, err
	}
	b, err := scanLayout(f0, l, prec, batch, hidden, true)
	return layoutOf(f), layoutOf(b), err
}

// leastChunk is a number of steps that is worth a launch, whatever memory they take.
const leastChunk = 16

// chunkSteps returns how many steps the drives, states and rows of a chunk hold.
func (s *Scan) chunkSteps() int {
	planes := s.planes() + s.states() - 1
	step := int64(planes) * int64(s.cfg.B) * int64(s.cfg.H) * 4
	return min(s.cfg.T, max(leastChunk, int(min(s.d.chunk/step, int64(s.cfg.T)))))
}

// chunks returns how many chunks n steps have.
func (s *Scan) chunks(n int) int { return (n + s.chunk - 1) / s.chunk }

// kept returns the bytes that are kept for Backward with n chunks per segment. With outputs at
// every step h is the output, and would be there without a Backward.
func (s *Scan) kept(n int) int64 {
	c, plane := &s.cfg, int64(s.cfg.B)*int64(s.cfg.H)*4
	steps := min(c.T, n*s.chunk)
	bytes := int64(n*(s.states()-1)) * plane
	if c.Last {
		bytes += int64(steps+1) * plane
	}
	if steps < c.T {
		bytes += int64((s.chunks(c.T)+n-1)/n*s.states()) * plane
	}
	return bytes
}

// divide fills s.segments with as few as fit the memory.
func (s *Scan) divide() (err error) {
	c := &s.cfg
	_, s.segments, err = segments.Divide(segments.Plan{Steps: c.T, Chunk: s.chunk, Memory: c.Memory,
		ForwardOnly: c.ForwardOnly, Bytes: s.kept})
	if short := new(segments.MemoryError); errors.As(err, &short) {
		return c.MemoryError(short)
	}
	return err
}

// hSteps returns for how many steps h is kept: one segment at a time with Last.
func (s *Scan) hSteps() int {
	if !s.cfg.Last {
		return s.cfg.T
	}
	most := 0
	for _, g := range s.segments {
		most = max(most, g.Hi-g.Lo)
	}
	return most
}

// format returns the number format of the recurrent products; a cell without, or a lean one, has the kernels
// of fp32.
func (s *Scan) format() string { return kernels.Precisions[formatOf(s.cell, s.d.prec)] }

func formatOf(cell facts, prec int) int {
	if cell.Rec == 0 || cell.lean {
		return C.PREC_FP32
	}
	return prec
}

// kernel returns a kernel of the cell. There is a module for each cell and number format.
func (s *Scan) kernel(b *builder, name string) *kernel {
	cell := s.cfg.Cell.Header
	return b.kernel(cell+"_"+s.format(), cell+"_"+name)
}

// allocate fills s with memory and kernels.
func (s *Scan) allocate(b *builder) {
	c, plane := &s.cfg, s.cfg.B*s.cfg.H
	s.prepare = s.kernel(b, "prepare")
	s.forward = s.kernel(b, "forward_"+s.format())
	b.shared(s.forward, int(s.fwd.shared))
	var count, total [kernels.Roles]int
	for _, p := range c.Params {
		count[p.Role]++
		total[p.Role] += p.Len()
	}
	for _, r := range []kernels.Role{kernels.In, kernels.Rec, kernels.Edge} {
		if count[r] > 1 {
			s.joined[r] = b.floats(total[r])
		}
	}
	s.allocateNoise(b)
	s.prep = b.floats(s.cell.Prep * c.H)
	s.h = b.floats((s.hSteps() + 1) * plane)
	s.final = b.floats(s.states() * plane)
	most := 0
	for _, g := range s.segments {
		most = max(most, s.chunks(g.Hi-g.Lo))
	}
	s.borders = b.floats(most * (s.states() - 1) * plane)
	if len(s.segments) > 1 {
		s.before = b.floats(len(s.segments) * s.states() * plane)
		s.carry = b.floats((s.states() - 1) * plane)
	}
	s.drives = b.scratch("drives", (s.chunk+1)*s.planes()*plane)
	if s.cell.Axial >= 0 {
		start, unit, edge := neighbours(c.H, s.edges.I, s.edges.J)
		s.edgeStart, s.edgeUnit, s.edgeOf = upload(b, start), upload(b, unit), upload(b, edge)
	}
	if c.ForwardOnly {
		s.gemm = b.gemm()
		return
	}
	s.allocateBackward(b)
}

// allocateBackward fills s with what Backward needs besides.
func (s *Scan) allocateBackward(b *builder) {
	c, plane := &s.cfg, s.cfg.B*s.cfg.H
	s.unprepare, s.replay = s.kernel(b, "unprepare"), s.kernel(b, "replay")
	s.backward = s.kernel(b, "backward_"+s.format())
	b.shared(s.backward, int(s.bwd.shared))
	s.packed = b.floats(c.Packed())
	if c.KeepGradH {
		s.gradH = b.floats(c.T * plane)
	}
	if len(s.segments) > 1 {
		s.hand = b.floats(s.planes() * plane)
	}
	s.extra = b.scratch("extra", (s.chunk+1)*(s.states()-1)*plane)
	s.gstate = b.scratch("grad", s.states()*plane)
	s.gp = b.scratch("gp", int(s.bwd.groups)*s.cell.Prep*c.H)
	s.products = s.weightProducts()
	var sizes [][3]int
	for _, p := range s.products {
		sizes = append(sizes, [3]int{p.rows, p.hi - p.lo, s.chunk * c.B})
	}
	s.gemm = b.gemm(sizes...)
	if s.cell.Axial < 0 {
		return
	}
	s.axialDrives = b.kernel("sparse", "axial_drives") // zeros without edges
	if c.GradState {
		one := make([]float32, c.B*c.B)
		for i := range c.B {
			one[i*c.B+i] = 1
		}
		s.across, s.identity = b.floats(s.planes()*plane), upload(b, one)
	}
	edges := s.edges.Edges()
	if c.Learns(kernels.Edge) && edges > 0 {
		s.edgeI, s.edgeJ = upload(b, s.edges.I), upload(b, s.edges.J)
		s.edgePartial, s.edgeSum = b.kernel("sparse", "edge_partial"), b.kernel("sparse", "edge_sum")
		s.edgeParts = int(C.edge_parts(C.int(s.d.limits.SMs), C.int(edges), C.longlong(s.chunk*c.B)))
		s.partial = b.scratch("edges", s.edgeParts*edges)
		s.gsum, s.gedge = b.scratch("gsum", c.H), b.scratch("gedge", edges)
	}
}

// neighbours lists for each unit the units it is joined to and by which edge, in the order of
// the edges: those of unit u are at start[u] ≤ k < start[u+1].
func neighbours(units int, i, j []int32) (start, unit, edge []int32) {
	start = make([]int32, units+1)
	for e := range i {
		start[i[e]+1]++
		start[j[e]+1]++
	}
	for u := range units {
		start[u+1] += start[u]
	}
	unit, edge = make([]int32, 2*len(i)), make([]int32, 2*len(i))
	at := append([]int32(nil), start...)
	put := func(from, to int32, e int) {
		unit[at[from]], edge[at[from]] = to, int32(e)
		at[from]++
	}
	for e := range i {
		put(i[e], j[e], e)
		put(j[e], i[e], e)
	}
	return start, unit, edge
}
