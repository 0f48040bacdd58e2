// Package infile opens the files that a user names as input: data sets, tensors, checkpoints,
// masks, settings. It imports leaves alone, and every package may import it.
package infile
