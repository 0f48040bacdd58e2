// Package programs lays a program of layers (kernels.Program) out in arrays, as the loops of the devices read it
// (programs.h), and holds the arithmetic of its operations that is the same on every device as C headers.
//
// It imports the contract (kernels). Devices may import it.
package programs

import "embed"

// Headers are the C headers; importing them makes Go compile again what includes one that changes.
//
//go:embed *.h
var Headers embed.FS
