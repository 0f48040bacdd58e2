// Package neurons describes single neurons and their ion channels as data: files in TOML with units, some
// of which are built in, and morphologies in SWC. Compile makes of them what devices run, a
// compartments.Neuron with its table of parameters.
//
// A channel is a file of channels/, a neuron one of builtin/; to add one is to add its file.
//
// Cable is the passive cable in float64 Go over the tree order of kernels/sparse. It runs on no device:
// it is what a coupling by a tree inside of a scan is to be held to.
//
// It imports models, the contract (kernels), kernels/compartments, kernels/sparse and the leaves. Bench, the
// experiments on neurons and cmd/galvani import it.
package neurons
