// Package correspond takes a neuron of compartments to a charged RNN, one assumption at a time, and says how far
// each leads away from the neuron.
//
// It imports neurons, models and kernels; commands and experiments may import it.
package correspond
