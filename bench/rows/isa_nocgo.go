//go:build !cgo

package rows

// isa returns nothing: a binary without cgo has no CPU kernels.
func isa() string { return "" }
