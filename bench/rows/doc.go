// Package rows holds what all files of measurements have in common: who measured and where (Head), a
// file that is only added to (Open, Read), estimates with their intervals, tables, and series of
// charts that show estimates.
//
// Each measurement embeds Head in a type of its own: bench.Row is a timing, experiment.Row the result of a
// case. Packages bench and bench/experiment, the claims below that and command galvani import this
// one; it imports engine/chart, engine/rundir for locks and the name of the processor, and kernels/cpu for the
// instruction set of the machine, and nothing of models or data.
package rows
