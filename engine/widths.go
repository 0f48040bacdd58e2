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
func (c Config) fullWidth(set data.Set) int {
	o := c.Options
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

// graph returns the graph for batches of b sequences that otherwise is the one given. It is compiled when it
// is first asked for. Where no batch of the session has that many, it returns that, which refuses them.
func (g *graphs) graph(like *Graph[float32], b int) (*Graph[float32], error) {
	if b == like.cfg.B || b > g.Options.Batch || g.Options.Stateful {
		return like, nil
	}
	key := widthOf{b, like.cfg.Grad}
	if other := g.others[key]; other != nil {
		return other, nil
	}
	cfg := like.cfg
	cfg.B = b
	other, err := NewGraph(cfg, g.Params)
	if err != nil {
		return nil, err
	}
	if g.others == nil {
		g.others = map[widthOf]*Graph[float32]{}
	}
	g.others[key] = other
	return other, nil
}

// forTest returns the batch of b sequences that evaluations fill.
func (s *Session) forTest(p plan, b int) *data.Batch {
	own := &s.batch
	if b != p.batch {
		own = &s.narrow
	}
	if *own == nil || (*own).B != b {
		*own = data.NewBatch(s.cfg.Task, b)
	}
	return *own
}
