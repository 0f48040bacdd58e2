package neurons

import (
	"embed"

	"galvani/kernels/cells"
)

// Headers is the source of all neurons.
//
//go:embed *.h
var Headers embed.FS

// Cells are the headers that they include.
var Cells = cells.Headers

// Neuron is what a header says of itself.
type Neuron struct {
	Name   string
	Planes []Plane
	Params []Param
	// Above and Below are two parameters, of which the first must be greater.
	Above, Below int
	number       int
}

// Plane is a plane of state.
type Plane struct {
	Name, Unit, Doc string
	Start           float64
}

// Param is a parameter, with the value that it has unless another is given, and its range.
type Param struct {
	Name, Unit, Doc string
	Value, Min, Max float64
}

// Defaults returns the values that the parameters have unless others are given.
func (n Neuron) Defaults() []float64 {
	p := make([]float64, len(n.Params))
	for i, q := range n.Params {
		p[i] = q.Value
	}
	return p
}

// Number is the place of the neuron in list.h.
func (n Neuron) Number() int { return n.number }

// Of returns a neuron by its name; false means that this binary has no kernel for it.
func Of(name string) (Neuron, bool) {
	for _, n := range All() {
		if n.Name == name {
			return n, true
		}
	}
	return Neuron{}, false
}
