// Package description reads what users describe in TOML: neurons, channels, networks. It knows the line
// of every key, the units of quantities, and which keys nobody has read.
//
// It is a leaf: it imports leaves and the reader of TOML, and every package may use it.
package description
