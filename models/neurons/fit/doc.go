// Package fit finds the numbers of a neuron with which it does what recordings show, by gradients from
// several starts at once.
//
// It imports package neurons, the contract (kernels) and leaves. cmd/galvani imports it.
package fit
