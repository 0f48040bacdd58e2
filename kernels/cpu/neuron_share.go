//go:build cgo

package cpu

import "math"

// neuronPiece is a block of sequences, b0 ≤ b < b0+live, over the steps first ≤ t < end of the scan.
type neuronPiece struct {
	b0, live   int
	vectors    int // of a row
	first, end int
	// A vector that two workers share is handed over: the piece behind the one of give, which waits for it on the way
	// forward, has take. On the way back the piece of give waits for that of take.
	give, take chan struct{}
}

// mostVectors is how many vectors of sequences are in a block at most: enough to hide what one waits
// for in the solver, and so few that a block stays in the second-level cache.
const mostVectors = 8

// Costs in the time that a step of integration takes for a vector beside others: what one waits for in a step of a block,
// and what it costs to bring in and out the state of a vector.
const (
	waitCost  = 1
	stateCost = 6
)

// leastShare is what sharing a vector must save at least.
const leastShare = 0.02

// shareNeuron divides vectors evenly among workers, and those of a worker over as many blocks as each needs. It returns how
// many are in the largest, which is more than in the last block of a worker that has one less than another.
func shareNeuron(vectors, workers int) (blocks [][]int, most int) {
	blocks = make([][]int, workers)
	share := (vectors + workers - 1) / workers
	done := 0
	for i := range blocks {
		end := (i + 1) * vectors / workers
		for left := (share + mostVectors - 1) / mostVectors; left > 0; left-- {
			n := (end - done + left - 1) / left
			blocks[i] = append(blocks[i], n)
			most = max(most, n)
			done += n
		}
	}
	return blocks, most
}

// pieces returns what workers do, in their order on the way forward, of blocks of shareNeuron for so many sequences in
// vectors of lanes, over the steps of a scan. Where each worker that has a vector more than others is behind one that has not, it hands it
// over within the scan, after a whole number of units of steps: it begins with the block of the vector, and the other ends with
// it. Before, the other takes the vector, alone, to the step at which the rest of its block is.
func pieces(blocks [][]int, sequences, lanes, steps, unit, substeps int) [][]neuronPiece {
	of := make([][]neuronPiece, len(blocks))
	sizes, b0 := make([]int, len(blocks)), 0
	for i, own := range blocks {
		for _, n := range own {
			of[i] = append(of[i], neuronPiece{b0: b0, live: min(n*lanes, sequences-b0), vectors: n, end: steps})
			b0 += n * lanes
			sizes[i] += n
		}
	}
	var givers []int // each behind the worker that takes
	for i := range sizes {
		if i > 0 && sizes[i] > sizes[i-1] {
			givers = append(givers, i)
		} else if sizes[i] > sizes[0] {
			return of // it would be the last
		}
	}
	for _, i := range givers {
		if give, join, ok := handOver(blocks[i-1], blocks[i], steps, unit, substeps); ok {
			of[i-1], of[i] = handed(of[i-1], of[i], lanes, give, join)
		}
	}
	return of
}

// handed divides the first block of more, of which the first vector is handed over behind step give and joins the last block of less,
// its neighbour in the batch, behind step join.
func handed(less, more []neuronPiece, lanes, give, join int) (a, b []neuronPiece) {
	over := make(chan struct{}, 1)
	last, whole := less[len(less)-1], more[0]
	vector := neuronPiece{b0: whole.b0, live: min(lanes, whole.live), vectors: 1}

	joint, rest := whole, whole
	joint.end, joint.give = give, over
	rest.first, rest.b0, rest.live, rest.vectors = give, whole.b0+lanes, whole.live-lanes, whole.vectors-1
	b = append(b, joint)
	if rest.vectors > 0 {
		b = append(b, rest)
	}
	b = append(b, more[1:]...)

	alone, late, both := last, vector, last
	alone.end, late.first, late.end, late.take = join, give, join, over
	both.first, both.live, both.vectors = join, last.live+vector.live, last.vectors+1
	a = append(a, less[:len(less)-1]...)
	a = append(a, alone)
	if join > give {
		a = append(a, late)
	} else {
		both.take = over
	}
	if join < last.end {
		a = append(a, both)
	}
	return a, b
}

// handOver returns behind which steps a vector of more is handed over and joins the last block of less, so that both end
// soonest, and whether that saves enough.
func handOver(less, more []int, steps, unit, substeps int) (give, join int, ok bool) {
	cost := func(n, steps int) float64 {
		if n == 0 || steps == 0 {
			return 0
		}
		return float64((n+waitCost)*steps*substeps + stateCost*n)
	}
	all := func(blocks []int) (sum float64) {
		for _, n := range blocks {
			sum += cost(n, steps)
		}
		return sum
	}
	base, first := less[len(less)-1], more[0]
	before, behind := all(less[:len(less)-1]), all(more[1:])
	best := max(all(less), all(more)) * (1 - leastShare)
	for g := unit; g < steps; g += unit {
		ready := cost(first, g)
		// The rest of the block goes on until the vector is there.
		way := (ready - before) / float64((base+waitCost)*substeps)
		j := min(steps, max(g, int(math.Ceil(way/float64(unit)))*unit))
		at := max(before+cost(base, j), ready) + cost(1, j-g) + cost(base+1, steps-j)
		if t := max(at, ready+cost(first-1, steps-g)+behind); t < best {
			best, give, join, ok = t, g, j, true
		}
	}
	return give, join, ok
}
