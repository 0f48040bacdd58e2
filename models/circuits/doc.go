// Package circuits reads networks of point neurons from files in TOML: populations, projections, sources,
// currents and what is recorded. The built-in networks are such files, in builtin.
//
// A file may name settings, numbers that a user may change; everything else may be a formula of them. So a
// file is read twice: Load reads what it is and its settings, Blueprint the network at their values.
//
// It imports the contract (kernels), the headers of neurons, kernels/sparse, meanfield, plasticity, rates and
// the leaves. Bench, the experiments on networks and cmd/galvani import it.
package circuits
