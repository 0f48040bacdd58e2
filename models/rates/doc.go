// Package rates steps networks of rate units on the host. It takes the circuits of networks of spiking neurons
// (kernels.Circuit), whose populations then are of the header Header, and is a kernels.CircuitPlan, so that what
// simulates, saves and records spiking networks does it with these, too. Sources stand for their rate.
//
// It imports the contract (kernels) and the description of a neuron (kernels/neurons). Packages of networks, bench and
// command galvani may import it.
package rates
