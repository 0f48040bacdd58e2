// Package rules holds the rules by which layered networks learn: what comes back to a hidden unit in the
// place of the gradient, and how the weights of the way back change.
//
// A rule is a file and a value: data, and functions whose arguments are all that a synapse may read. Forward
// weights change alike under all rules, by the error e of the unit behind the synapse and the rate r of the
// unit before it:
//
//	∂L/∂w_ij ≈ e_i r_j
//
// A rule says how the error of a hidden unit is made of errors above it.
//
// In networks that are stepped in time a synapse compares what there is in the compartments of the neuron behind it
// (Compare).
//
// It imports leaves alone. Package layered computes networks with the rules; it and the commands may import it.
package rules
