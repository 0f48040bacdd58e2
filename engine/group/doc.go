// Package group has the ranks of a run: processes that MPI connects, or goroutines that stand for them, each of which
// takes its part of every batch and holds all parameters. What they exchange is added in one order,
// whatever their number, so that the number of ranks changes the time and no bit of a result.
//
// It imports none of the project. Package engine imports it, which divides a batch over ranks; the experiments, whose
// cases ranks share; bench, which times them; and the command, which opens them.
package group
