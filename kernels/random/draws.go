package random

import "math"

// chunk is the largest mean that is drawn by one inversion: exp(−chunk) is far from the smallest number.
const chunk = 32

// factors are 1/k! from the 13th on down.
var factors = func() (f [14]float64) {
	for k, n := 0, 1.0; k < len(f); k++ {
		f[len(f)-1-k] = 1 / n
		n *= float64(k + 1)
	}
	return f
}()

// Decay returns exp(−x) for x ≥ 0, and 0 beyond 700. It has the same bits on every device; those of math.Exp are
// of one machine. Conversions to float64 keep products and sums apart.
//
// Accuracy: 1e-15 of its size (TestDecay).
func Decay(x float64) float64 {
	if x > 700 {
		return 0
	}
	n := uint64(float64(x*1.4426950408889634) + 0.5)
	r := float64(float64(n)*6.93147180369123816490e-01) - x + float64(float64(n)*1.90821492927058770002e-10)
	y := 0.0
	for _, f := range factors {
		y = float64(y*r) + f
	}
	return y * math.Float64frombits((1023-n)<<52)
}

// power returns qⁿ.
func power(q float64, n int) float64 {
	y := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			y *= q
		}
		q *= q
	}
	return y
}

// inverted returns the number at which a distribution function reaches u, given the probability p of 0 and c and d,
// with which that of n+1 is (c − d n)/(n + 1) times that of n.
func inverted(u, p, c, d float64) int {
	n := 0
	for sum := p; u >= sum; sum += p {
		p *= (c - float64(float64(n)*d)) / float64(n+1)
		n++
		if p <= 0 || p < 1e-18*sum {
			break // what is left of the tail is below the last bit of u
		}
	}
	return n
}

// Poisson returns number i as a Poisson number of a mean, which may differ from number to number. Numbers of one mean
// for all are faster by Count.
func (s Stream) Poisson(i uint64, mean float64) int {
	parts := int(mean / chunk)
	if float64(parts)*chunk < mean {
		parts++
	}
	m, sum := mean/float64(parts), 0
	for k := range parts {
		sum += inverted(s.Stream(uint64(k)).Uniform(i), Decay(m), m, 0)
	}
	return sum
}

// Binomial returns number i as how many of n events of probability p come.
func (s Stream) Binomial(i uint64, n int, p float64) int {
	q, misses := p, p > 0.5
	if misses { // those that do not come are drawn
		q = 1 - p
	}
	odds, most := q/(1-q), chunk/q
	left, sum := n, 0
	for k := 0; left > 0 && q > 0; k++ {
		of := left
		if most < float64(left) {
			of = int(most)
		}
		left -= of
		sum += inverted(s.Stream(uint64(k)).Uniform(i), power(1-q, of), float64(of)*odds, odds)
	}
	if misses {
		return n - sum
	}
	return sum
}
