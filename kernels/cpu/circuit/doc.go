// Package circuit steps circuits of spiking neurons on the CPU: a loop in C, compiled for each instruction
// set with the same bits. How a projection is stored decides how its spikes are delivered (counts.inc.h);
// one that is not is drawn again (drawn.inc.h).
//
// It imports the contract (kernels), the headers (kernels/neurons, kernels/random, kernels/cpu/src) and kernels/wiring;
// kernels/cpu alone imports it.
package circuit
