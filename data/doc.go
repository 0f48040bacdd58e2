// Package data makes and reads the sequences that networks learn from: generated tasks and
// data-set files, as plain slices, reproducible from one seed.
//
// Letters: T steps, B batch, I input, O output. Arrays are row-major with time first.
//
// It is slices and files: it imports the leaves and nothing else of the project. Engine, bench, the claims
// and command galvani import it; models and kernels do not.
package data
