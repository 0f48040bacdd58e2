package sparse

import "math"

// gaps tells how many trials fail before one succeeds: of a number u in [0,1) the whole part of log(1-u)/fail. A table
// tells it without a logarithm of a u that is not next to where that changes.
type gaps struct {
	fail  float64   // logarithm of the probability to fail
	end   []float64 // the gap is at least g where u is at least end[g], to within beside; the last is the end of the table
	first []int32   // of each of equal parts of [0,1), a gap that none of it is below
}

// beside bounds by how far an entry of the table may lie beside where the gap changes: log1p and the quotient are off by
// less than 1e-15 of the gap, and the derivative of u by the gap is at most 1/gap.
const beside = 1e-14

// mostGaps is the most entries of a table, and gapParts how many parts of [0,1) it has.
const mostGaps, gapParts = 4096, 1024

// newGaps returns the gaps of a probability to fail, given by its logarithm. It makes a table where that is worth it for
// so many that are expected.
func newGaps(fail, expected float64) *gaps {
	g := &gaps{fail: fail}
	most := -math.Log(gapParts) / fail // gaps up to the last part, and of that no more than as many again
	if !(most >= 1 && 2*most < mostGaps && 16*(most+gapParts) < expected) {
		return g
	}
	for k := range int(2*most) + 2 {
		g.end = append(g.end, -math.Expm1(float64(k)*fail))
	}
	at := int32(0)
	for k := range gapParts {
		for g.end[at+1] <= float64(k)/gapParts {
			at++
		}
		g.first = append(g.first, at)
	}
	return g
}

// of returns the gap of u, and at most limit.
func (g *gaps) of(u float64, limit int) int {
	if g.first != nil {
		k := int(g.first[int(u*gapParts)])
		for k+1 < len(g.end) && u >= g.end[k+1] {
			k++
		}
		if k+1 < len(g.end) && u-g.end[k] > beside && g.end[k+1]-u > beside {
			return min(k, limit)
		}
	}
	return gap(u, g.fail, limit)
}

// gap returns how many trials fail before one succeeds, for a number u in [0,1) and the logarithm of the
// probability to fail, and at most limit.
func gap(u, fail float64, limit int) int {
	if math.IsInf(fail, -1) {
		return 0
	}
	if g := math.Log1p(-u) / fail; g < float64(limit) { // fail = 0 gives NaN or infinity
		return int(g)
	}
	return limit
}
