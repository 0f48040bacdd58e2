//go:build cgo

package cpu

import "galvani/kernels"

// axial is a symmetric sparse matrix for the C kernels. Entries whose column lies at the same
// distance from their row form bands, which are multiplied as vectors (a ring is two bands and
// two entries); the others are kept one by one. Either way a product costs O(edges).
type axial[F kernels.Float] struct {
	offset, bandEdge []int32 // [bands], [bands,H]
	band             []F     // [bands,H]
	post, pre, edge  []int32 // [loose]
	value            []F     // [loose]
}

// bandShare is the least part of the rows that a band fills: below it, multiplying the zeros
// between costs more than single entries.
const bandShare = 8

func newAxial[F kernels.Float](h int, edgeI, edgeJ []int32) axial[F] {
	var a axial[F]
	count := map[int32]int{}
	for e := range edgeI {
		count[edgeJ[e]-edgeI[e]]++
		count[edgeI[e]-edgeJ[e]]++
	}
	number := map[int32]int{}
	put := func(post, pre int32, e int) {
		shift := pre - post
		if count[shift]*bandShare < h {
			a.post, a.pre, a.edge = append(a.post, post), append(a.pre, pre), append(a.edge, int32(e))
			return
		}
		k, ok := number[shift]
		if !ok {
			k = len(a.offset)
			number[shift] = k
			a.offset = append(a.offset, shift)
			for range h {
				a.bandEdge = append(a.bandEdge, -1)
			}
		}
		if at := &a.bandEdge[k*h+int(post)]; *at < 0 {
			*at = int32(e)
			return
		}
		// A second edge between the same two units.
		a.post, a.pre, a.edge = append(a.post, post), append(a.pre, pre), append(a.edge, int32(e))
	}
	for e := range edgeI {
		put(edgeI[e], edgeJ[e], e)
		put(edgeJ[e], edgeI[e], e)
	}
	a.band, a.value = make([]F, len(a.bandEdge)), make([]F, len(a.post))
	return a
}

// set takes the conductance of each edge.
func (a *axial[F]) set(g []F) {
	for i, e := range a.bandEdge {
		if e >= 0 {
			a.band[i] = g[e]
		}
	}
	for i, e := range a.edge {
		a.value[i] = g[e]
	}
}

// grads adds up what the entries of each edge have, of which there are two.
func (a *axial[F]) grads(band, loose, edges []float64) {
	clear(edges)
	for i, e := range a.bandEdge {
		if e >= 0 {
			edges[e] += band[i]
		}
	}
	for i, e := range a.edge {
		edges[e] += loose[i]
	}
}
