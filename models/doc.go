// Package models holds the recurrent cells: for each one its equations, its parameter table
// and one step as a Gorgonia graph, which is the specification that the fused kernels are
// held to.
//
// A cell is its configuration: the exported fields of the struct, with the tags that package setting
// reads, are the keys of config.toml and the flags of the command line.
//
// It imports the contract (kernels) and leaves, and neither engine nor a device: command galvani joins them.
// Bench, the claims and command galvani import it.
package models
