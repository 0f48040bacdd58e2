// Package unitfile reads what users write about the units of a network as text: which units are joined
// (Edges) and which reach which (Mask).
//
// It is a leaf: it imports leaves and the standard library, and every package may use it. So its
// parsers are fuzzed without compiling a network.
package unitfile

// mostText is how many bytes a line may have beyond its numbers.
const mostText = 1 << 20
