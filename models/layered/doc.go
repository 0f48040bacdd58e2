// Package layered holds networks of layers of rates without a state, and trains them by the rules of
// package rules:
//
//	a_l = W_l r_{l−1} + b_l,  r_l = φ(a_l),  logits = a_L
//
// The Gorgonia graph of a network, without a device, is the specification of its forward pass and of rule
// backprop. On a device the network is one operation of the graph: products are the device's, the rest is
// computed on the host. Other rules than backprop change the way back alone.
//
// It imports packages models, rules and kernels; the experiments and commands that train layered networks may import it.
package layered
