package engine

import (
	"errors"
	"fmt"

	"galvani/data"
	"galvani/engine/group"
	"galvani/kernels"
)

// shards makes the gradient of a batch from a fixed number of parts. Part k of n has the columns
// [k·B/n,(k+1)·B/n) of a batch of B. Gradient and loss are sums over parts, numerators and denominators
// apart, and the parts are added in pairs, so that no bit depends on which rank makes which part.
type shards struct {
	*graphs
	n, lo, hi int // parts in all, and those of this rank
	batches   map[int]*data.Batch
	grad      partSums // by level of group.Pairwise: Σ w·∂loss
	sums      []metricSums
	direct    bool // ranks exchange gradients from device to device
	asked     bool // whether they do
}

// partSums adds gradients of parts, where they are, by level of group.Pairwise.
type partSums interface {
	// put brings the gradient of the last run of a graph, times a weight, to a level; nil zeros.
	put(level int, g *Graph[float32], weight float64) error
	// add adds the level behind to a level.
	add(level int)
	// away reports whether they are in memory of a device, of which direct passes addresses to ranks.
	away() bool
	// total adds level 0, and y, over ranks.
	total(ranks group.Group, y []float64, direct bool) error
	// mean divides level 0 by the weight of the loss, and returns it where the optimiser takes it from host memory.
	mean(m Metrics) ([]float32, error)
}

// metricSums are Metrics as numbers that can be added over ranks.
type metricSums [6 + kernels.Penalties]float64

func sumsOf(m Metrics) metricSums {
	s := metricSums{m.LossSum, m.Weight, float64(m.Correct), float64(m.Count), float64(m.StepsRight), float64(m.Steps)}
	copy(s[6:], m.Penalised[:])
	return s
}

func (s metricSums) metrics() Metrics {
	m := Metrics{LossSum: s[0], Weight: s[1], Correct: int(s[2]), Count: int(s[3]), StepsRight: int(s[4]), Steps: int(s[5])}
	copy(m.Penalised[:], s[6:])
	return m
}

// newShards returns nil for a session that takes every batch as a whole.
//
// Errors: ErrOption for a number of ranks that cannot share the parts, and for batches that have fewer
// sequences than there are parts.
func newShards(g *graphs) (*shards, error) {
	n, ranks := g.Options.Shards, g.group()
	if g.Options.Stateful && ranks.Size() > 1 {
		return nil, fmt.Errorf("engine: stateful carries the state of whole batches, and there are %d ranks; start one process: %w", ranks.Size(), ErrOption)
	}
	lo, hi, err := group.Share(n, ranks.Rank(), ranks.Size())
	if err != nil {
		return nil, fmt.Errorf("engine: shards: %w; start another number of ranks, or give other shards: %w", err, ErrOption)
	}
	if a := g.Options.Accumulate; a > hi-lo {
		return nil, fmt.Errorf("engine: accumulate is %d, and each of %d ranks has %d of %d shards; make accumulate smaller, or begin with more shards: %w",
			a, ranks.Size(), hi-lo, n, ErrOption)
	}
	if n == 1 {
		return nil, nil
	}
	if b := g.fullWidth(g.Task.Train); b < n {
		return nil, fmt.Errorf("engine: batches of %d sequences cannot be divided into %d shards; make batch larger or shards smaller: %w", b, n, ErrOption)
	}
	if g.Options.Stateful {
		return nil, fmt.Errorf("engine: shards is %d, and stateful carries the state of whole batches; take shards = 1: %w", n, ErrOption)
	}
	d := &shards{graphs: g, n: n, lo: lo, hi: hi, batches: map[int]*data.Batch{}}
	d.sums = make([]metricSums, group.Levels(hi-lo))
	if _, away := g.Device.(kernels.Resident); !away { // newDeviceSteps makes those of a device
		d.grad = newHostSums(len(d.sums), len(g.Params.Learned()))
	}
	return d, nil
}

// group returns the ranks of the run.
func (c Config) group() group.Group {
	if c.Group == nil {
		return group.Alone{}
	}
	return c.Group
}

// widest returns the largest number of columns of a part.
func (o Options) widest(batch int) int {
	shards := max(1, o.Shards)
	return (batch + shards - 1) / shards
}

