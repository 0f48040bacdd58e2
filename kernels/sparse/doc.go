// Package sparse holds matrices by their entries: which units reach which, over rows or over columns,
// in bands, and along trees. It knows structure only; the values of entries lie in slices beside it,
// in the order of the entries.
//
// A row is what a unit receives, as in W[post,pre].
//
// It is a leaf: it imports package random alone, and every package may use it.
package sparse
