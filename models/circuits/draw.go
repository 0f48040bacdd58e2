package circuits

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"galvani/kernels"
	"galvani/kernels/monitor"
	"galvani/kernels/random"
	"galvani/kernels/sparse"
)

// Draw draws the network for a seed: potentials from the stream of their population, entries from that of the
// names of two.
//
// Errors: those of package sparse.
func (b *Blueprint) Draw(seed uint64) (*kernels.Circuit, error) { return b.DrawOn(seed, nil) }

// DrawOn draws what a rank has of the network of Draw: all populations, and the connections to its own units alone, which
// are the same on any number of ranks. All ranks call it, each with itself; nil stands for one rank.
//
// Errors: those of package sparse, the first of any rank on all; those of the ranks.
func (b *Blueprint) DrawOn(seed uint64, ranks kernels.Ranks) (*kernels.Circuit, error) {
	c := &kernels.Circuit{Step: b.Step, Seed: seed, Currents: b.Currents, Probes: b.Probes, Ranks: ranks}
	key := random.New(seed)
	for _, p := range b.Populations {
		q := p.Population
		if p.Potentials != nil {
			q.Start = make([]float64, p.N)
			for u := range q.Start {
				q.Start[u] = p.Potentials.at(key.Named("start of "+p.Name), u)
			}
		}
		c.Populations = append(c.Populations, q)
	}
	c.Projections = make([]kernels.Projection, len(b.Connections))
	wrong := make([]error, len(b.Connections))
	each(len(b.Connections), func(i int) {
		q := b.Connections[i]
		if q.Regenerated {
			c.Projections[i] = b.regenerated(q, key)
			return
		}
		m, err := b.matrix(q, key.Named(q.stream), b.part(q, c))
		if err != nil {
			m, wrong[i] = &sparse.Matrix{}, fmt.Errorf("circuits: %s: %w", q.stream, err)
		}
		c.Projections[i] = kernels.Projection{From: q.From, To: q.To, Synapse: q.Synapse, Matrix: m, Plasticity: q.Plasticity}
	})
	shares, err := b.shares(c, errors.Join(wrong...))
	if err != nil {
		return nil, err
	}
	each(len(b.Connections), func(i int) {
		p, q := &c.Projections[i], b.Connections[i]
		if q.Regenerated {
			return
		}
		first, n := 0, p.Matrix.Len()
		if shares != nil {
			p.Share = shares[i]
			if first = p.Share.First(ranks.Rank()); p.Len() == 1 { // which is on all ranks the number for all
				first, n = 0, 1
			}
		}
		p.Weight, p.Delay = q.weights(first, n, key), b.delays(q, first, n, key)
	})
	return c, b.shareDelays(c)
}

// each calls f for 0 to n-1, as many at once as there are processors.
func each(n int, f func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, monitor.Cores()) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		}()
	}
	wait.Wait()
}

// Entries draws all entries of a connection, those of all ranks, with their weights.
//
// Errors: those of package sparse.
func (b *Blueprint) Entries(connection int, seed uint64) (*sparse.Matrix, []float64, error) {
	q, key := b.Connections[connection], random.New(seed)
	m, err := b.matrix(q, key.Named(q.stream), sparse.Whole(b.Populations[q.To].N))
	if err != nil {
		return nil, nil, fmt.Errorf("circuits: %s: %w", q.stream, err)
	}
	return m, q.weights(0, m.Len(), key), nil
}

// part returns the rows of a connection that a rank draws.
func (b *Blueprint) part(q Connection, c *kernels.Circuit) sparse.Part {
	rows := sparse.Whole(b.Populations[q.To].N)
	if c.Spread() {
		rows.First, rows.Last = kernels.RankUnits(rows.Rows, c.Ranks.Rank(), c.Ranks.Size())
	}
	return rows
}

// shares tells all ranks how many entries each has of each projection; nil for one rank. wrong is why this rank has not.
func (b *Blueprint) shares(c *kernels.Circuit, wrong error) ([]*kernels.Share, error) {
	if !c.Spread() {
		return nil, wrong
	}
	own := make([]int, len(c.Projections))
	for i, p := range c.Projections {
		own[i] = p.Matrix.Len()
	}
	all, err := gather(c.Ranks, own, wrong)
	if err != nil {
		return nil, err
	}
	shares := make([]*kernels.Share, len(c.Projections))
	for i, q := range b.Connections {
		if q.Regenerated {
			continue
		}
		s := &kernels.Share{}
		for _, entries := range all {
			s.Entries = append(s.Entries, entries[i])
		}
		one := s.First(len(s.Entries)) == 1
		s.Counts = (one || q.Weight.Form == Same && q.Rule != Digits) && (one || q.Delay.Form == Same) && q.Plasticity == nil
		shares[i] = s
	}
	return shares, nil
}

