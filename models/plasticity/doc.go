// Package plasticity is the rules by which the weights of a projection change at spikes. A rule is one file:
// its parameters with units, ranges and source, and the numbers that it gives kernels.Plasticity, which says
// what happens at a spike. A new rule is a file.
//
// It imports the contract (kernels) and engine/setting. Packages of networks, bench and command galvani may import it.
package plasticity
