package engine

import (
	"math"

	"galvani/kernels"
)

// Norm returns the Euclidean norm of g, summed in float64 in a fixed order.
func Norm[F kernels.Float](g []F) float64 {
	var s0, s1, s2, s3 float64 // side by side, or the latency of the addition bounds the speed
	i := 0
	for ; i+4 <= len(g); i += 4 {
		x0, x1, x2, x3 := float64(g[i]), float64(g[i+1]), float64(g[i+2]), float64(g[i+3])
		s0 += float64(x0 * x0)
		s1 += float64(x1 * x1)
		s2 += float64(x2 * x2)
		s3 += float64(x3 * x3)
	}
	for ; i < len(g); i++ {
		x := float64(g[i])
		s0 += float64(x * x)
	}
	return math.Sqrt((s0 + s1) + (s2 + s3))
}

// clipsAlone tells of the values of clip_by whether each parameter is clipped by its own norm.
var clipsAlone = map[string]bool{"whole": false, "tensor": true}

// clip scales a gradient so that the norm of its counted parts is at most limit, and that of each part alone; 0 is
// no limit. It returns the norm of all counted parts as it was before. A gradient whose norm is not finite stays as it is.
//
// Source: Pascanu, Mikolov and Bengio (2013), arXiv:1211.5063.
func (o *Optimizer) clip(g []float32, limit float64) float64 {
	n := Norm(g[:o.counted])
	if !(limit > 0 && finite(n)) {
		return n
	}
	at := 0
	for _, part := range o.parts {
		some, of := g[at:at+part.Len], n
		if at += part.Len; part.Clip == kernels.Apart {
			continue
		}
		if part.Alone {
			of = Norm(some)
		}
		if !(of > limit && finite(of)) {
			continue
		}
		for i, x := range some {
			some[i] = float32(float64(x) * (limit / of))
		}
	}
	return n
}
