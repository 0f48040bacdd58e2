//go:build cgo

package cpu

/*
#include "src/neuron_kernels.h"

static long neuron_scratch(const struct neuron_kernels *k, const struct neuron_dims *d, long vectors) { return k->scratch(d, vectors); }
static void neuron_forward(const struct neuron_kernels *k, const struct neuron_dims *d, long vectors, const struct neuron_channel *channel,
			   const struct neuron_gate *gate, const struct neuron_receptor *receptor, const struct neuron_input *input,
			   const int *index, const struct neuron_plan *plan, const float *table, const void *q, const void *x, const void *mask, long steps, long live, void *s, void *factors, void *h, void *work)
{
	k->forward(d, vectors, channel, gate, receptor, input, index, plan, table, q, x, mask, steps, live, s, factors, h, work);
}
static void neuron_backward(const struct neuron_kernels *k, const struct neuron_dims *d, long vectors, const struct neuron_channel *channel,
			    const struct neuron_gate *gate, const struct neuron_receptor *receptor, const struct neuron_input *input,
			    const int *index, const struct neuron_plan *plan, const float *table, const void *q, const void *x, const void *mask, long steps, long live, const void *s, const void *factors, const void *dh, void *g,
			    double *gq, void *gh, void *gx, void *work)
{
	k->backward(d, vectors, channel, gate, receptor, input, index, plan, table, q, x, mask, steps, live, s, factors, dh, g, gq, gh, gx, work);
}
*/
import "C"

import (
	"fmt"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/compartments"
	"galvani/kernels/pages"

	"gorgonia.org/gorgonia"
)

// Neuron runs a neuron of compartments. Sequences lie side by side in vectors, in blocks that a worker
// takes through the steps; no sum goes over sequences before the end, so that neither blocks nor threads
// change a bit. Backward runs stretches of steps forward again, from the states before them, and walks
// them back. Where a worker has a vector more than another, this one takes it over within the scan (neuron_share.go).
// It implements kernels.ScanPlan.
type Neuron[F kernels.Float] struct {
	cfg     kernels.ScanConfig
	layout  *compartments.Layout
	k       *C.struct_neuron_kernels
	vectors int // of a row of the state, in the largest block
	table   neuronTable

	stretch int // steps of the scan that are kept at a time
	workers []neuronWorker[F]
	run     kernels.ScanArrays[[]F]
	params  [][]float64 // of the run, of one sequence or of all
	h       []F         // [T,B,H], nil with Last
	final   []F         // [S,B,U]
	last    []F         // [B,H] with Last
	gradH   []F
	grad    []F
	back    []F       // [S,B,U] gradient of the state where a vector is handed over
	sums    []float64 // [B] gradients of the rows
}

// neuronWorker has some pieces and the scratch of one.
type neuronWorker[F kernels.Float] struct {
	pieces            []neuronPiece
	borders           [][]F // of each piece, [stretches] states [S,U] in vectors
	rows, work, state []F
	factors           []F // of the trees of the steps that are kept
	gradient          []F
	sums              []float64 // gradients of the rows
}

// newNeuron allocates a scan of a neuron.
//
// Errors: those of NewScan.
func newNeuron[F kernels.Float](isa string, threads int, cfg kernels.ScanConfig) (*Neuron[F], error) {
	s, _, err := prepareNeuron[F](isa, threads, cfg)
	if err != nil {
		return nil, err
	}
	size := s.size(s.vectors)
	for i := range s.workers {
		w := &s.workers[i]
		w.rows, w.work = aligned[F](s.layout.Rows()*s.width(s.vectors)), aligned[F](s.scratch())
		w.state = aligned[F](size * s.kept())
		if !cfg.ForwardOnly {
			w.gradient, w.factors = aligned[F](size), aligned[F](s.factors())
			w.sums = make([]float64, s.layout.Rows()*s.vectors*s.vector())
			for _, p := range w.pieces {
				w.borders = append(w.borders, pages.Make[F](s.size(p.vectors)*s.stretches(p.end-p.first)))
			}
		}
	}
	c := &s.cfg
	s.final, s.grad = make([]F, c.Cell.States*c.B*c.Units()), make([]F, c.Packed())
	if !c.ForwardOnly {
		s.back, s.sums = make([]F, len(s.final)), make([]float64, c.B*s.layout.Rows())
	}
	if c.Last {
		s.last = make([]F, c.B*c.H)
	} else {
		s.h = make([]F, c.T*c.B*c.H)
	}
	if c.KeepGradH {
		s.gradH = make([]F, c.T*c.B*c.H)
	}
	return s, nil
}