// shareDelays tells all ranks the shortest and the longest delay of each projection.
func (b *Blueprint) shareDelays(c *kernels.Circuit) error {
	if !c.Spread() {
		return nil
	}
	own := make([]int, 2*len(c.Projections))
	for i, p := range c.Projections {
		p.Share = nil // of which those are not known yet
		own[2*i], own[2*i+1] = p.Delays()
	}
	all, err := gather(c.Ranks, own, nil)
	if err != nil {
		return err
	}
	for i, p := range c.Projections {
		if p.Share == nil {
			continue
		}
		for _, ends := range all {
			if shortest, longest := ends[2*i], ends[2*i+1]; longest > 0 {
				if p.Share.Longest == 0 {
					p.Share.Shortest = shortest
				}
				p.Share.Shortest, p.Share.Longest = min(p.Share.Shortest, shortest), max(p.Share.Longest, longest)
			}
		}
	}
	return nil
}

// gather returns the numbers that each rank brings, as many as this one.
//
// Errors: what is wrong on this rank, or on the first where something is; those of the ranks.
func gather(ranks kernels.Ranks, own []int, wrong error) ([][]int, error) {
	message := []byte{0}
	if wrong != nil {
		message = append([]byte{1}, wrong.Error()...)
	}
	for _, n := range own {
		message = binary.LittleEndian.AppendUint64(message, uint64(n))
	}
	came, err := ranks.Gather(message)
	if err = errors.Join(wrong, err); err != nil {
		return nil, err
	}
	all := make([][]int, len(came))
	for rank, b := range came {
		if b[0] != 0 {
			return nil, fmt.Errorf("%s, on rank %d: %w", b[1:len(b)-8*len(own)], rank, sparse.ErrShape)
		}
		for b = b[1:]; len(b) > 0; b = b[8:] {
			all[rank] = append(all[rank], int(binary.LittleEndian.Uint64(b)))
		}
	}
	return all, nil
}

// matrix draws a part of the entries of a connection.
func (b *Blueprint) matrix(q Connection, key random.Stream, of sparse.Part) (*sparse.Matrix, error) {
	from := b.Populations[q.From].N
	diagonal := q.Autapses || q.From != q.To
	switch q.Rule {
	case InDegree:
		return of.FixedIn(from, q.Degree, diagonal, key)
	case AllToAll:
		return of.AllToAll(from, diagonal)
	case OneToOne:
		return sparse.OneToOne(of.Rows).Only(of.First, of.Last), nil
	case MeanInDegree:
		return of.Total(from, q.Entries, diagonal, key)
	case Edges:
		return q.Edges.Only(of.First, of.Last), nil
	case Digits:
		return digits(of.Rows, q.Degree).Only(of.First, of.Last), nil
	}
	return of.Probability(from, q.P, diagonal, key)
}

// weights draws the weights of n entries from the first one on. One whose sign is not that of the mean is 0, and a
// plastic one beyond the largest is that.
func (q Connection) weights(first, n int, key random.Stream) []float64 {
	if q.Weight.Form == Same && q.Rule != Digits {
		return []float64{q.Weight.A}
	}
	all := make([]float64, n)
	if q.Rule == Digits {
		for k := range all {
			all[k] = math.Ldexp(q.Weight.A, (first+k)%q.Degree)
		}
		return all
	}
	key = key.Named("weights of " + q.stream)
	kernels.InChunks(n, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			if w := q.Weight.at(key, first+k); w*q.Weight.Mean() > 0 {
				all[k] = w
			}
			if p := q.Plasticity; p != nil && all[k]*p.Sign > p.Most {
				all[k] = p.Sign * p.Most
			}
		}
	})
	return all
}

// delays draws the delays of n entries from the first one on, in steps.
func (b *Blueprint) delays(q Connection, first, n int, key random.Stream) []uint16 {
	if q.Delay.Form == Same {
		return []uint16{uint16(b.steps(q.Delay.A))}
	}
	all := make([]uint16, n)
	key = key.Named("delays of " + q.stream)
	kernels.InChunks(n, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			all[k] = uint16(b.steps(q.Delay.at(key, first+k)))
		}
	})
	return all
}
