package layered

import (
	"fmt"
	"slices"

	"galvani/kernels"
	"galvani/models/rules"
)

// sized is what all networks of layers have: a rule, the sizes of their layers and a parameter table.
type sized struct {
	name  string
	rule  rules.Rule
	sizes []int // inputs, hidden layers, outputs
	specs []kernels.Spec
	built int
}

// newSized puts inputs, hidden layers and outputs in a row.
//
// Errors: kernels.ErrShape for sizes below 1.
func newSized(name string, rule rules.Rule, inputs int, hidden []int, outputs int) (sized, error) {
	s := sized{name: name, rule: rule, sizes: slices.Concat([]int{inputs}, hidden, []int{outputs})}
	if slices.Min(s.sizes) < 1 {
		return s, fmt.Errorf("models: %s: inputs, hidden layers and outputs are %v, want all at least 1: %w", name, s.sizes, kernels.ErrShape)
	}
	return s, nil
}

// checkRates holds a list of learning rates against the number of layers that it is for.
func checkRates(key string, rates []float64, layers int) error {
	if n := len(rates); n != 1 && n != layers {
		return fmt.Errorf("%s has %d values, want 1, or one for each of %d layers", key, n, layers)
	}
	return nil
}

// rateOf returns the learning rate of layer l, from 0, of a list of one for each layer or one for all.
func rateOf(rates []float64, l int) float64 {
	if len(rates) == 1 {
		return rates[0]
	}
	return rates[l]
}

// layers returns the number L of layers with weights, the output among them.
func (s *sized) layers() int { return len(s.sizes) - 1 }

// Name returns the name given to Bind.
func (s *sized) Name() string { return s.name }

// Specs returns the parameter table, in the order of the params given to Build.
func (s *sized) Specs() []kernels.Spec { return slices.Clone(s.specs) }

// Rest returns nothing: sequences have one step, and no state goes from one to the next.
func (s *sized) Rest() []float64 { return nil }

// Hidden returns the number of units of the last hidden layer, which the output reads.
func (s *sized) Hidden() int { return s.sizes[s.layers()-1] }

// Depth returns the number of hidden layers.
func (s *sized) Depth() int { return s.layers() - 1 }

// Sizes returns inputs, hidden layers and outputs.
func (s *sized) Sizes() []int { return slices.Clone(s.sizes) }

// Outputs returns the number of outputs.
func (s *sized) Outputs() int { return s.sizes[s.layers()] }

// Rule returns the rule by which the network learns.
func (s *sized) Rule() rules.Rule { return s.rule }
