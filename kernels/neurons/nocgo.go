//go:build !cgo

package neurons

// All returns none: without a C compiler nothing has read the headers.
func All() []Neuron { return nil }

// Prepare is not reached, as there is no neuron.
func (n Neuron) Prepare(float64, []float64) []float64 { return nil }
