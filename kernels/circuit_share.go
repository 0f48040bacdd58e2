package kernels

// Share is what the ranks have in common of a projection of which each has the entries of its own units alone.
type Share struct {
	Entries           []int // of each rank, in the order of the units
	Shortest, Longest int   // delay of all entries in steps
	Counts            bool  // Counts of the projection with the entries of all ranks
}

// First returns how many entries the ranks before one have.
func (s *Share) First(rank int) (first int) {
	for _, n := range s.Entries[:rank] {
		first += n
	}
	return first
}

// RankWords returns the range [lo,hi) of n words of units that one of so many ranks steps.
func RankWords(n, rank, ranks int) (lo, hi int) { return n * rank / ranks, n * (rank + 1) / ranks }

// RankUnits returns the range [lo,hi) of n units that one of so many ranks steps, whole words of 64.
func RankUnits(n, rank, ranks int) (lo, hi int) {
	lo, hi = RankWords((n+63)/64, rank, ranks)
	return min(64*lo, n), min(64*hi, n)
}

// Len returns the number of entries, those of all ranks.
func (p Projection) Len() int {
	if p.Share == nil {
		return p.Matrix.Len()
	}
	return p.Share.First(len(p.Share.Entries))
}

// Delays returns the shortest and the longest delay of all entries in steps, 0 of none.
func (p Projection) Delays() (shortest, longest int) {
	if p.Share != nil {
		return p.Share.Shortest, p.Share.Longest
	}
	for k, d := range p.Delay {
		if k == 0 {
			shortest = int(d)
		}
		shortest, longest = min(shortest, int(d)), max(longest, int(d))
	}
	return shortest, longest
}

// Shared returns what a rank has of a projection with all entries: those into its own units. One whose entries are drawn
// again in each step stays as it is.
func (p Projection) Shared(rank, ranks int) Projection {
	if p.Drawn != nil {
		return p
	}
	s := &Share{Counts: p.Counts()}
	s.Shortest, s.Longest = p.Delays()
	for k := range ranks {
		lo, hi := RankUnits(p.Matrix.Rows, k, ranks)
		s.Entries = append(s.Entries, int(p.Matrix.Start[hi]-p.Matrix.Start[lo]))
	}
	lo, hi := RankUnits(p.Matrix.Rows, rank, ranks)
	first := s.First(rank)
	end := first + s.Entries[rank]
	p.Matrix, p.Share = p.Matrix.Only(lo, hi), s
	if len(p.Weight) > 1 {
		p.Weight = p.Weight[first:end]
	}
	if len(p.Delay) > 1 {
		p.Delay = p.Delay[first:end]
	}
	return p
}

// checkShare wants the entries of a projection to be those of a rank where it has a Share.
func (c *Circuit) checkShare(at string, p Projection) error {
	if p.Share == nil {
		return nil
	}
	if !c.Spread() || len(p.Share.Entries) != c.Ranks.Size() || p.Drawn != nil {
		return circuitError("%s: it has the entries of one of %d ranks, want those of the ranks that run the circuit", at, len(p.Share.Entries))
	}
	lo, hi := RankUnits(p.Matrix.Rows, c.Ranks.Rank(), c.Ranks.Size())
	if m := p.Matrix; m.Start[lo] != 0 || int(m.Start[hi]) != m.Len() || m.Len() != p.Share.Entries[c.Ranks.Rank()] {
		return circuitError("%s: it has other entries than those into the units %d to %d of this rank", at, lo, hi-1)
	}
	return nil
}
