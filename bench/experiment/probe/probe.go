package probe

import (
	"fmt"

	"galvani/engine"
	"galvani/kernels"
	"galvani/kernels/devices"
	"galvani/models"
)

// Probe is a cell with parameters of its own, run in float64 by the fused scan.
type Probe struct {
	dev    kernels.Device
	Dims   models.Dims
	Cell   kernels.Cell
	specs  []kernels.Spec
	values [][]float64 // in the order of specs
}

// New binds a cell and draws its initial parameters.
//
// Errors: kernels.ErrNoDevice in a binary without cgo; those of models.Bind.
func New(threads int, name string, cell models.Cell, d models.Dims, seed uint64) (*Probe, error) {
	dev, err := devices.OpenCPU(threads)
	if err != nil {
		return nil, fmt.Errorf("float64 needs the fused scan: %w", err)
	}
	net, err := models.Bind(name, cell, d)
	if err != nil {
		return nil, err
	}
	params, err := engine.NewParams[float64](net, seed)
	if err != nil {
		return nil, err
	}
	p := &Probe{dev: dev, Dims: d}
	if p.Cell, err = cell.Scan(d); err != nil {
		return nil, err
	}
	if p.specs, err = cell.Params(d); err != nil {
		return nil, err
	}
	for i, s := range p.specs {
		values := params.View(i).Data().([]float64)
		if s.Shared { // the scan knows vectors only
			p.specs[i].Shape, p.specs[i].Shared = []int{d.H}, false
			values = constants(d.H, values[0])
		}
		p.specs[i].Learned = false
		p.values = append(p.values, values)
	}
	return p, nil
}

// constants returns n times v.
func constants(n int, v float64) []float64 {
	e := make([]float64, n)
	for i := range e {
		e[i] = v
	}
	return e
}

// Scale multiplies each element of e.
func Scale(e []float64, by float64) {
	for i := range e {
		e[i] *= by
	}
}

// Of returns a parameter, to be read and changed; nil where the cell has none of that name.
func (p *Probe) Of(name string) []float64 {
	for i, s := range p.specs {
		if s.Name == name {
			return p.values[i]
		}
	}
	return nil
}

// Rest returns the state [S,b,H] of b sequences at rest.
func (p *Probe) Rest(b int) []float64 {
	var state []float64
	for _, v := range p.Cell.Rest {
		state = append(state, constants(b*p.Dims.H, v)...)
	}
	return state
}