// neuronBytes returns how much memory newNeuron takes.
//
// Errors: those of NewScan.
func neuronBytes[F kernels.Float](isa string, threads int, cfg kernels.ScanConfig) (int64, error) {
	s, kept, err := prepareNeuron[F](isa, threads, cfg)
	if err != nil {
		return 0, err
	}
	n := 2*cfg.Cell.States*cfg.B*cfg.Units() + cfg.Packed() + len(s.workers)*(s.layout.Rows()*s.width(s.vectors)+s.scratch()+s.size(s.vectors))
	if cfg.KeepGradH {
		n += cfg.T * cfg.B * cfg.H
	}
	if s.k.tables != 0 {
		n += cfg.Cell.Neuron.Gates() * usualRows * 8
	}
	return kept + int64(n+cfg.Rows()*cfg.H)*int64(unsafe.Sizeof(*new(F))), nil
}

// prepareNeuron returns a scan without its buffers, and how many bytes it keeps for Backward.
func prepareNeuron[F kernels.Float](isa string, threads int, cfg kernels.ScanConfig) (*Neuron[F], int64, error) {
	if err := cfg.Check(); err != nil {
		return nil, 0, err
	}
	var f F
	if _, double := any(f).(float64); double != (isa == "float64") {
		return nil, 0, fmt.Errorf("cpu: instruction set %q does not compute in %T", isa, f)
	}
	s := &Neuron[F]{cfg: cfg, layout: cfg.Layout(), k: pickNeuron(isa)}
	if s.k == nil {
		return nil, 0, fmt.Errorf("cpu: this machine has no %s", isa)
	}
	s.table = newNeuronTable(s.layout)
	vectors := (cfg.B + s.vector() - 1) / s.vector()
	var blocks [][]int
	blocks, s.vectors = shareNeuron(vectors, min(threads, vectors))
	s.workers = make([]neuronWorker[F], len(blocks))
	bytes := func(stretch int) int64 {
		s.stretch = stretch
		n := s.stretches(cfg.T)*s.size(vectors) + len(s.workers)*(s.kept()*s.size(s.vectors)+s.factors())
		return int64(n)*int64(unsafe.Sizeof(*new(F))) + int64((len(s.workers)*s.vectors+vectors)*s.vector()*s.layout.Rows()*8)
	}
	stretch, err := cfg.NeuronStretch(bytes)
	if err != nil {
		return nil, 0, err
	}
	var kept int64
	unit := 1
	if s.stretch = stretch; !cfg.ForwardOnly {
		kept, unit = bytes(stretch), stretch
	}
	for i, p := range pieces(blocks, cfg.B, s.vector(), cfg.T, unit, cfg.Cell.Neuron.Substeps) {
		s.workers[i].pieces = p
		for _, p := range p {
			s.vectors = max(s.vectors, p.vectors)
		}
	}
	return s, kept, nil
}

// vector returns how many numbers a vector has.
func (s *Neuron[F]) vector() int { return int(s.k.lanes) }

// width returns how many numbers a row of the numbers of a neuron has, for a block of so many vectors.
func (s *Neuron[F]) width(vectors int) int {
	if s.layout.Each() {
		return vectors * s.vector()
	}
	return s.vector()
}

// scratch returns the elements that a worker needs besides.
func (s *Neuron[F]) scratch() int {
	n := int(C.neuron_scratch(s.k, s.dims(), C.long(s.vectors))) * s.vector()
	if s.cfg.Masked {
		n += s.vectors*s.vector() + s.size(s.vectors)
	}
	return n
}

// size returns the elements of the state of so many vectors, kept how many states a worker keeps.
func (s *Neuron[F]) size(vectors int) int {
	return s.cfg.Cell.States * s.cfg.Units() * vectors * s.vector()
}
func (s *Neuron[F]) kept() int {
	if s.cfg.ForwardOnly {
		return 1
	}
	return s.stretch*s.cfg.Cell.Neuron.Substeps + 1
}

