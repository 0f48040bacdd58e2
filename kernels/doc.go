// Package kernels is the contract between models, the training loop and the devices that compute:
// what a Device is, what its plans take and give, and the Gorgonia operations that models see.
//
// A cell is a pointwise step and its adjoint (kernels/cells/NAME.h); the time loop, the matrix
// products, memory and threads are written once in each device and serve every cell. Models see a
// few Gorgonia operations: Scan (all T steps), Weights (signs, masks and scales of matrices), Field
// (a part of a packed tensor), Linear and the losses. A Device decides where they run; a nil one
// is the host with Gorgonia's own operations.
//
// Networks that learn while they are stepped in time are a Program: arrays, weights and a list of operations, which a
// Stepper runs as it is. A rule of learning is such a list, and no kernel of its own.
//
// Letters: T steps, B batch, I input, H hidden units, O output, S state planes. Arrays are
// row-major with time first: x [T,B,I], h [T,B,H].
//
// The package imports no device. Devices (kernels/cpu, kernels/cuda) import it and implement
// Device; kernels/devices opens them by name; kernels/conform holds each of them to the contract.
// Everything above may import this package.
package kernels
