// Package neurons holds models of single neurons from their biophysics: so far the passive cable.
//
// It is written in float64 Go over the tree order of kernels/sparse and runs on no device: it is what
// a coupling by a tree inside of a scan is to be held to, and a graph of Gorgonia, which has no solver,
// would take a node for each compartment, sweep and step. Experiments import it; it imports
// kernels/sparse alone.
package neurons
