//go:build cgo

package cpu

import (
	"galvani/kernels"
	"galvani/kernels/sparse"
)

// axial is a symmetric sparse matrix for the C kernels. Bands are multiplied as vectors, the other
// entries one by one. Either way a product costs O(edges).
type axial[F kernels.Float] struct {
	sparse.Bands
	band  []F // [bands,H]
	value []F // [loose]
}

func newAxial[F kernels.Float](h int, edgeI, edgeJ []int32) axial[F] {
	b := sparse.NewBands(h, edgeI, edgeJ)
	return axial[F]{Bands: b, band: make([]F, len(b.Edge)), value: make([]F, len(b.Post))}
}

// set takes the conductance of each edge.
func (a *axial[F]) set(g []F) {
	for i, e := range a.Edge {
		if e >= 0 {
			a.band[i] = g[e]
		}
	}
	for i, e := range a.Loose {
		a.value[i] = g[e]
	}
}

// grads adds up what the entries of each edge have, of which there are two.
func (a *axial[F]) grads(band, loose, edges []float64) {
	clear(edges)
	for i, e := range a.Edge {
		if e >= 0 {
			edges[e] += band[i]
		}
	}
	for i, e := range a.Loose {
		edges[e] += loose[i]
	}
}
