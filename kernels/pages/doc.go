// Package pages makes large arrays in large pages of memory, where the system has them. A processor keeps the
// addresses of some thousand pages at hand; of 4 KiB each that is less than what a scan walks through, and on a
// virtual machine to look up another takes two walks through tables.
//
// It is a leaf: it imports nothing of the project, and every package may import it.
package pages
