//go:build cgo

// Package header calls the functions of random.h, normal.h and draws.h, for the test that holds them to package random.
//
// Only that test imports it.
package header

// #if defined(__clang__)
// #pragma STDC FP_CONTRACT OFF
// #else
// #pragma GCC optimize("fp-contract=off")
// #endif
// #include "../../normal.h"
// #include "../../draws.h"
// static random_word mix(random_word z) { return random_mix(z); }
// static random_word key(random_word k, random_word s) { return random_key(k, s); }
// static random_word at(random_word k, random_word i) { return random_at(k, i); }
// static float uniform(random_word k, random_word i) { return random_uniform(k, i); }
// static double uniform64(random_word k, random_word i) { return random_uniform64(k, i); }
// static unsigned below(random_word k, random_word i, unsigned n) { return random_below(k, i, n); }
// static int chance(random_word k, random_word i, random_word t) { return random_chance(k, i, t); }
// static float normal(random_word k, random_word i, int n) { return random_normal(random_at(k, i), n); }
// static int count(random_word k, random_word i, const random_word *t, int n) { return random_count(k, i, t, n); }
// static double decay(double x) { return random_decay(x); }
// static long long poisson(random_word k, random_word i, double mean) { return random_poisson(k, i, mean); }
// static long long binomial(random_word k, random_word i, long long n, double p) { return random_binomial(k, i, n, p); }
import "C"

import "unsafe"

func Mix(z uint64) uint64           { return uint64(C.mix(C.random_word(z))) }
func Key(k, s uint64) uint64        { return uint64(C.key(C.random_word(k), C.random_word(s))) }
func At(k, i uint64) uint64         { return uint64(C.at(C.random_word(k), C.random_word(i))) }
func Uniform32(k, i uint64) float32 { return float32(C.uniform(C.random_word(k), C.random_word(i))) }
func Uniform(k, i uint64) float64   { return float64(C.uniform64(C.random_word(k), C.random_word(i))) }
func Below(k, i uint64, n uint32) uint32 {
	return uint32(C.below(C.random_word(k), C.random_word(i), C.uint(n)))
}
func Chance(k, i, t uint64) bool {
	return C.chance(C.random_word(k), C.random_word(i), C.random_word(t)) != 0
}
func Normal(k, i uint64, n int) float32 {
	return float32(C.normal(C.random_word(k), C.random_word(i), C.int(n)))
}
func Decay(x float64) float64 { return float64(C.decay(C.double(x))) }
func Poisson(k, i uint64, mean float64) int {
	return int(C.poisson(C.random_word(k), C.random_word(i), C.double(mean)))
}
func Binomial(k, i uint64, n int, p float64) int {
	return int(C.binomial(C.random_word(k), C.random_word(i), C.longlong(n), C.double(p)))
}
func Count(k, i uint64, t []uint64) int {
	return int(C.count(C.random_word(k), C.random_word(i), (*C.random_word)(unsafe.Pointer(unsafe.SliceData(t))), C.int(len(t))))
}
