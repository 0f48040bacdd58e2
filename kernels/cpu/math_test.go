//go:build cgo

package cpu

import (
	"math"
	"slices"
	"testing"
)

// ulps returns the distance of got from want in units of the last place of float32. Results
// that float32 holds only as denormals count as zero: the kernels flush them.
func ulps(got float32, want float64) float64 {
	const tiny = 1.1754943508222875e-38
	if math.Abs(want) < tiny {
		want = 0
		if math.Abs(float64(got)) <= tiny {
			return 0
		}
	}
	f := float32(want)
	if math.IsInf(want, 0) || math.IsInf(float64(f), 0) || math.IsNaN(want) {
		if float64(got) == float64(f) || math.IsNaN(want) && got != got {
			return 0
		}
		return math.Inf(1)
	}
	ulp := float64(math.Nextafter32(float32(math.Abs(want)), math.MaxFloat32)) - math.Abs(float64(float32(math.Abs(want))))
	return math.Abs(float64(got)-want) / ulp
}

// TestUlp holds the elementary functions of every instruction set to float64 over a dense grid of
// all magnitudes and the special values. The bounds are those that cells/shared/real.h states.
func TestUlp(t *testing.T) {
	var x []float32
	for v := -105.0; v < 105; v += 0.0007 {
		x = append(x, float32(v))
	}
	for e := -149; e < 128; e++ {
		for m := 1.0; m < 2; m += 1.0 / 64 {
			x = append(x, float32(math.Ldexp(m, e)), -float32(math.Ldexp(m, e)))
		}
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	x = append(x, 0, float32(math.Copysign(0, -1)), nan, inf, -inf, 88.72283, 88.72284, -87.33654, -87.33655, 0.625, 0.62499994,
		88.37, -88.37, 88.38, -88.38, 44.185, 44.19) // ends of src/gates.inc.h
	y := make([]float32, len(x))
	for _, f := range []struct {
		name  string
		code  Func
		exact func(float64) float64
		bound float64
	}{
		{"exp", Exp, math.Exp, 2},
		{"sigmoid", Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 3},
		{"tanh", Tanh, math.Tanh, 3},
		{"softplus", Softplus, func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }, 2},
		{"x^0.6", Pow06, powerOf(float64(float32(0.6))), 2},
		{"x^2", Pow2, powerOf(2), 2},
	} {
		for _, isa := range here(t) {
			apply(isa, f.code, x, y)
			worst, at := 0.0, float32(0)
			for i := range x {
				if e := ulps(y[i], f.exact(float64(x[i]))); !(e <= worst) {
					worst, at = e, x[i]
				}
			}
			t.Logf("%s %s: %.2f ulp at %g", isa, f.name, worst, at)
			if !(worst <= f.bound) {
				t.Errorf("%s: %s is off by %.2f ulp at %v, want at most %v", isa, f.name, worst, at, f.bound)
			}
		}
	}
}

// powerOf is r_pow: 0 for arguments that are not normal positive numbers.
func powerOf(p float64) func(float64) float64 {
	return func(x float64) float64 {
		switch {
		case math.IsNaN(x):
			return x
		case x < math.Ldexp(1, -126):
			return 0
		}
		return math.Pow(x, p)
	}
}

// TestGemm checks the packed product in all layouts against three loops in float64, on sizes
// with tails, with guard words around the result.
func TestGemm(t *testing.T) {
	// tolGemm: K rounding errors of 6e-8, relative to the sum of magnitudes (about K).
	const tolGemm = 1e-6
	const guard = 12345
	for _, isa := range here(t) {
		for _, n := range [][3]int{{1, 1, 1}, {7, 33, 5}, {16, 32, 300}, {13, 70, 513}, {40, 3, 64}, {190, 130, 300}, {40, 700, 300}} {
			M, N, K := n[0], n[1], n[2]
			a, b := make([]float32, M*K), make([]float32, N*K)
			for i := range a {
				a[i] = float32(i%17) - 8
			}
			for i := range b {
				b[i] = float32(i%13)/6 - 1
			}
			one, err := NewGemm[float32](isa, 1, N)
			if err != nil {
				t.Fatal(err)
			}
			g, err := NewGemm[float32](isa, 3, N)
			if err != nil {
				t.Fatal(err)
			}
			for _, layout := range []Layout{NT, NN, TN} {
				for _, add := range []bool{false, true} {
					alone := make([]float32, M*N)
					for i := range alone {
						alone[i] = guard
					}
					one.Do(layout, M, N, K, a, b, alone, add)
					buf := make([]float32, M*N+32)
					for i := range buf {
						buf[i] = guard
					}
					g.Do(layout, M, N, K, a, b, buf[16:16+M*N], add)
					if !slices.Equal(alone, buf[16:16+M*N]) {
						t.Errorf("%s %v %v add=%v: three threads find other bits than one", isa, layout, n, add)
					}
					for i := range 16 {
						if buf[i] != guard || buf[16+M*N+i] != guard {
							t.Fatalf("%s %v %v: wrote outside the result", isa, layout, n)
						}
					}
					for i := range M {
						for j := range N {
							want, mag := 0.0, 1.0
							for k := range K {
								x, y := a[i*K+k], b[j*K+k]
								if layout == TN {
									x = a[k*M+i]
								}
								if layout != NT {
									y = b[k*N+j]
								}
								want += float64(x) * float64(y)
								mag += math.Abs(float64(x) * float64(y))
							}
							if add {
								want += guard
								mag += guard
							}
							if got := float64(buf[16+i*N+j]); math.Abs(got-want) > tolGemm*mag {
								t.Fatalf("%s %v %v add=%v: C[%d,%d] = %g, want %g", isa, layout, n, add, i, j, got, want)
							}
						}
					}
				}
			}
		}
	}
}
