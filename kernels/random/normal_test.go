package random

import (
	"math"
	"slices"
	"testing"
)

// TestQuantiles computes the table again.
func TestQuantiles(t *testing.T) {
	const scale = 0.7088886902751377 * (1 << 13) // of those near 1/√2, that with the variance next to 1
	for i, got := range quantiles {
		q := math.Sqrt2 * math.Erfinv(2*(128.5+float64(i))/256-1)
		if want := math.Round(scale * q); float64(got) != want {
			t.Errorf("quantile %d is %d, want %v", i, got, want)
		}
	}
}

// TestNormal4 goes over all pairs of bytes, each of which is as likely: moments and distribution.
func TestNormal4(t *testing.T) {
	var all []float64
	var m [5]float64
	for a := range uint64(256) {
		for b := range uint64(256) {
			z := float64(quantile(a)+quantile(b)) / (1 << 13)
			all = append(all, z)
			for k := range m {
				m[k] += math.Pow(z, float64(k)) / (1 << 16)
			}
		}
	}
	for k, want := range []float64{1, 0, 1, 0, 2.959} {
		if math.Abs(m[k]-want) > 1e-5 && k < 4 || math.Abs(m[k]-want) > 1e-3 {
			t.Errorf("moment %d is %v, want %v", k, m[k], want)
		}
	}
	slices.Sort(all)
	worst := 0.0
	for i, z := range all {
		p := math.Erfc(-z/math.Sqrt2) / 2
		n := float64(len(all))
		worst = max(worst, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
	}
	if worst > 0.00196 { // a half of the 256 pairs that give 0
		t.Errorf("the distribution function is off by %v", worst)
	}
	if all[0] != -all[len(all)-1] || all[0] < -4.1 {
		t.Errorf("numbers from %v to %v", all[0], all[len(all)-1])
	}
}

// TestNormal4Draws looks at many numbers of some streams: those of a number do not go with each other,
// nor with those of the next.
func TestNormal4Draws(t *testing.T) {
	for seed := range uint64(3) {
		const n = 1 << 15
		var draws [][4]float32
		for i := range uint64(n) {
			draws = append(draws, New(seed).Normal4(i))
		}
		for a := range 4 {
			for b := range 4 {
				var together, next float64
				for i, z := range draws {
					together += float64(z[a]) * float64(z[b]) / n
					next += float64(z[a]) * float64(draws[(i+1)%n][b]) / n
				}
				if a == b {
					together--
				}
				if bound := 5 / math.Sqrt(n); math.Abs(together) > bound || math.Abs(next) > bound {
					t.Errorf("seed %d: numbers %d and %d: covariance %v, with the next %v", seed, a, b, together, next)
				}
			}
		}
	}
}
