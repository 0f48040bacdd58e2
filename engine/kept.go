package engine

import (
	"fmt"

	"galvani/data"
	"galvani/kernels"
)

// keepShare is the part of a device's free memory, 1/keepShare, that a kept set may take.
const keepShare = 4

// kept is a set whose samples lie on the device, from where batches are put together.
type kept struct {
	plan    plan
	samples kernels.Samples
	trials  []data.Decision // of the samples, where they are trials
	batch   *data.Batch     // what take returns
	epoch   int
	order   []int
	index   []int32
}

// keep puts the set of a plan on the device of g. It returns nil where the device has no
// memory of its own, the set draws new samples each epoch, or the memory is too small.
func keep(g *Graph[float32], t *data.Task, p plan, fixed bool) (*kept, error) {
	dev := g.inputs.dev
	if dev == nil || !fixed {
		return nil, nil
	}
	one := data.NewBatch(t, 1) // with one column, each array is that of the sample
	fields := []struct {
		to  kernels.Mirror
		arr []float32
		T   int
	}{
		{g.inputs.of(g.seq.X), one.X, t.T}, {g.inputs.of(g.seq.Mask), one.Mask, t.T},
		{g.inputs.of(g.targets), one.Label, len(one.Weight)}, {g.inputs.of(g.targets), one.Value, len(one.Weight)},
		{g.inputs.of(g.weights), one.Weight, len(one.Weight)},
	}
	n, size := p.set.Len(), 0
	for _, f := range fields {
		size += len(f.arr)
	}
	if bytes := 4 * int64(n) * int64(size); bytes > dev.Usage().Free/keepShare {
		return nil, nil
	}
	all := make([][]float32, len(fields))
	for k, f := range fields {
		all[k] = make([]float32, 0, n*len(f.arr))
	}
	var decisions []data.Decision
	for i := range n {
		if err := p.set.Fill(one, 0, 0, i); err != nil {
			return nil, fmt.Errorf("engine: sample %d: %w", i, err)
		}
		decisions = append(decisions, one.Decisions...)
		for k, f := range fields {
			all[k] = append(all[k], f.arr...)
		}
	}
	var list []kernels.SampleField
	for k, f := range fields {
		if len(f.arr) > 0 {
			list = append(list, kernels.SampleField{To: f.to, T: f.T, B: p.batch, W: len(f.arr) / f.T, From: all[k]})
		}
	}
	samples, err := dev.NewSamples(n, list)
	if err != nil {
		return nil, err
	}
	batch := &data.Batch{T: t.T, B: p.batch, I: t.I, O: t.O, Every: t.Every}
	if t.Trials {
		batch.Decisions = make([]data.Decision, p.batch)
	}
	return &kept{plan: p, samples: samples, trials: decisions, batch: batch, epoch: -1, index: make([]int32, p.batch)}, nil
}

// away reports whether the arrays of a batch are in the inputs of a graph on a device, and not in the
// batch.
func away(b *data.Batch) bool { return b.X == nil }

// take queues the batch at a place into the inputs of the graph, and returns what the host knows of it:
// its shape and decisions.
func (k *kept) take(at place) (*data.Batch, error) {
	if at.epoch != k.epoch {
		k.epoch, k.order = at.epoch, k.plan.order(at.epoch)
	}
	for col := range k.index {
		k.index[col] = int32(k.plan.sample(k.order, at.batch, col))
	}
	for col := range k.batch.Decisions {
		k.batch.Decisions[col] = data.Decision{}
		if i := k.index[col]; i >= 0 {
			k.batch.Decisions[col] = k.trials[i]
		}
	}
	return k.batch, k.samples.Take(k.index)
}
