// Package optimisers holds the rules by which parameters follow a gradient. A rule is two files: NAME.h, the
// step of one element as a plain C header, which a GPU runs, and NAME.go, the same in Go with its equations,
// settings and registration, which the host runs. Both give the same bits. list.h numbers the headers.
//
// It imports nothing of the project. The contract (package kernels), devices and package
// engine import it.
package optimisers
