package rules

import (
	"slices"

	"galvani/engine/cite"
	"galvani/engine/setting"
)

// Rule is one line of the registry.
type Rule struct {
	Name       string
	Models     []string // that learn by it
	Doc        string   // one sentence
	Equations  string
	Reads      []string // what each kind of synapse may read, a sentence each
	Notes      []string // what a user should know, a sentence each
	Try        string   // flags with which a first network learns by it, where it does not by default
	Source     string
	References []cite.Work // behind the code, for a run's references.bib

	// Direct takes the error of the output to every hidden layer, in place of that of the layer above.
	Direct bool
	Back   Back  // through which weights the error comes back; nil for rules of networks that are stepped in time
	Learn  Learn // how the weights of the way back change; nil where they stay as they are

	// Compare says what the synapses of networks that are stepped in time learn by; nil for other networks.
	Compare *Compare
	// LooksAhead takes the potential that a neuron is heading for in place of the one that it has.
	LooksAhead bool
	// Temporal gives every neuron a time constant by which it lags and one by which it looks ahead, swapped in its error, so
	// that networks learn sequences.
	Temporal bool
	// TwoSweeps takes potentials that one sweep up and one down give in place of those of a course in time.
	TwoSweeps bool
}

// Back says what the weights b_ij are through which the error of unit i comes back to hidden unit j:
// e_j = φ'(a_j) Σ_i b_ij e_i. It is Transport, Signs or Own.
type Back interface{ back() }

// Transport takes the weights of the layer above themselves.
type Transport struct{}

// Signs takes the signs of the weights of the layer above, with sizes that do not come from there.
type Signs struct{}

// Weight returns b_ij, given the sign of w_ij (−1, 0 or 1) and a size.
func (Signs) Weight(sign, size float64) float64 { return sign * size }

// Own takes weights that the way back has for itself.
type Own struct{}

func (Transport) back() {}
func (Signs) back()     {}
func (Own) back()       {}

// Learn says how weights of the way back change. It is Twin or Mirror.
type Learn interface{ learn() }

// Compare is the factor behind the synapse of a change, as a sum; the one before it is a rate. A synapse reads nothing else.
type Compare struct {
	// Mismatch is how the rate of a neuron and the rate that one of its dendrites predicts count in the error of
	// synapses on that dendrite.
	Mismatch [2]float64
	// Silence is how the potential of a dendrite counts in the error of synapses that are to silence it.
	Silence float64
}

// Twin lets b_ij make the same change e_i r_j as w_ij, which both can compute from the same two units.
type Twin struct{}

// Mirror lets b_ij follow what unit i answers to noise of unit j.
type Mirror struct{}

// Gradient returns the gradient of b_ij, given its value and the mean product of the noise of unit j, whose
// variance is 1, and the answer of unit i.
func (Mirror) Gradient(b, product float64) float64 { return b - product }

func (Twin) learn()   {}
func (Mirror) learn() {}

var registry = setting.NewRegistry("rule", func(r Rule) string { return r.Name })

// Register adds a rule, also to the list "rule of MODEL" of tags (setting.AddWord) for each of its models. It is for init
// functions and panics on a name that is there already.
func Register(r Rule) {
	registry.Add(r)
	for _, m := range r.Models {
		setting.AddWord("rule of "+m, r.Name)
	}
}

// All returns the registry, sorted by name.
func All() []Rule { return registry.All() }

// Names returns the names of the registry in order.
func Names() []string { return registry.Names() }

// For returns the names of the rules by which a model learns, in order.
func For(model string) []string {
	var list []string
	for _, r := range All() {
		if slices.Contains(r.Models, model) {
			list = append(list, r.Name)
		}
	}
	return list
}

// Lookup finds a rule by name; the error for an unknown one names the nearest.
func Lookup(name string) (Rule, error) { return registry.Lookup(name) }

// forward says what the forward synapses of all rules read.
const forward = "w_ij: the rate r_j before it and the error e_i behind it."
