// Package local trains networks whose synapses change while the network runs, by what is there where they are. It makes
// an engine.Learner of what a model does when it is shown a batch; order of batches, learning rate, evaluations and
// checkpoints are those of package engine.
//
// It imports engine, data and kernels; the commands and experiments that train such networks may import it.
package local
