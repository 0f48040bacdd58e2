package layered

import (
	"galvani/engine/cite"
	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/models/rules"

	"gorgonia.org/gorgonia"
)

// Settings are those of a model of layers.
type Settings interface {
	// Bind gives the model its inputs and outputs.
	Bind(name string, inputs, outputs int) (Net, error)
	// Layers points to the numbers of units of the hidden layers.
	Layers() *[]int
	// By points to the name of the rule.
	By() *string
	// Local tells whether synapses change while the network runs, so that it is a Stepped.
	Local() bool
}

// Net is a model with its sizes.
type Net interface {
	Name() string
	Specs() []kernels.Spec
	Rest() []float64
	Hidden() int
	Outputs() int
	Build(g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, params []*gorgonia.Node) (kernels.Output, error)
	// Depth returns the number of hidden layers, Sizes inputs, hidden layers and outputs.
	Depth() int
	Sizes() []int
	// Rule returns the rule by which the network learns.
	Rule() rules.Rule
}

// Entry is one line of the registry.
type Entry struct {
	Name       string
	Doc        string
	Source     string
	References []cite.Work
	Equations  string
	Notes      []string
	New        func() Settings
}

var registry = setting.NewRegistry("model", func(e Entry) string { return e.Name })

// All returns the registry, sorted by name.
func All() []Entry { return registry.All() }

// Names returns the names of the registry in order.
func Names() []string { return registry.Names() }

// Lookup finds a model by name.
func Lookup(name string) (Entry, error) { return registry.Lookup(name) }
