// Package dynamics finds where a discrete dynamical system stands still or nearly so, and says how
// it moves near there: slow points, the eigenvalues of the Jacobian at them, and the plane in which
// most of the motion takes place.
//
// Letters: N is the dimension of the state space. States are rows of N numbers.
//
// It imports nothing of the project. Packages bench/analysis and command galvani import it.
package dynamics
