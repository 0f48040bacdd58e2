package engine

import "math"

// norm returns the Euclidean norm of g, summed in float64 in a fixed order.
func norm[F Float](g []F) float64 {
	var s [4]float64 // four sums side by side, or the latency of the addition bounds the speed
	i := 0
	for ; i+4 <= len(g); i += 4 {
		for j := range s {
			x := float64(g[i+j])
			s[j] += float64(x * x)
		}
	}
	for ; i < len(g); i++ {
		x := float64(g[i])
		s[0] += float64(x * x)
	}
	return math.Sqrt((s[0] + s[1]) + (s[2] + s[3]))
}

// clip scales g so that its norm is at most limit; 0 is no limit. It returns the norm before.
// A gradient that is not finite stays as it is.
//
// Source: Pascanu, Mikolov and Bengio (2013), arXiv:1211.5063.
func clip(g []float32, limit float64) float64 {
	n := norm(g)
	if limit > 0 && n > limit && finite(n) {
		c := limit / n
		for i, x := range g {
			g[i] = float32(float64(x) * c)
		}
	}
	return n
}
