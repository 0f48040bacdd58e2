package main

import (
	"fmt"
	"math"

	"galvani/data"
	"galvani/engine"
)

// sweep runs the first n samples of a set through the network, forward only, and gives visit
// the number of each sample, its batch with its column, and its logits: [O], or [T,O] with
// every. Every asks for the read-out at all steps also where the task has one target.
func (j *job) sweep(set data.Set, n int, every bool, visit func(index int, b *data.Batch, col int, logits []float32)) error {
	t := j.task
	graph, err := engine.NewGraph(engine.GraphConfig{Net: j.net, Device: j.place.dev, T: t.T, B: j.opt.Batch, I: t.I,
		Goal: t.Goal, Every: every, Masked: t.Masked}, j.session.Params())
	if err != nil {
		return err
	}
	defer graph.Close()
	rows := 1
	if every {
		rows = t.T
	}
	given := data.NewBatch(t, j.opt.Batch)
	all := *t
	all.Every = every
	fed := data.NewBatch(&all, j.opt.Batch)
	fed.X, fed.Mask = given.X, given.Mask // targets stay 0: the loss is not looked at
	logits := make([]float32, rows*given.B*t.O)
	one := make([]float32, rows*t.O)
	for first := 0; first < n; first += given.B {
		size := min(given.B, n-first)
		for col := range size {
			if err := set.Fill(given, col, 0, first+col); err != nil {
				return err
			}
		}
		if err := graph.Load(fed); err != nil {
			return err
		}
		if err := graph.Run(); err != nil {
			return err
		}
		if err := graph.Logits(logits); err != nil {
			return err
		}
		for col := range size {
			for row := range rows {
				copy(one[row*t.O:(row+1)*t.O], logits[(row*given.B+col)*t.O:])
			}
			visit(first+col, given, col, one)
		}
	}
	return nil
}

// confusion counts for each true class (row) how often each class was named, over all targets
// that count.
func (j *job) confusion(set data.Set) ([][]int, error) {
	o := j.task.O
	counts := make([][]int, o)
	for i := range counts {
		counts[i] = make([]int, o)
	}
	err := j.sweep(set, set.Len(), j.task.Every, func(_ int, b *data.Batch, col int, logits []float32) {
		for row := range len(logits) / o {
			n := row*b.B + col
			if b.Weight[n] != 0 {
				counts[int(b.Label[n])][argmax(logits[row*o:(row+1)*o])]++
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("confusion matrix: %w", err)
	}
	return counts, nil
}

func argmax(x []float32) int {
	at := 0
	for i, v := range x {
		if v > x[at] {
			at = i
		}
	}
	return at
}

// probability returns the softmax probability of class k.
func probability(logits []float32, k int) float64 {
	top := float64(logits[argmax(logits)])
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - top)
	}
	return math.Exp(float64(logits[k])-top) / sum
}
