// Package wiring lays a circuit out in arrays, as the loops of the devices read it (wiring.h), and runs
// it in stretches of steps. What it does is the same on every device; the steps are an Engine's.
//
// It imports the contract (kernels), the headers of neurons, and matrices (kernels/sparse). Devices may import it.
package wiring

import "embed"

// Headers are the C halves of this package; importing them makes Go compile again what includes one, when that
// changes.
//
//go:embed *.h
var Headers embed.FS
