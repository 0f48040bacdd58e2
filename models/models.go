package models

import (
	"galvani/engine/cite"
	"galvani/engine/setting"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// Dims are the sizes a cell is bound to.
type Dims struct{ I, H, O int }

// Cell is one kind of recurrent cell with its settings.
type Cell interface {
	// Params returns the parameter table for input and hidden size, without the prefix
	// "cell.": In matrices first, then Rec, Vec, Edge. An impossible setting is an error.
	Params(d Dims) ([]kernels.Spec, error)
	// Scan returns what the fused scan needs to know.
	Scan(d Dims) (kernels.Cell, error)
	// Unroll returns the step as a graph. Work that does not depend on time belongs outside
	// the returned function.
	Unroll(k *Ops, p *Params) Step
}

// Step maps input x [B,I] and the state planes s, each [B,H], to the new state planes.
type Step func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node

// Entry is one line of the registry.
type Entry struct {
	Name       string
	Doc        string      // one sentence
	Source     string      // citation
	References []cite.Work // behind the code, for a run's references.bib
	Equations  string      // one step, as plain text
	Notes      []string    // what the equations leave open, a sentence or a table each
	New        func() Cell // a pointer to a struct with its defaults
}

// Plane is one plane of the state of a cell, a number of each unit. The first is the output of the
// cell: h of a trace, and what the read-out sees.
type Plane = kernels.Plane

// Settler is a Cell with settings that follow from others.
type Settler interface {
	// Settle sets them and says of each key why.
	Settle() map[string]string
}

// Smoother is a Cell whose gradient is not the derivative of what it computes, such as that of a spike.
type Smoother interface {
	// Smooth returns a cell like it of which the gradient is the derivative, for checks.
	Smooth() Cell
}

// Exact is a Cell whose gradient may leave out a part of the derivative, as its settings say, so that it learns.
type Exact interface {
	// Exact returns the cell with the gradient that leaves out nothing, for what looks at derivatives.
	Exact() Cell
}

// Conventions hold for the networks of all cells.
var Conventions = []string{
	"Every sequence starts from the state in the column START, which is not learned; with --stateful a batch goes on from where the one before ended.",
	"A step with mask 0, behind the end of a sequence, leaves every plane as it is.",
	"Matrices are W[post,pre]: row i is what unit i receives. Of a matrix [G·H,H] each block of H rows is one matrix.",
}

var registry = setting.NewRegistry("model", func(e Entry) string { return e.Name })

// Planes returns those of the state, in their order. They are read from the cell's header, which takes longer than a
// program needs to start, so Register leaves it.
//
// Errors: a cell without a header; settings that New should not give.
func (e Entry) Planes() ([]Plane, error) {
	cell, err := e.New().Scan(Dims{I: 1, H: 1, O: 1})
	if err != nil {
		return nil, err
	}
	return cell.Planes()
}

// Register adds a cell. It is for init functions and panics on a name that is there already.
func Register(e Entry) { registry.Add(e) }

// All returns the registry, sorted by name.
func All() []Entry { return registry.All() }

// Names returns the names of the registry in order.
func Names() []string { return registry.Names() }

// Lookup finds a cell by name; the error for an unknown one names the nearest.
func Lookup(name string) (Entry, error) { return registry.Lookup(name) }
