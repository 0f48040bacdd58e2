package plasticity

import (
	"galvani/engine/setting"
	"galvani/kernels"
)

// Rule is a rule with its parameters.
type Rule struct {
	Name      string
	Doc       string // one sentence
	Equations string
	Source    string
	Params    []Param
	// Make returns the rule for values of all parameters in their order, without the sign of the weights.
	Make func(v []float64) kernels.Plasticity
}

// Param is a parameter of a rule.
type Param struct {
	Name string
	Unit Unit
	Doc  string
	// Value is that of a parameter that is not given; NaN for one that must be.
	Value, Min, Max float64
	// Choices are the words of a parameter that is one of them; its value is the number of the word.
	Choices []string
}

// Unit is what a parameter is measured in.
type Unit int

// The units. Weight is that of the weights, WeightTime that times ms.
const (
	Number Unit = iota
	Milliseconds
	Hertz
	Weight
	WeightTime
)

var registry = setting.NewRegistry("rule", func(r Rule) string { return r.Name })

// Register adds a rule. It is for init functions and panics on a name that is there already.
func Register(r Rule) { registry.Add(r) }

// All returns the rules by their names.
func All() []Rule { return registry.All() }

// Names returns the names of All.
func Names() []string { return registry.Names() }

const (
	longest = 1e9 // ms, of a time constant
	largest = 1e12
)

// bound is the parameter w_max of a rule that does without.
func bound() Param {
	return Param{Name: "w_max", Unit: Weight, Value: kernels.NoBound, Min: 0, Max: kernels.NoBound, Doc: "largest magnitude of a weight"}
}

// both returns the same trace for the source and the target.
func both(tau, jump float64) (source, target kernels.Pairing) {
	p := kernels.Pairing{Tau: tau, Jump: jump}
	return p, p
}
