// Package infile opens the files that a user names as input: data sets, tensors, checkpoints,
// masks, settings. It imports the standard library alone, so that every room may use it.
package infile
