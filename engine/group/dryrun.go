package group

import (
	"fmt"
	"sync"
)

// DryRun returns n ranks that are goroutines of this process: the double of a run on n machines.
func DryRun(n int) []Group {
	m := &meeting{waiting: make([]vectors, n)}
	m.met = sync.NewCond(&m.mu)
	ranks := make([]Group, n)
	for i := range ranks {
		ranks[i] = &member{meeting: m, rank: i}
	}
	return ranks
}

// vectors are what a rank brings to a call.
type vectors struct {
	x []float32
	y []float64
}

// meeting is where the ranks of a dry run exchange vectors.
type meeting struct {
	mu      sync.Mutex
	met     *sync.Cond
	waiting []vectors // of each rank that has come
	come    int
	round   int
	err     error // of Abort, or of the round
}

// member is one rank of a dry run.
type member struct {
	*meeting
	rank int
}

func (m *member) Rank() int { return m.rank }
func (m *member) Size() int { return len(m.waiting) }

func (m *member) Sum(x []float32, y []float64) error { return m.exchange(vectors{x, y}, addAll) }
func (m *member) Bcast(y []float64) error            { return m.exchange(vectors{y: y}, nil) }

func (m *member) Abort(cause error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.err = fmt.Errorf("group: rank %d has left: %w", m.rank, cause)
	}
	m.met.Broadcast()
}

// exchange waits for all ranks. The last one to come combines the vectors into those of rank 0, and
// gives every rank a copy of these.
func (m *member) exchange(v vectors, combine func([]vectors)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.waiting[m.rank] = v
	if m.come++; m.come < len(m.waiting) {
		for round := m.round; m.round == round && m.err == nil; {
			m.met.Wait()
		}
		return m.err
	}
	for r, o := range m.waiting {
		if len(o.x) != len(v.x) || len(o.y) != len(v.y) {
			m.err = fmt.Errorf("group: rank %d brings %d and %d numbers, rank %d %d and %d", r, len(o.x), len(o.y), m.rank, len(v.x), len(v.y))
			m.met.Broadcast()
			return m.err
		}
	}
	if combine != nil {
		combine(m.waiting)
	}
	for _, o := range m.waiting[1:] {
		copy(o.x, m.waiting[0].x)
		copy(o.y, m.waiting[0].y)
	}
	m.come = 0
	m.round++
	m.met.Broadcast()
	return nil
}

// addAll leaves the sum of all vectors, added in pairs, in the first.
func addAll(v []vectors) {
	for n := 1; n < len(v); n *= 2 {
		for i := 0; i+n < len(v); i += 2 * n {
			Add(v[i].x, v[i+n].x)
			Add(v[i].y, v[i+n].y)
		}
	}
}
