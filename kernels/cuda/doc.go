// Package cuda is an NVIDIA GPU as a device: arrays in device memory and the plans that queue work
// on them. The kernels are the .cu files of this folder, compiled to kernels/ptx; the Go part is
// built with the tag gpu.
//
// Work is queued in order on one stream. A call returns before its work is done unless it says
// that it waits, and a failure of queued work is returned by the next call that waits.
//
// It imports the contract (kernels), the headers (kernels/cells, compartments and optimisers), kernels/programs,
// kernels/segments, kernels/wiring, kernels/driver and kernels/ptx, and not the CPU's device. kernels/devices opens it; nothing else may import it.
package cuda
