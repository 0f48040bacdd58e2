package main

import (
	"context"
	"math"
	"math/rand/v2"

	"galvani/data"
	"galvani/engine"
)

// stateNoise is Gaussian noise on h, added before every step of a sequence.
type stateNoise struct {
	units []int
	sigma float64 // standard deviation, in the unit of h
	seed  uint64
}

// measureNoisy is measure of a network whose state is disturbed. Loss and accuracy are computed
// here, from the logits, by the equations of kernels.CrossEntropy and kernels.MeanSquare.
func (j *job) measureNoisy(ctx context.Context, n stateNoise) (scoreJSON, []trials, error) {
	var m engine.Metrics
	c := tally{at: map[float64]*trials{}}
	c.set, _ = j.task.Test.(data.Trials)
	err := j.noisySweep(ctx, j.task.Test, n, func(index int, b *data.Batch, col int, logits []float32) {
		if c.set != nil {
			c.add(index, logits, j.task.O)
		}
		if !j.task.Every {
			logits = logits[len(logits)-j.task.O:]
		}
		m.Add(columnScore(b, col, logits))
	})
	if err == nil && (math.IsNaN(m.LossSum) || math.IsInf(m.LossSum, 0)) {
		err = engine.ErrNotFinite
	}
	return newScore(m), c.list(), err
}

// columnScore is the metrics of column col of a batch with the logits of its targets.
func columnScore(b *data.Batch, col int, logits []float32) engine.Metrics {
	var m engine.Metrics
	for row := range len(logits) / b.O {
		n, x := row*b.B+col, logits[row*b.O:(row+1)*b.O]
		w := float64(b.Weight[n])
		if w == 0 {
			continue
		}
		loss := 0.0
		if b.Label == nil {
			for o, v := range x {
				d := float64(v) - float64(b.Value[n*b.O+o])
				loss += d * d / float64(b.O)
			}
		} else {
			label := int(b.Label[n])
			loss = logSum(x) - float64(x[label])
			m.Count++
			if argmax(x) == label {
				m.Correct++
			}
		}
		m.LossSum += w * loss
		m.Weight += w
	}
	return m
}

// logSum returns log Σ exp x.
func logSum(x []float32) float64 {
	top, sum := float64(x[argmax(x)]), 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}

// noisySweep runs all samples of a set step by step, with noise on the state before every
// step of a sequence, and gives visit the number of each, its batch with its column, and its
// logits [T,O]. The noise of a sample depends on its number and the seed alone.
func (j *job) noisySweep(ctx context.Context, set data.Set, noise stateNoise, visit func(index int, b *data.Batch, col int, logits []float32)) error {
	t, hidden := j.task, j.net.Hidden()
	graph, err := engine.NewGraph(engine.GraphConfig{Net: j.net, Device: j.place.dev, T: 1, B: j.opt.Batch, I: t.I,
		Goal: t.Goal, Masked: t.Masked}, j.session.Params())
	if err != nil {
		return err
	}
	defer graph.Close()
	given := data.NewBatch(t, j.opt.Batch)
	single := *t
	single.T, single.Every = 1, false
	fed := data.NewBatch(&single, j.opt.Batch)
	state := make([]float32, len(j.net.Rest())*given.B*hidden)
	logits := make([]float32, given.B*t.O)
	answers := make([]float32, given.B*t.T*t.O) // [B,T,O]
	draws := make([]*rand.Rand, given.B)
	for first := 0; first < set.Len(); first += given.B {
		if err := ctx.Err(); err != nil {
			return err
		}
		size := min(given.B, set.Len()-first)
		for col := range size {
			if err := set.Fill(given, col, 0, first+col); err != nil {
				return err
			}
			draws[col] = rand.New(rand.NewPCG(noise.seed, uint64(first+col)))
		}
		rest(state, j.net.Rest())
		for step := range t.T {
			fed.X = given.X[step*given.B*t.I : (step+1)*given.B*t.I]
			if given.Mask != nil {
				fed.Mask = given.Mask[step*given.B : (step+1)*given.B]
			}
			for col := range size {
				if fed.Mask == nil || fed.Mask[col] != 0 {
					for _, u := range noise.units {
						state[col*hidden+u] += float32(noise.sigma * draws[col].NormFloat64())
					}
				}
			}
			if err := stepGraph(graph, fed, state, logits); err != nil {
				return err
			}
			for col := range size {
				copy(answers[(col*t.T+step)*t.O:(col*t.T+step+1)*t.O], logits[col*t.O:])
			}
		}
		for col := range size {
			visit(first+col, given, col, answers[col*t.T*t.O:(col+1)*t.T*t.O])
		}
	}
	return nil
}

// stepGraph makes one step of a graph of one: state is the state before and then after it.
func stepGraph(g *engine.Graph[float32], b *data.Batch, state, logits []float32) error {
	if err := g.SetState(state); err != nil {
		return err
	}
	if err := g.Load(b); err != nil {
		return err
	}
	if err := g.Run(); err != nil {
		return err
	}
	if err := g.Final(state); err != nil {
		return err
	}
	return g.Logits(logits)
}

// rest puts a state [S,B,H] to rest.
func rest(state []float32, values []float64) {
	plane := len(state) / len(values)
	for i := range state {
		state[i] = float32(values[i/plane])
	}
}
