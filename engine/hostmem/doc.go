// Package hostmem tells how much memory this process may still take, so that a run that cannot fit
// is refused before it begins: the Go runtime ends a process that asks for more than there is.
//
// It is a leaf: it imports nothing of the project but leaves, and every package may import it.
package hostmem
