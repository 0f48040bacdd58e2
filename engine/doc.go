// Package engine trains networks: it compiles the graph for a device, runs steps, optimises,
// evaluates, and keeps the run directory and its checkpoints.
//
// It imports data, the contract (kernels), engine/rundir and engine/safetensors, and neither models nor a
// device: what it asks of a network is the interface Network, and a device is given to it. Bench, the claims
// and command galvani import it.
package engine
