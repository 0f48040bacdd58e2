package circuits

import (
	"fmt"

	"galvani/kernels"
	"galvani/kernels/sparse"
	"galvani/models/description"
)

// drives reads the Poisson events that each unit of a population has of its own. They are a population of sources and a
// connection from it, both behind all others.
func (r *reader) drives() {
	for _, t := range r.List("drive") {
		q := Connection{To: r.population(t, "population", true), From: len(r.b.Populations), Rule: Digits}
		if t.Err() != nil {
			return
		}
		to := r.b.Populations[q.To]
		q.stream = "drive of " + to.Name
		if r.used[q.stream]++; r.used[q.stream] > 1 {
			q.stream += fmt.Sprint(" ", r.used[q.stream])
		}
		q.Synapse = r.synapse(t, Population{Population: kernels.Population{Name: "drive"}}, to)
		rate := 0.0
		if t.Need("rate", `"8 kHz"`) {
			rate = t.Quantity("rate", frequency, 0, description.Interval{Lo: 0, Hi: kernels.MostEvents * 1000 / r.b.Step})
		}
		if t.Need("weight", `"1 mV ms"`) {
			q.Weight.A = t.Quantity("weight", to.WeightUnit(q.Synapse), 0, description.AnyReal)
		}
		q.Delay.A = r.b.Step
		if t.Has("delay") {
			q.Delay.A = t.Quantity("delay", description.Duration, 0, description.Interval{Lo: 0, Hi: 1e6})
			r.delay(t, q.Delay)
		}
		t.Spend("delay")
		t.Done()
		q.Degree = max(1, kernels.EventBits(rate*r.b.Step/1000))
		p := Population{Population: kernels.Population{Name: q.stream, Header: kernels.Events, N: to.N * q.Degree, Params: []float64{rate}, Unrecorded: true}}
		if t.Err() == nil && float64(to.N)*float64(q.Degree) > mostUnits {
			t.Fail("population", "is %s, of %d units, each of which takes %d sources, want at most %d in all; give it fewer units", to.Name, to.N, q.Degree, mostUnits)
		}
		r.b.Populations, r.b.Connections = append(r.b.Populations, p), append(r.b.Connections, q)
	}
}

// Drive reports whether a connection is a drive, and returns its rate in Hz.
func (b *Blueprint) Drive(q Connection) (rate float64, is bool) {
	if q.Rule != Digits {
		return 0, false
	}
	return b.Populations[q.From].Params[0], true
}

// digits joins unit i to the units n·i to n·i+n-1.
func digits(units, n int) *sparse.Matrix {
	m := &sparse.Matrix{Rows: units, Cols: units * n, Start: make([]int32, units+1), Col: make([]int32, units*n)}
	for i := range m.Col {
		m.Col[i] = int32(i)
	}
	for i := range m.Start {
		m.Start[i] = int32(i * n)
	}
	return m
}

// perHz returns what a rate of 1 Hz of the sources of a connection adds to the mean input of a unit, in mV.
func (b *Blueprint) perHz(q Connection) float64 {
	if q.Rule == Digits {
		return q.Weight.A / 1000
	}
	return q.Weight.Mean() * b.Expected(q) / float64(b.Populations[q.To].N) / 1000
}
