// Package engine trains models. A Session is the loop: batches, schedule, evaluations, checkpoints,
// outcomes. A Learner is what the loop trains: gradient descent on the graph of a Network, compiled for a
// device, or a rule of the model's own (Rule, Descend).
//
// A batch is filled by a data.Set on the loader's goroutine. Graph.Load copies it into the inputs of the graph, whose operations
// (kernels.Scan, Linear, the losses) hand it to the device as it lies. A device in host memory writes the gradient to where
// clipping and the optimiser read it, in one buffer. So a batch enters data, engine, kernels and the device, and comes back the
// same way.
//
// A parameter begins as a row of its model's table (kernels.Spec). NewParams gives it a place in one buffer, the learned ones
// first, and draws it. The graph has a view of it as an input; kernels.Weights gives it signs, mask and scale where its model asks
// for them, and the device packs it once per update. Its gradient comes back in the order of the buffer; the optimiser changes it
// there, Params.Project brings it back within its bounds, and Session.State hands the view to a checkpoint.
//
// It imports data, the contract (kernels) with its optimisers and random numbers, and of its own folder group, hostmem, rundir,
// safetensors and setting, and neither models nor a device: what it asks of a model are the interfaces Model, Network and Rule, and
// a device is given to it. Bench, the claims and command galvani import it.
package engine
