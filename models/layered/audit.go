package layered

import (
	"slices"

	"galvani/kernels"
	"galvani/models/rules"
)

// Audit is what a rule leaves, in one model, of three objections to backprop as a model of the cortex. Local errors and
// weight transport are read from the program that the network runs, or from what the way back of the rule is.
//
// Source of the objections: Whittington and Bogacz (2019), doi:10.1016/j.tics.2018.12.005.
type Audit struct {
	Model string `json:"model"`
	// LocalError says that the error of a synapse is made of the state of its own neuron, in the same course as the
	// answer, and not by a pass of its own.
	LocalError bool `json:"local_error"`
	// Transport is what errors read of the weights of the layer above: weights, signs, or none.
	Transport string `json:"weight_transport"`
	// Neurons are the kinds that the rule learns with: rate, leaky, spiking.
	Neurons []string `json:"neurons"`
}

// Audits returns the audit of a rule for each model that learns by it.
//
// Errors: those of Bind.
func Audits(r rules.Rule) (list []Audit, err error) {
	for _, name := range r.Models {
		e, err := Lookup(name)
		if err != nil {
			return nil, err
		}
		settings := e.New()
		*settings.By() = r.Name
		net, err := settings.Bind(name, 1, 1)
		if err != nil {
			return nil, err
		}
		list = append(list, audit(name, r, net))
	}
	return list, nil
}

func audit(model string, r rules.Rule, net Net) Audit {
	a := Audit{Model: model, Transport: "none", Neurons: []string{"rate"}}
	n, stepped := net.(programmed)
	switch r.Back.(type) {
	case rules.Transport:
		a.Transport = "weights"
	case rules.Signs:
		a.Transport = "signs"
	}
	if !stepped {
		return a
	}
	a.LocalError = true
	if slices.ContainsFunc(n.program(1, 0).program.Learn, func(o kernels.ProgramOp) bool { return o.Kind == kernels.Back }) {
		a.Transport = "weights"
	}
	if !r.TwoSweeps {
		a.Neurons = []string{"leaky"}
	}
	if c, ok := net.(*Circuit); ok && !r.TwoSweeps {
		c.cfg.Gamma = 1
		if c.program(1, 0).program.Draws() {
			a.Neurons = append(a.Neurons, "spiking")
		}
	}
	return a
}