// factors returns the elements of the factors of the steps that a worker keeps.
func (s *Neuron[F]) factors() int {
	return s.stretch * s.cfg.Cell.Neuron.Substeps * s.cfg.Units() * s.vectors * s.vector()
}

// stretches returns how many stretches so many steps of the scan have.
func (s *Neuron[F]) stretches(steps int) int { return (steps + s.stretch - 1) / s.stretch }

// Forward implements kernels.ScanPlan.
func (s *Neuron[F]) Forward(a kernels.ScanArgs) (gorgonia.Value, error) {
	run, err := kernels.Bind(s.cfg, a, kernels.Elems[F])
	if err != nil {
		return nil, err
	}
	s.run = run
	s.params = s.params[:0]
	for _, p := range run.Params {
		s.params = append(s.params, kernels.Wide(p))
	}
	if s.k.tables != 0 {
		rows := make([]float64, s.layout.Rows())
		s.layout.Values(s.cfg.OfRow(s.params, 0), rows)
		s.table.make(s.layout, rows)
	}
	s.forwardAll(s.h)
	c := &s.cfg
	if !c.Last {
		return kernels.Wrap(s.h, c.Rows(), c.H), nil
	}
	units := c.Units()
	for b := range c.B {
		for r := range c.H {
			at := r
			if record := c.Cell.Neuron.Record; record != nil {
				at = int(record[r])
			}
			s.last[b*c.H+r] = s.final[(at/units*c.B+b)*units+at%units]
		}
	}
	return kernels.Wrap(s.last, c.B, c.H), nil
}

// forwardAll runs the sequences from the state of the run to s.final. H [T,B,H] may be nil.
func (s *Neuron[F]) forwardAll(h []F) {
	c := &s.cfg
	Each(s.workers, func(w *neuronWorker[F]) {
		for i := range w.pieces {
			p := &w.pieces[i]
			handedOver(p.take)
			s.expand(w, p)
			state := s.final
			if p.first == 0 {
				state = s.run.State
			}
			s.exchange(p, w.state, state, false)
			for k, t := 0, p.first; t < p.end; k, t = k+1, t+s.stretch {
				if w.borders != nil {
					copy(w.borders[i][k*s.size(p.vectors):], w.state[:s.size(p.vectors)])
				}
				s.forward(w, p, t, nil, from(h, (t*c.B+p.b0)*c.H))
			}
			s.exchange(p, w.state, s.final, true)
			handOn(p.give)
		}
	})
}

// forward runs a piece through the stretch that begins at step t, from the first of its states. Factors are nil for a
// run that keeps nothing.
func (s *Neuron[F]) forward(w *neuronWorker[F], p *neuronPiece, t int, factors, h []F) {
	c := &s.cfg
	C.neuron_forward(s.k, s.dims(), C.long(p.vectors), (*C.struct_neuron_channel)(ptr(s.layout.Channels)), (*C.struct_neuron_gate)(ptr(s.layout.Gates)), (*C.struct_neuron_receptor)(ptr(s.layout.Receptors)), (*C.struct_neuron_input)(ptr(s.layout.Inputs)), ints(s.layout.Index), (*C.struct_neuron_plan)(ptr(s.table.plan)), (*C.float)(ptr(s.table.rows)), ptr(w.rows),
		ptr(s.run.X[(t*c.B+p.b0)*c.I:]), ptr(from(s.run.Mask, t*c.B+p.b0)), C.long(min(s.stretch, p.end-t)), C.long(p.live), ptr(w.state), ptr(factors), ptr(h), ptr(w.work))
}

// Structs of Go and C are the same.
var (
	_ [C.sizeof_struct_neuron_dims]byte     = [unsafe.Sizeof(compartments.Dims{})]byte{}
	_ [C.sizeof_struct_neuron_channel]byte  = [unsafe.Sizeof(compartments.ChannelLayout{})]byte{}
	_ [C.sizeof_struct_neuron_gate]byte     = [unsafe.Sizeof(compartments.GateLayout{})]byte{}
	_ [C.sizeof_struct_neuron_receptor]byte = [unsafe.Sizeof(compartments.ReceptorLayout{})]byte{}
	_ [C.sizeof_struct_neuron_input]byte    = [unsafe.Sizeof(compartments.InputLayout{})]byte{}
)

