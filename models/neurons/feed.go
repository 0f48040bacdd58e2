package neurons

import (
	"cmp"
	"math"
	"slices"
)

// feed is what a run puts into the columns of a neuron, step by step.
type feed struct {
	total    [][]float64 // [inputs][steps]
	waves    []wave
	column   []int     // first of each input
	arrivals []arrival // in the order of steps
	done     int       // steps
}

// wave is a sampled wave in a column.
type wave struct {
	column int
	values []float64
}

// arrival is an event in a column.
type arrival struct {
	step, column int
	size         float64
}

// feed samples a stimulus: waves in the middle of each step, events in the step that they arrive in.
func (n *Neuron) feed(s Stimulus, steps int, dt float64) *feed {
	f := &feed{total: make([][]float64, len(n.Inputs))}
	for i, in := range n.Inputs {
		f.total[i] = make([]float64, steps)
		f.column = append(f.column, n.Column(i))
		if w := s.Waves[i]; w != nil {
			for k := range f.total[i] {
				f.total[i][k] = w((float64(k) + 0.5) * dt)
			}
			for at := range in.Units {
				f.waves = append(f.waves, wave{f.column[i] + at, slices.Clone(f.total[i])})
			}
		}
		for _, e := range s.Events[i] {
			k := math.Floor((e.Ms+in.Delay)/dt + 1e-9)
			if !(k >= 0 && k < float64(steps)) {
				continue
			}
			from, to := e.At, e.At+1
			if e.At < 0 {
				from, to = 0, len(in.Units)
			}
			for at := from; at < to; at++ {
				f.arrivals = append(f.arrivals, arrival{int(k), f.column[i] + at, e.Size})
			}
		}
	}
	slices.SortStableFunc(f.arrivals, func(a, b arrival) int { return cmp.Compare(a.step, b.step) })
	for _, a := range f.arrivals {
		input, found := slices.BinarySearch(f.column, a.column)
		if !found {
			input--
		}
		f.total[input][a.step] += a.size
	}
	return f
}

// next tells put what the next steps take in: their number from 0, the column, and what is added to it.
func (f *feed) next(steps int, put func(step, column int, x float64)) {
	for _, w := range f.waves {
		for k, x := range w.values[f.done : f.done+steps] {
			put(k, w.column, x)
		}
	}
	for len(f.arrivals) > 0 && f.arrivals[0].step < f.done+steps {
		a := f.arrivals[0]
		put(a.step-f.done, a.column, a.size)
		f.arrivals = f.arrivals[1:]
	}
	f.done += steps
}
