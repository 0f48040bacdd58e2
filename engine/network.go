// Package engine trains networks: it compiles the graph for a device, runs steps, optimises,
// evaluates, and keeps the run directory and its checkpoints.
package engine

import (
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// Network is what a Session trains. Package models implements it.
type Network interface {
	// Name is the model's name in logs and checkpoints.
	Name() string
	// Specs is the parameter table, in the order of the params given to Build.
	Specs() []kernels.Spec
	// Rest returns the value that each state plane starts from, length S.
	Rest() []float64
	// Hidden returns the number H of units.
	Hidden() int
	// Outputs returns the number O of read-out units.
	Outputs() int
	// Build adds the network to g. A nil device gives the unrolled graph, otherwise the
	// fused scan. Params are input nodes already bound to their values.
	Build(g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, params []*gorgonia.Node) (kernels.Output, error)
}

// Irregular is a Network that may say that its steps last as long as the mask says. Tasks with steps
// of different lengths (data.Task.Irregular) need one.
type Irregular interface {
	Network
	Irregular() bool
}
