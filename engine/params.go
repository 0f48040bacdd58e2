package engine

import (
	"errors"
	"fmt"
	"math"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Params holds all parameters of a network in one flat buffer: first the learned ones, then
// the fixed ones, each in the order of the table. Tensors are views into it. Elements are float32 for
// training and float64 for gradient checks.
type Params[F kernels.Float] struct {
	specs   []kernels.Spec
	offset  []int
	views   []*tensor.Dense
	flat    []F
	learned int // elements of flat that are learned

	learnedIndex []int   // numbers of the learned parameters, in their order
	bounds       [][]run // of each parameter, its runs that are not free

	all  *tensor.Dense // flat as a tensor
	held mirrors       // of all
}

// NewParams lays out the parameters of a model and draws their initial values. The values
// of a parameter depend on the seed and on its name alone.
//
// Errors: kernels.ErrShape for an impossible or repeated row of the table.
func NewParams[F kernels.Float](net Model, seed uint64) (*Params[F], error) {
	p := &Params[F]{specs: net.Specs()}
	if err := p.layOut(); err != nil {
		return nil, err
	}
	for i, s := range p.specs {
		draw := make([]float64, s.Len())
		if err := initialise(draw, s, paramUnits(net, i), newStream(seed, "init "+s.Name)); err != nil {
			return nil, err
		}
		for j, v := range draw {
			p.slice(i)[j] = F(v)
		}
		leaveOut(s, p.slice(i))
	}
	p.project(p.flat, true)
	return p, nil
}

// leaveOut stores 0 for connections that do not exist. Their gradients are 0, so that it stays.
func leaveOut[F kernels.Float](s kernels.Spec, values []F) {
	for j, there := range s.Exists {
		if there == 0 {
			values[j] = 0
		}
	}
}

// layOut gives every parameter its place.
func (p *Params[F]) layOut() error {
	names := map[string]bool{}
	total := 0
	p.offset = make([]int, len(p.specs))
	for _, learned := range []bool{true, false} {
		for i, s := range p.specs {
			if s.Learned != learned {
				continue
			}
			if names[s.Name] {
				return fmt.Errorf("engine: parameter %s stands twice in the table: %w", s.Name, kernels.ErrShape)
			}
			names[s.Name] = true
			if learned && s.Columns == nil && s.Bound == (kernels.Bound{}) {
				return fmt.Errorf("engine: the bounds of the learned parameter %s are 0 and 0, which would keep it at 0; give an interval, or kernels.Free(): %w", s.Name, kernels.ErrShape)
			}
			n := 1
			for _, d := range s.Shape {
				if d < 1 || d > (math.MaxInt32-total)/n {
					return fmt.Errorf("engine: parameter %s has shape %v, want sizes of at least 1 and fewer than 2³¹ elements in all: %w", s.Name, s.Shape, kernels.ErrShape)
				}
				n *= d
			}
			p.offset[i] = total
			total += n
			if learned {
				p.learnedIndex = append(p.learnedIndex, i)
			}
		}
		if learned {
			p.learned = total
		}
	}
	p.flat = make([]F, total)
	p.all = tensor.New(tensor.WithShape(total), tensor.WithBacking(p.flat))
	p.views = make([]*tensor.Dense, len(p.specs))
	p.bounds = make([][]run, len(p.specs))
	for i, s := range p.specs {
		p.bounds[i] = bounded(s)
		p.views[i] = tensor.New(tensor.WithShape(s.Shape...), tensor.WithBacking(p.slice(i)))
	}
	return nil
}

// slice returns the elements of parameter i.
func (p *Params[F]) slice(i int) []F { return p.part(p.flat, i) }

// part returns the elements that belong to parameter i in a buffer laid out like the
// parameters, such as a gradient or an optimiser slot.
func (p *Params[F]) part(flat []F, i int) []F {
	at, n := p.offset[i], p.specs[i].Len()
	return flat[at : at+n : at+n]
}

// Specs returns the parameter table.
func (p *Params[F]) Specs() []kernels.Spec { return p.specs }

// View returns parameter i as a tensor over the flat buffer.
func (p *Params[F]) View(i int) *tensor.Dense { return p.views[i] }

// Hold keeps the parameters on a device too, with their present values. Graphs made from then on
// read them there, until the device is closed.
//
// Errors: those of the device.
func (p *Params[F]) Hold(dev kernels.Resident) error {
	p.held = mirrors{dev: dev}
	return p.held.add(p.all)
}

// value returns parameter i as graphs see it.
func (p *Params[F]) value(i int) gorgonia.Value {
	if m := p.held.of(p.all); m != nil {
		return m.View(p.offset[i], p.specs[i].Shape...)
	}
	return p.views[i]
}

// Learned returns the learned parameters, flat.
func (p *Params[F]) Learned() []F { return p.flat[:p.learned:p.learned] }

// Len returns the number of elements, of the learned parameters and of all.
func (p *Params[F]) Len() (learned, all int) { return p.learned, len(p.flat) }

// Project moves every learned parameter onto its bound. The result lies in the closed
// interval exactly: a bound that the element type cannot hold is rounded inwards.
func (p *Params[F]) Project() { p.project(p.flat, false) }

func (p *Params[F]) project(flat []F, fixed bool) {
	for i, s := range p.specs {
		if !s.Learned && !fixed {
			continue
		}
		e := p.part(flat, i)
		for _, r := range p.bounds[i] {
			lo, hi := inward[F](r.Bound)
			for j, v := range e[r.at : r.at+r.n] {
				if v < lo {
					e[r.at+j] = lo
				} else if v > hi {
					e[r.at+j] = hi
				}
			}
		}
	}
}

// spans returns the bounds of the learned parameters as runs of the flat buffer.
func (p *Params[F]) spans() []kernels.Span {
	var list []kernels.Span
	for _, i := range p.learnedIndex {
		for _, r := range p.bounds[i] {
			lo, hi := inward[float32](r.Bound)
			list = append(list, kernels.Span{Offset: p.offset[i] + r.at, Len: r.n, Lo: lo, Hi: hi})
		}
	}
	return list
}

// run is n elements of a parameter from at on, with a bound.
type run struct {
	kernels.Bound
	at, n int
}

// bounded returns the runs of a parameter that are not free.
func bounded(s kernels.Spec) []run {
	if s.Columns == nil {
		if s.Bound.IsFree() {
			return nil
		}
		return []run{{s.Bound, 0, s.Len()}}
	}
	var list []run
	for row := 0; row < s.Len(); row += len(s.Columns) {
		for j := 0; j < len(s.Columns); {
			r := run{s.Columns[j], row + j, 1}
			for j++; j < len(s.Columns) && s.Columns[j] == r.Bound; j++ {
				r.n++
			}
			if !r.IsFree() {
				list = append(list, r)
			}
		}
	}
	return list
}

// inward returns the largest interval of F that lies inside b.
func inward[F kernels.Float](b kernels.Bound) (lo, hi F) {
	lo, hi = F(b.Lo), F(b.Hi)
	if float64(lo) < b.Lo {
		lo = F(math.Nextafter32(float32(lo), float32(math.Inf(1))))
	}
	if float64(hi) > b.Hi {
		hi = F(math.Nextafter32(float32(hi), float32(math.Inf(-1))))
	}
	return lo, hi
}

// ErrState means that saved tensors do not belong to this network.
var ErrState = errors.New("state does not fit")
