package main

import (
	"context"
	"fmt"
	"math"

	"galvani/data"
	"galvani/engine"
	"galvani/engine/chart"
	"galvani/engine/dynamics"
)

// walk is what a network goes through on sequences of the test set.
type walk struct {
	dim    int
	states []float64 // visited, [n,S·H]: sequence by sequence, each from rest
	ends   []int     // of each sequence in states, in states
	class  []int     // of each sequence, −1 where it has none
	inputs []float64 // sums over the sequences, [T,I]
	counts []float64 // sequences that have not ended, [T]
}

// visit runs the first n sequences of the test set.
func (j *job) visit(ctx context.Context, m *engine.StepMap, n int) (*walk, error) {
	t := j.task
	n = min(n, t.Test.Len())
	w := &walk{dim: m.Dim(), inputs: make([]float64, t.T*t.I), counts: make([]float64, t.T)}
	for first := 0; first < n; first += m.Batch() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b := data.NewBatch(t, min(m.Batch(), n-first))
		for col := range b.B {
			if err := t.Test.Fill(b, col, 0, first+col); err != nil {
				return nil, err
			}
			w.class = append(w.class, j.classOf(b, col, first+col))
		}
		if err := w.follow(m, b, j.net.Rest()); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// classOf returns the class of a sequence that has one target, −1 for the others.
func (j *job) classOf(b *data.Batch, col, index int) int {
	if set, ok := j.task.Test.(data.Trials); ok {
		return set.Trial(0, index).Choice
	}
	if b.Label == nil || b.Every {
		return -1
	}
	return int(b.Label[col])
}

// follow adds the states and inputs of a batch.
func (w *walk) follow(m *engine.StepMap, b *data.Batch, rest []float64) error {
	every := (b.T + mostVisits - 1) / mostVisits
	hidden := w.dim / len(rest)
	state := make([]float64, b.B*w.dim)
	for i := range state {
		state[i] = rest[i%w.dim/hidden]
	}
	paths := make([][]float64, b.B)
	x := make([]float64, m.Batch()*b.I)
	for t := -1; t < b.T; t++ {
		if t >= 0 {
			for i := range b.B * b.I {
				x[i] = float64(b.X[t*b.B*b.I+i])
			}
			if err := m.Input(x); err != nil {
				return err
			}
			if err := m.Step(state, state); err != nil {
				return err
			}
		}
		for col := range b.B {
			if t >= 0 && b.Mask != nil && b.Mask[t*b.B+col] == 0 {
				continue // the sequence has ended, and its state is not looked at any more
			}
			if t >= 0 {
				w.counts[t]++
				for i := range b.I {
					w.inputs[t*b.I+i] += x[col*b.I+i]
				}
			}
			if (t+1)%every == 0 {
				paths[col] = append(paths[col], state[col*w.dim:(col+1)*w.dim]...)
			}
		}
	}
	for _, p := range paths {
		w.states = append(w.states, p...)
		w.ends = append(w.ends, len(w.states)/w.dim)
	}
	return nil
}

// meanInput returns the mean over the sequences and the steps from to to−1, [I].
func (w *walk) meanInput(from, to int) []float64 {
	mean := make([]float64, len(w.inputs)/len(w.counts))
	n := 0.0
	for t := from; t < to; t++ {
		n += w.counts[t]
		for i := range mean {
			mean[i] += w.inputs[t*len(mean)+i]
		}
	}
	for i := range mean {
		mean[i] /= max(1, n)
	}
	return mean
}

// inputOf returns the input of a test sequence at a step, [I].
func (j *job) inputOf(n, step int) ([]float64, error) {
	b := data.NewBatch(j.task, 1)
	if err := j.task.Test.Fill(b, 0, 0, n); err != nil {
		return nil, err
	}
	x := make([]float64, b.I)
	for i := range x {
		x[i] = float64(b.X[step*b.I+i])
	}
	return x, nil
}

// nearest returns the distance ‖a−b‖/√N to the nearest visited state.
func (w *walk) nearest(s []float64) float64 {
	least := math.Inf(1)
	for at := 0; at < len(w.states); at += w.dim {
		least = min(least, dynamics.Distance(w.states[at:at+w.dim], s))
	}
	return least
}

// picture draws the trajectories and the points.
func (w *walk) picture(plane dynamics.Plane, r *pointsReport, classes []string) chart.Lines {
	c := chart.Lines{Title: fmt.Sprintf("State space of %s on %s, slow points with input %s", r.Model, r.Task, r.Input),
		XLabel: fmt.Sprintf("PC 1 (%.0f %% of the variance)", 100*r.Share[0]),
		YLabel: fmt.Sprintf("PC 2 (%.0f %%)", 100*r.Share[1])}
	one := len(classes) > mostHues || len(classes) == 0
	paths := map[int]*chart.Series{}
	from := 0
	for i, end := range w.ends {
		class := w.class[i]
		if one {
			class = -1
		}
		s := paths[class]
		if s == nil {
			s = &chart.Series{Name: "trajectories", Pale: true, Hue: class + 2}
			if class >= 0 {
				s.Name = classes[class]
			}
			paths[class] = s
		}
		for ; from < end; from++ {
			x, y := plane.Project(w.states[from*w.dim : (from+1)*w.dim])
			s.X, s.Y = append(s.X, x), append(s.Y, y)
		}
		s.X, s.Y = append(s.X, math.NaN()), append(s.Y, math.NaN())
	}
	for class := -1; class < len(classes); class++ {
		if s := paths[class]; s != nil {
			c.Series = append(c.Series, *s)
		}
	}
	return w.mark(c, r)
}

// mark adds the points to a picture.
func (w *walk) mark(c chart.Lines, r *pointsReport) chart.Lines {
	const dark, sky = 7, 6
	kinds := []chart.Series{{Name: "stable", Hue: dark}, {Name: "marginal", Hue: sky},
		{Name: "unstable", Hue: dark, Hollow: true}, {Name: "slow", Hue: sky, Hollow: true}}
	for _, s := range kinds {
		s.Scatter = true
		for _, p := range r.Points {
			if p.kind() == s.Name && p.Distance <= farOff {
				s.X, s.Y = append(s.X, p.PC[0]), append(s.Y, p.PC[1])
			}
		}
		if len(s.X) > 0 {
			c.Series = append(c.Series, s)
		}
	}
	return c
}
