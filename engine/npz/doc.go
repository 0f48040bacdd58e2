// Package npz reads and writes named arrays as the NPZ files of NumPy: a zip archive with one
// file NAME.npy for each array. What it writes is not compressed. It holds them as package safetensors does and
// imports leaves alone; every package may import it.
//
// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0.
package npz
