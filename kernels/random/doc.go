// Package random draws counter-based random numbers: number i of a stream depends on the key of the
// stream and on i alone. Nothing is kept between two numbers, so that any thread, device or rank may
// draw any of them, and a resumed run needs no state.
//
// random.h, normal.h and draws.h are the same for C and CUDA; what stands in both gives the same bits.
//
// It is a leaf: it imports the standard library alone, and every package may use it.
//
// Source: Steele, Lea and Flood (2014), doi:10.1145/2660193.2660195 (SplitMix64).
package random