// of makes the gradient of the mean loss of a batch, and returns it where it is in host memory, in which it stays valid until
// the next call, and what the loss is made of.
//
// Errors: those of the device and of the other ranks.
func (d *shards) of(b *data.Batch) ([]float32, Metrics, error) {
	err := group.Pairwise(d.lo, d.hi, 0, func(part, level int) error { return d.run(b, part, level) }, d.add)
	if err == nil {
		err = d.agree()
	}
	if err == nil {
		err = d.grad.total(d.group(), d.sums[0][:], d.direct)
	}
	if err != nil {
		return nil, Metrics{}, err
	}
	m := d.sums[0].metrics()
	grad, err := d.grad.mean(m)
	return grad, m, err
}

// agree asks once whether all ranks have their gradients on a device, and all libraries take its addresses.
//
// Errors: ErrOption on all ranks where some have them in host memory, as the norm of a gradient is added in another order on a
// device, and all ranks must clip alike.
func (d *shards) agree() error {
	size := float64(d.group().Size())
	if d.asked || size == 1 {
		return nil
	}
	away, direct := 0.0, 0.0
	if d.grad.away() {
		away = 1
		if d.group().Direct() {
			direct = 1
		}
	}
	votes := []float64{away, direct}
	if err := d.group().Sum(nil, votes); err != nil {
		return err
	}
	if votes[0] > 0 && votes[0] < size {
		return fmt.Errorf("engine: %v of %v ranks compute on a GPU and the others on a CPU, whose updates may differ in a bit; give all ranks the same device, such as cpu: %w", votes[0], size, ErrOption)
	}
	d.asked, d.direct = true, votes[1] == size
	return nil
}

// SumGradients adds over all ranks once more what the last update has left of its gradient, as an update does. It is there to
// be timed, and leaves a gradient of no use.
//
// Errors: those of the device and of the other ranks.
func (s *Session) SumGradients() error {
	by, ok := s.learner.(*descent)
	if !ok {
		return nil
	}
	g, ok := by.rule.(*graphs)
	if !ok || g.shards == nil {
		return nil
	}
	var y metricSums
	return g.shards.grad.total(g.group(), y[:], g.shards.direct)
}

func (d *shards) add(level int) {
	d.grad.add(level)
	group.Add(d.sums[level][:], d.sums[level+1][:])
}

// run puts the sums of a part at a level.
func (d *shards) run(b *data.Batch, part, level int) error {
	g, own, err := d.load(b, part)
	if err != nil {
		return err
	}
	if g == nil {
		d.sums[level] = metricSums{}
		return d.grad.put(level, nil, 0)
	}
	if err := g.Run(); err != nil {
		return err
	}
	m, err := g.measure(own)
	if err != nil {
		return err
	}
	d.sums[level] = sumsOf(m)
	return d.grad.put(level, g, m.Weight)
}

// columns returns the first column of part k of n of a batch of a width.
func columns(k, n, width int) int { return k * width / n }

// load brings a part of a batch into the graph for it; a nil graph for a part without columns.
func (d *shards) load(b *data.Batch, part int) (*Graph[float32], *data.Batch, error) {
	lo, hi := columns(part, d.n, b.B), columns(part+1, d.n, b.B)
	if lo == hi {
		return nil, nil, nil
	}
	g, err := d.graph(d.train, hi-lo)
	if err != nil {
		return nil, nil, err
	}
	own := d.batches[hi-lo]
	if own == nil {
		own = data.NewBatch(d.Task, hi-lo)
		d.batches[hi-lo] = own
	}
	own.Columns(b, lo)
	g.first = lo
	return g, own, g.Load(own)
}

// examine runs every part of a batch once more, those of other ranks, too, and returns an error that
// names the first tensor that is not finite.
func (d *shards) examine(b *data.Batch) error {
	var last error
	for part := range d.n {
		g, own, err := d.load(b, part)
		if err != nil {
			return err
		}
		if g == nil {
			continue
		}
		if err := g.Run(); err != nil {
			return err
		}
		last = d.diagnose(g, own)
		if named := (*NotFiniteError)(nil); errors.As(last, &named) {
			return last
		}
	}
	return last
}
