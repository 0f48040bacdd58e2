package engine

import (
	"fmt"

	"galvani/data"
)

// plan says which sample stands where in the batches of a set.
type plan struct {
	set      data.Set
	batch    int
	shuffle  bool
	stateful bool // column c of successive batches holds successive samples
	seed     uint64
	// own returns the columns [lo,hi) that this rank needs of a batch of a width; nil where it needs all.
	own func(width int) (lo, hi int)
}

// Columns says which of Len samples stands in which column of batches of a width: one batch after the other, or, with
// Stateful, column c of successive batches holds successive samples.
type Columns struct {
	Len, Batch int
	Stateful   bool
}

// Batches returns the number of batches, of which some columns may be empty.
func (c Columns) Batches() int { return (c.Len + c.Batch - 1) / c.Batch }

// Sample returns the place of the sample in column col of batch k, −1 beyond the last.
func (c Columns) Sample(k, col int) int {
	at := k*c.Batch + col
	if c.Stateful {
		at = col*c.Batches() + k
	}
	if at >= c.Len {
		return -1
	}
	return at
}

func (p plan) columns() Columns { return Columns{p.set.Len(), p.batch, p.stateful} }

// batches returns the number of batches of an epoch, the last of which may be incomplete.
func (p plan) batches() int { return p.columns().Batches() }

// order returns the permutation of an epoch, a function of seed and epoch alone; nil for the
// order of the set.
func (p plan) order(epoch int) []int {
	if !p.shuffle {
		return nil
	}
	order := make([]int, p.set.Len())
	newStream(p.seed, fmt.Sprintf("order of epoch %d", epoch)).Permute(order)
	return order
}

// fill writes batch k of an epoch into b, or the columns of this rank. Columns beyond the last sample are
// filled with zeros of weight 0.
func (p plan) fill(b *data.Batch, order []int, epoch, k int) error {
	lo, hi := 0, b.B
	if p.own != nil {
		lo, hi = p.own(b.B)
	}
	for col := lo; col < hi; col++ {
		at := p.sample(order, k, col)
		if at < 0 {
			blank(b, col)
			continue
		}
		if err := p.set.Fill(b, col, epoch, at); err != nil {
			return fmt.Errorf("engine: sample %d of epoch %d: %w", at, epoch, err)
		}
		for n := col; n < len(b.Weight); n += b.B {
			if b.Weight[n] < 0 {
				return fmt.Errorf("engine: sample %d of epoch %d: a target has the weight %v, want 0 or more: %w", at, epoch, b.Weight[n], data.ErrConfig)
			}
		}
	}
	return nil
}

// sample returns the number of the sample in column col of batch k, −1 beyond the last.
func (p plan) sample(order []int, k, col int) int {
	at := p.columns().Sample(k, col)
	if at >= 0 && order != nil {
		return order[at]
	}
	return at
}

// blank clears column col, weight included.
func blank(b *data.Batch, col int) {
	column(b.X, b.I, b.B, col)
	column(b.Mask, 1, b.B, col)
	column(b.Label, 1, b.B, col)
	column(b.Weight, 1, b.B, col)
	column(b.Value, b.O, b.B, col)
	if b.Decisions != nil {
		b.Decisions[col] = data.Decision{}
	}
}

// column clears rows col, col+b, … of n elements each.
func column(x []float32, n, b, col int) {
	for at := col * n; at < len(x); at += b * n {
		clear(x[at : at+n])
	}
}

// place is a batch of a run.
type place struct{ epoch, batch int }

// request is what a loader is asked for.
type request struct {
	place
	whole bool // also the columns that this rank does not need
}

// loader fills batches on a goroutine of its own while the batch before is in use. At most
// one call of Set.Fill is under way, and none after settle.
type loader struct {
	plan    plan
	bufs    [2]*data.Batch
	last    [2]*data.Batch // as wide as the last batch of an epoch
	asked   place
	pending bool // a request is under way or lies ready
	ready   *filled
	ask     chan request
	done    chan filled
}

type filled struct {
	batch *data.Batch
	err   error
}

// newLoader starts a loader; it runs until close.
func newLoader(t *data.Task, p plan) *loader {
	l := &loader{plan: p, ask: make(chan request), done: make(chan filled)}
	for i := range l.bufs {
		l.bufs[i] = data.NewBatch(t, p.batch)
		if l.last[i] = l.bufs[i]; p.lastWidth() != p.batch {
			l.last[i] = data.NewBatch(t, p.lastWidth())
		}
	}
	go l.run()
	return l
}

func (l *loader) run() {
	defer close(l.done)
	epoch, turn := -1, 0
	var order []int
	for at := range l.ask {
		if at.epoch != epoch {
			epoch, order = at.epoch, l.plan.order(at.epoch)
		}
		b := l.bufs[turn]
		if at.batch == l.plan.batches()-1 {
			b = l.last[turn]
		}
		turn = 1 - turn
		p := l.plan
		if at.whole {
			p.own = nil
		}
		l.done <- filled{b, p.fill(b, order, at.epoch, at.batch)}
	}
}

// prefetch starts to fill the batch at a place.
func (l *loader) prefetch(at place) { l.begin(request{place: at}) }

func (l *loader) begin(r request) {
	l.settle()
	l.asked, l.pending, l.ready = r.place, true, nil
	l.ask <- r
}

// settle waits until no Fill is under way.
func (l *loader) settle() {
	if l.pending && l.ready == nil {
		f := <-l.done
		l.ready = &f
	}
}

// next returns the batch at a place. It is valid until the second prefetch from then.
func (l *loader) next(at place) (*data.Batch, error) {
	if !l.pending || l.asked != at {
		l.prefetch(at)
	}
	l.settle()
	l.pending = false
	return l.ready.batch, l.ready.err
}

// again fills the whole batch at a place for a second look.
func (l *loader) again(at place) (*data.Batch, error) {
	l.begin(request{at, true})
	return l.next(at)
}

// close ends the goroutine.
func (l *loader) close() {
	l.settle()
	close(l.ask)
	<-l.done
}
