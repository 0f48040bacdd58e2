// Package analysis answers questions about a trained network on its task: which trials it decides
// rightly, which weights act in it, what a change of units or weights does to it, where its
// dynamics stand still, and how it responds to an approach; and how a circuit spikes. It
// holds numbers and no words for people: flags and tables are in cmd/galvani, charts too.
//
// It imports the networks (models), their training (engine), their tasks (data) and the fixed
// points of dynamical systems (engine/dynamics). Package main of cmd/galvani and packages below
// bench may import it; engine, models and data may not.
//
// Letters are those of package data: T steps, B batch, I input, O output; and H hidden units, S
// state planes.
package analysis

import (
	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
)

// Network is what package analysis asks questions about: networks of recurrent cells, and layered ones.
type Network interface {
	engine.Network
	// Depth returns the number of layers.
	Depth() int
}

// Subject is a trained network with the task that it has learned and the device that runs it.
type Subject struct {
	Net    Network
	Task   *data.Task
	Params *engine.Params[float32]
	Device kernels.Device // nil for the unrolled graph
	Batch  int            // sequences that are run at once
	// Stateful carries the state from one sequence to the next, as evaluations of a network that is trained so do. A column
	// of a batch then goes through its part of the set.
	Stateful bool
	// Noise gives the sequences of Sweep, and of what asks by it, the noise that the network is trained with. The
	// numbers are those of Seed and of the sequence in its set.
	Noise bool
	Seed  uint64
}

// Stored returns a copy of the parameters as they are stored, in the order of Net.Specs.
func (s *Subject) Stored() [][]float32 {
	list := make([][]float32, len(s.Net.Specs()))
	for i := range list {
		list[i] = append([]float32(nil), s.Params.View(i).Data().([]float32)...)
	}
	return list
}
