// Package neurons holds the step of every spiking neuron as plain C headers; list.h says what one
// defines and lists them.
//
// It imports nothing of the project but the headers of package cells. The contract (package kernels),
// the devices and the conformance suite may import it.
package neurons
