// Package meanfield computes what the theory of large networks says of their rates: balanced and semi-balanced
// fixed points, and the exact rates of single neurons under a constant input.
//
// It imports nothing of the project. Package circuits and cmd/galvani import it.
package meanfield
