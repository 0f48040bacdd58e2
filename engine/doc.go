// Package engine trains models. A Session is the loop: batches, schedule, evaluations, checkpoints,
// outcomes. A Learner is what the loop trains: gradient descent on the graph of a Network, compiled for a
// device, or a rule of the model's own (Rule, Descend).
//
// It imports data, the contract (kernels), engine/rundir and engine/safetensors, and neither models nor a
// device: what it asks of a model are the interfaces Model, Network and Rule, and a device is given to it. Bench, the claims
// and command galvani import it.
package engine
