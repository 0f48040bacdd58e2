// Package layered holds networks of layers, and trains them by the rules of package rules. Those of rates without a
// state (MLP) are:
//
//	a_l = W_l r_{l−1} + b_l,  r_l = φ(a_l),  logits = a_L
//
// The Gorgonia graph of a network, without a device, is the specification of its forward pass and of rule
// backprop. On a device the network is one operation of the graph: products are the device's, the rest is
// computed on the host. Other rules than backprop change the way back alone.
//
// Networks that are stepped in time (Stepped) have leaky units or cells with dendrites, and their synapses change in every
// step by what is there where they are. They have no graph but that of what they answer. Each is written as a
// kernels.Program: one kernel of the device runs them all, without a device Go does. By rules for which neurons have a
// past (rules.Rule.Temporal) they learn sequences, whose steps are shown one after the other.
//
// It imports packages models, rules and kernels; the experiments and commands that train layered networks may import it.
package layered
