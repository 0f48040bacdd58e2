package engine

import "galvani/data"

// A graph is compiled for a number of sequences, its width, and takes the time and memory of all of
// them. So a session has one for full batches, which are no wider than the set, and others for the
// batches that an epoch ends with.

// width returns how many sequences batch k of an epoch has. Where state is carried from batch to batch
// every batch has all columns.
func (p plan) width(k int) int {
	if p.stateful {
		return p.batch
	}
	return min(p.batch, p.set.Len()-k*p.batch)
}

// lastWidth returns that of the last batch of an epoch.
func (p plan) lastWidth() int { return p.width(p.batches() - 1) }

// fullWidth returns the width of full batches of a set, which may be nil.
func (s *Session) fullWidth(set data.Set) int {
	o := s.cfg.Options
	if o.Stateful || set == nil || set.Len() < 1 {
		return o.Batch
	}
	return min(o.Batch, set.Len())
}

// widthOf names a graph by what it is for: batches of b sequences, with or without gradients.
type widthOf struct {
	b    int
	grad bool
}

// graph returns the graph for batches of b sequences that otherwise is like g. It is compiled when it
// is first asked for. Where no batch of the session has that many, it returns g, which refuses them.
func (s *Session) graph(g *Graph[float32], b int) (*Graph[float32], error) {
	if b == g.cfg.B || b > s.cfg.Options.Batch || s.cfg.Options.Stateful {
		return g, nil
	}
	key := widthOf{b, g.cfg.Grad}
	if other := s.others[key]; other != nil {
		return other, nil
	}
	cfg := g.cfg
	cfg.B = b
	other, err := NewGraph(cfg, s.params)
	if err != nil {
		return nil, err
	}
	if s.others == nil {
		s.others = map[widthOf]*Graph[float32]{}
	}
	s.others[key] = other
	return other, nil
}

// forTest returns the graph of evaluations for batches of b sequences, and such a batch.
func (s *Session) forTest(b int) (*Graph[float32], *data.Batch, error) {
	g, err := s.graph(s.test, b)
	if err != nil || g == s.test {
		return g, s.batch, err
	}
	if s.narrow == nil || s.narrow.B != b {
		s.narrow = data.NewBatch(s.cfg.Task, b)
	}
	return g, s.narrow, nil
}
