// Package compartments describes neurons of compartments, with ion channels and synapses, as data, and holds the step of one as plain C headers.
//
// It imports package sparse, and nothing else of the project. The contract (package kernels), devices,
// the conformance suite and models may import it.
package compartments
