// Package experiment tests claims about cells by measurements that one command repeats.
//
// An experiment is its settings: a pointer to a struct whose exported fields, with their tags, are
// flags of the command line (tags as in package models). From the settings come
//
//   - Cases, one for each condition and seed, which do not depend on each other. Each gives
//     numbers and curves, which become one Row, one line of a file that is only appended to;
//   - Report, a pure function of all rows: tables, charts, a paragraph and a verdict.
//
// Job.Run runs the cases whose rows are not in the file yet, on all ranks of a job, so that an experiment
// which was cut off goes on; Job.Report writes NAME.md and NAME-CHART.png and .svg from the rows. A row holds
// the settings that it belongs to: rows of other settings stay in the file and are left alone.
//
// Here is the frame: settings, cases, job, row, report, training. The claims stand below, a folder for
// each note that makes them: charged, conductance, learning, networks, neurons, rules. Package probe runs cells in float64 for them,
// package exptest holds what their tests share.
//
// A new experiment is one file in one of these folders: a struct, its three methods and a call of
// Register in init. The claims import the frame, bench/rows, bench/analysis, models, data, engine and the devices; none
// imports another, and the frame imports no claim. Command galvani imports the folders for their
// registration.
package experiment
