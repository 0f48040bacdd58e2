// Package group has the ranks of a run: processes that MPI connects, or goroutines that stand for them, each of which
// takes its part of every batch and holds all parameters. What they exchange is added in one order,
// whatever their number, so that the number of ranks changes the time and no bit of a result. Numbers on a device are sent
// from there where the MPI library takes addresses of its memory, and are added there; otherwise through host memory.
//
// It imports none of the project. Package engine imports it, which divides a batch over ranks; the experiments, whose
// cases ranks share; bench, which times them; and the command, which opens them.
package group