// dims is the C view of the sizes.
func (s *Neuron[F]) dims() *C.struct_neuron_dims {
	return (*C.struct_neuron_dims)(unsafe.Pointer(&s.layout.Dims))
}

// expand lays out the rows of a piece, or one vector of those that all sequences have. Lanes without a sequence have those of the last one.
func (s *Neuron[F]) expand(w *neuronWorker[F], p *neuronPiece) {
	rows, lanes, each := make([]float64, s.layout.Rows()), s.width(p.vectors), s.layout.Each()
	for l := range lanes {
		if l < p.live && (l == 0 || each) {
			s.layout.Values(s.cfg.OfRow(s.params, p.b0+l), rows)
		}
		for r, v := range rows {
			w.rows[r*lanes+l] = F(v)
		}
	}
}

// exchange copies between the state of a piece [S,U] in vectors and one of all sequences [S,B,U]; out
// copies to the latter. Lanes without a sequence get the last one.
func (s *Neuron[F]) exchange(p *neuronPiece, own, all []F, out bool) {
	c, u, lanes := &s.cfg, s.cfg.Units(), p.vectors*s.vector()
	for plane := range c.Cell.States {
		for place, unit := range c.Cell.Neuron.Tree.Unit {
			for l := range lanes {
				i, j := (plane*u+place)*lanes+l, (plane*c.B+p.b0+min(l, p.live-1))*u+int(unit)
				switch {
				case !out:
					own[i] = all[j]
				case l < p.live:
					all[j] = own[i]
				}
			}
		}
	}
}

// exchangeSums is exchange for gradients of rows: [rows] in vectors and those of all sequences [B], rows of each.
func (s *Neuron[F]) exchangeSums(p *neuronPiece, own []float64, out bool) {
	rows, lanes := s.layout.Rows(), p.vectors*s.vector()
	for l := range p.live {
		all := s.sums[(p.b0+l)*rows:]
		for r := range rows {
			if out {
				all[r] = own[r*lanes+l]
			} else {
				own[r*lanes+l] = all[r]
			}
		}
	}
}

// Backward implements kernels.ScanPlan.
func (s *Neuron[F]) Backward(_ kernels.ScanArgs, dh gorgonia.Value) (gorgonia.Value, error) {
	c := &s.cfg
	switch {
	case c.ForwardOnly:
		return nil, fmt.Errorf("kernels: scan: backward of a plan that only goes forward")
	case s.run.X == nil:
		return nil, fmt.Errorf("kernels: scan: backward before any forward")
	}
	d, err := kernels.Elems[F]("scan: dh", dh, c.Rows(), c.H)
	if err != nil {
		return nil, err
	}
	clear(s.grad)
	clear(s.back)
	clear(s.sums)
	Each(s.workers, func(w *neuronWorker[F]) {
		for i := len(w.pieces) - 1; i >= 0; i-- {
			handedOver(w.pieces[i].give)
			s.backward(w, i, d)
			handOn(w.pieces[i].take)
		}
	})
	if _, state := c.Inputs(); state >= 0 {
		copy(s.grad[state:], s.back)
	}
	s.collect()
	return kernels.Wrap(s.grad, len(s.grad)), nil
}

// lateness is how many times patience a worker looks for a vector before it sleeps: one that is woken begins late with
// half of what it does.
const lateness = 64

// handOn tells that a vector may be taken over, handedOver waits for it. Both do nothing without a channel.
func handOn(vector chan struct{}) {
	if vector != nil {
		vector <- struct{}{}
	}
}
func handedOver(vector chan struct{}) {
	if vector != nil {
		for range lateness {
			if await(func() bool { return len(vector) > 0 }) {
				break
			}
		}
		<-vector
	}
}

