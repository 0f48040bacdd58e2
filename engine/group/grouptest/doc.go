// Package grouptest starts processes under MPI, for tests.
//
// It imports none of the project. Tests of engine/group and of the command import it.
package grouptest
