package analysis

import (
	"context"
	"math"
	"math/rand/v2"

	"galvani/data"
	"galvani/engine"
	"galvani/models"
)

// Noise is Gaussian noise on h of some units, added before every step of a sequence.
type Noise struct {
	Units []int   // as models.Network.Outgoing numbers them
	Sigma float64 // standard deviation, in the unit of h
	Seed  uint64
}

// Noisy measures the network on a set while its state is disturbed, and counts the trials of a
// task that has some. Every sequence starts from rest.
//
// Errors: engine.ErrNotFinite for a loss without sense, ctx.Err(), and those of Sweep.
func (s *Subject) Noisy(ctx context.Context, set data.Set, n Noise) (engine.Metrics, []Trials, error) {
	return s.measure(set, func(visit Visit) error { return s.noisySweep(ctx, set, n, visit) })
}

// Measure measures the network on a set, and counts the trials of a task that has some.
//
// Errors: those of Noisy.
func (s *Subject) Measure(set data.Set) (engine.Metrics, []Trials, error) {
	return s.measure(set, func(visit Visit) error { return s.Sweep(set, set.Len(), s.Task.Every, visit) })
}

// measure makes the metrics of the logits, [T,O] or the last [O], that run gives for each sample of a set.
func (s *Subject) measure(set data.Set, run func(Visit) error) (engine.Metrics, []Trials, error) {
	var m engine.Metrics
	c := tally{at: map[group]*Trials{}}
	c.set, _ = set.(data.Trials)
	err := run(func(index int, b *data.Batch, col int, logits []float32) {
		if c.set != nil {
			c.add(index, logits, s.Task.O)
		}
		if !s.Task.Every {
			logits = logits[len(logits)-s.Task.O:]
		}
		m.Add(score(b, col, logits))
	})
	if err == nil && (math.IsNaN(m.LossSum) || math.IsInf(m.LossSum, 0)) {
		err = engine.ErrNotFinite
	}
	list := c.list()
	if c.set != nil {
		all := Total(list)
		m.StepsRight, m.Steps, m.Correct, m.Count = m.Correct, m.Count, all.Right, all.Count
	}
	return m, list, err
}

// noisySweep runs all samples of a set step by step, with noise on the state before every
// step of a sequence, and gives visit the number of each, its batch with its column, and its
// logits [T,O]. The noise of a sample depends on its number and the seed alone.
func (s *Subject) noisySweep(ctx context.Context, set data.Set, noise Noise, visit Visit) error {
	t, units, batch := s.Task, engine.PlaneUnits(s.Net), max(1, min(s.Batch, set.Len()))
	graph, err := engine.NewGraph(engine.GraphConfig{Net: s.Net, Device: s.Device, T: 1, B: batch, I: t.I,
		Goal: t.Goal, Masked: t.Masked, Given: true}, s.Params)
	if err != nil {
		return err
	}
	defer graph.Close()
	given := data.NewBatch(t, batch)
	single := *t
	single.T, single.Every = 1, false
	fed := data.NewBatch(&single, batch)
	places := s.places(noise.Units, given.B)
	rest := engine.FirstState(s.Net, s.Params)
	state := make([]float32, given.B*len(rest))
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
			draws[col] = rand.New(rand.NewPCG(noise.Seed, uint64(first+col)))
		}
		engine.Spread(state, rest, units)
		for step := range t.T {
			fed.X = given.X[step*given.B*t.I : (step+1)*given.B*t.I]
			if given.Mask != nil {
				fed.Mask = given.Mask[step*given.B : (step+1)*given.B]
			}
			for col := range size {
				if fed.Mask == nil || fed.Mask[col] != 0 {
					for _, p := range places {
						state[p.at+col*p.width] += float32(noise.Sigma * draws[col].NormFloat64())
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

// unitPlace is where h of a unit is in the states of sequences: that of the first one, and the distance to the next one's.
type unitPlace struct{ at, width int }

// places returns those of units in the states of a number of sequences.
func (s *Subject) places(units []int, sequences int) (list []unitPlace) {
	net, layered := s.Net.(*models.Network)
	widths := engine.PlaneUnits(s.Net)
	for _, u := range units {
		plane := 0
		if layered {
			var layer int
			layer, u = net.UnitOf(u)
			plane = net.ShownPlane(layer)
		}
		before := 0
		for _, w := range widths[:plane] {
			before += w
		}
		list = append(list, unitPlace{before*sequences + u, widths[plane]})
	}
	return list
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