// backward goes back over a piece. It takes the gradients of what is behind and leaves those of what is before.
func (s *Neuron[F]) backward(w *neuronWorker[F], piece int, dh []F) {
	c, p := &s.cfg, &w.pieces[piece]
	s.exchange(p, w.gradient, s.back, false)
	s.exchangeSums(p, w.sums, false)
	s.expand(w, p)
	chunk := c.NeuronChunk()
	for k := s.stretches(p.end-p.first) - 1; k >= 0; k-- {
		t := p.first + k*s.stretch
		copy(w.state, w.borders[piece][k*s.size(p.vectors):(k+1)*s.size(p.vectors)])
		s.forward(w, p, t, w.factors, nil)
		for at := (min(s.stretch, p.end-t) - 1) / chunk * chunk; at >= 0; at -= chunk {
			s.backChunk(w, p, t, t+at, min(t+at+chunk, t+s.stretch, p.end), dh)
		}
	}
	s.exchange(p, w.gradient, s.back, true)
	s.exchangeSums(p, w.sums, true)
}

// backChunk goes back over the steps from t to end of a stretch that begins at first.
func (s *Neuron[F]) backChunk(w *neuronWorker[F], p *neuronPiece, first, t, end int, dh []F) {
	c := &s.cfg
	steps, from0 := end-t, (t*c.B+p.b0)*c.H
	done := (t - first) * c.Cell.Neuron.Substeps
	d := from(dh, min(from0, len(dh)))
	if c.Last {
		if d = nil; end == c.T {
			d = make([]F, steps*c.B*c.H)
			copy(d[(steps-1)*c.B*c.H:], dh[p.b0*c.H:])
		}
	}
	var gx []F
	if x, _ := c.Inputs(); x >= 0 {
		gx = s.grad[x+(t*c.B+p.b0)*c.I:]
	}
	C.neuron_backward(s.k, s.dims(), C.long(p.vectors), (*C.struct_neuron_channel)(ptr(s.layout.Channels)), (*C.struct_neuron_gate)(ptr(s.layout.Gates)), (*C.struct_neuron_receptor)(ptr(s.layout.Receptors)), (*C.struct_neuron_input)(ptr(s.layout.Inputs)), ints(s.layout.Index), (*C.struct_neuron_plan)(ptr(s.table.plan)), (*C.float)(ptr(s.table.rows)), ptr(w.rows),
		ptr(s.run.X[(t*c.B+p.b0)*c.I:]), ptr(from(s.run.Mask, t*c.B+p.b0)), C.long(steps), C.long(p.live), ptr(w.state[done*s.size(p.vectors):]), ptr(w.factors[done*c.Units()*p.vectors*s.vector():]), ptr(d), ptr(w.gradient), doubles(w.sums),
		ptr(from(s.gradH, min(from0, len(s.gradH)))), ptr(gx), ptr(w.work))
}

// collect adds up the gradients of the learned parameters, sequence by sequence.
func (s *Neuron[F]) collect() {
	n := s.layout.Rows()
	kernels.CollectNeuron(s.cfg, s.layout, s.params, func(b int, rows []float64) { copy(rows, s.sums[b*n:]) }, s.grad)
}

// H implements kernels.ScanPlan. With Last it runs the sequences again into a buffer that it allocates.
func (s *Neuron[F]) H() gorgonia.Value {
	c := &s.cfg
	if s.run.X == nil {
		return nil
	}
	h := s.h
	if c.Last {
		h = make([]F, c.T*c.B*c.H)
		s.forwardAll(h)
	}
	return kernels.Wrap(h, c.T, c.B, c.H)
}

// Final implements kernels.ScanPlan.
func (s *Neuron[F]) Final() gorgonia.Value {
	return kernels.Wrap(s.final, s.cfg.Cell.States, s.cfg.B, s.cfg.Units())
}

// GradH implements kernels.ScanPlan.
func (s *Neuron[F]) GradH() gorgonia.Value {
	if !s.cfg.KeepGradH {
		return nil
	}
	return kernels.Wrap(s.gradH, s.cfg.T, s.cfg.B, s.cfg.H)
}

// aligned returns n zeros that begin at a whole vector of any instruction set.
func aligned[F kernels.Float](n int) []F {
	const line = 64
	size := int(unsafe.Sizeof(*new(F)))
	all := pages.Make[F](n + line/size)
	skip := (line - int(uintptr(ptr(all))%line)) % line / size
	return all[skip : skip+n : skip+n]
}
