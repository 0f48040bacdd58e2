package engine

import "galvani/kernels/random"

// newStream keys random numbers by the seed of the run and the name of what is drawn. Number i of a
// stream depends on both and on i alone, so that nothing needs to be saved for a resume.
func newStream(seed uint64, name string) random.Stream { return random.New(seed).Named(name) }
