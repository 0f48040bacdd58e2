package engine

import (
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// Model is what a Session trains: a Network, or what has a Learner of its own (Config.Learner).
type Model interface {
	// Name is the model's name in logs and checkpoints.
	Name() string
	// Specs is the parameter table.
	Specs() []kernels.Spec
	// Hidden returns the number H of units, which initial values of recurrent matrices depend on; of the last layer
	// where layers differ, see Uneven.
	Hidden() int
	// Outputs returns the number O of read-out units.
	Outputs() int
}

// Network is a Model that can be differentiated as a graph. Package models implements it.
type Network interface {
	Model // Specs in the order of the params given to Build
	// Rest returns the value that each state plane starts from, length S.
	Rest() []float64
	// Build adds the network to g. A nil device gives the unrolled graph, otherwise the
	// fused scan. Params are input nodes already bound to their values.
	Build(g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, params []*gorgonia.Node) (kernels.Output, error)
}

// Uneven is a Network whose layers may have different numbers of units.
type Uneven interface {
	Network
	// PlaneUnits returns the number of units of each state plane, length S.
	PlaneUnits() []int
	// ParamUnits returns the number of units of the layer that row p of Specs is of.
	ParamUnits(p int) int
}

// PlaneUnits returns the number of units of each state plane of a network.
func PlaneUnits(net Network) []int {
	if net, ok := net.(Uneven); ok {
		return net.PlaneUnits()
	}
	units := make([]int, len(net.Rest()))
	for i := range units {
		units[i] = net.Hidden()
	}
	return units
}

// paramUnits returns the number of units that row p of the table is of.
func paramUnits(net Model, p int) int {
	if net, ok := net.(Uneven); ok {
		return net.ParamUnits(p)
	}
	return net.Hidden()
}

// Beginning is a Network that may learn the state that sequences begin with.
type Beginning interface {
	Network
	// First returns that state [S,H], plane after plane, given the stored values of the parameters by name.
	First(stored func(name string) []float64) []float64
}

// FirstState returns the state [S,H] that sequences begin with, with the values that the parameters have on the host.
func FirstState[F kernels.Float](net Network, params *Params[F]) []F {
	var state []F
	for plane, units := range PlaneUnits(net) {
		for range units {
			state = append(state, F(net.Rest()[plane]))
		}
	}
	if net, ok := net.(Beginning); ok {
		for i, v := range net.First(params.wide) {
			state[i] = F(v)
		}
	}
	return state
}

// wide returns a copy of the parameter with a name, nil for none.
func (p *Params[F]) wide(name string) []float64 {
	for i, s := range p.specs {
		if s.Name == name {
			return kernels.Wide(p.slice(i))
		}
	}
	return nil
}

// Irregular is a Model that may say that its steps last as long as the mask says. Tasks with steps
// of different lengths (data.Task.Irregular) need one.
type Irregular interface {
	Model
	Irregular() bool
}

// Wired is a Model that is built with arrays which it does not learn, such as which connections
// exist. Checkpoints keep them, so that the weights that act can be told from a file alone, and a
// run does not go on with others.
type Wired interface {
	Model
	// Constants calls visit for each of them. Names begin with "wiring.".
	Constants(visit func(name string, shape []int, values []int8))
}
