// Package cpu is the CPU as a device: packed matrix products and the scan loop in C, one
// compilation per instruction set, chosen at run time; and the loops over circuits and over programs of layered networks. What needs no C (weights made of stored
// ones) is Go. Without cgo there is no device, and Open says so.
//
// The C is in src, and each package of isa compiles it for one instruction set; package circuit holds that of
// circuits of spiking neurons, and package pace chooses between one thread and all. This package alone imports those. It imports the contract (kernels), the headers (kernels/cells and
// compartments), kernels/programs, kernels/segments, kernels/sparse and kernels/wiring. kernels/devices opens it, bench times its products; models, engine and cmd go through kernels/devices.
package cpu
