package circuits

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"galvani/kernels"
	"galvani/models/description"
)

// source reads what the sources of a population are.
func (r *reader) source(t *description.Table, p *Population) {
	if p.Header == kernels.Trains {
		r.trains(t, p)
		return
	}
	rate := 0.0
	if t.Need("rate", `"10 Hz"`) {
		rate = t.Quantity("rate", frequency, 0, description.Interval{Lo: 0, Hi: 1000 / r.b.Step})
	}
	p.Params = []float64{rate}
	if p.Header == kernels.Correlated {
		r.correlated(t, p)
	}
	if p.Header == kernels.Regular {
		p.Params = append(p.Params, t.Quantity("first", description.Duration, 0, description.Interval{Lo: 0, Hi: 1e12}))
	}
}

// correlated reads what correlated sources have besides their rate. With the correlation 0 they are Poisson sources.
func (r *reader) correlated(t *description.Table, p *Population) {
	part, jitter := 0.0, 0.0
	if t.Need("correlation", "0.1") {
		part = t.Number("correlation", 0, 0, 1)
	}
	if t.Need("jitter", `"5 ms"`) {
		jitter = t.Quantity("jitter", description.Duration, 0, description.FromZero)
	}
	if t.Err() != nil {
		return
	}
	if most := kernels.MaxDelay * r.b.Step / 5; jitter > most {
		t.Fail("jitter", "is %g ms, want at most %g ms for a step of %g ms; give a smaller one or longer steps", jitter, most, r.b.Step)
	}
	if part == 0 {
		p.Header = kernels.Poisson
		return
	}
	if mother := p.Params[0] / part; mother > 1000/r.b.Step {
		t.Fail("correlation", "is %g, so that the sources take their spikes from a process of %g Hz, want at most a spike per step, %g Hz; give a larger one, or 0 for none", part, mother, 1000/r.b.Step)
	}
	p.Params = append(p.Params, part, jitter)
}

// trains reads the spikes of a population from a file, whose path begins in the folder of that of the network. Its
// columns time_ms, population and unit are those that simulate --out writes; of may name another population, and
// without a column population all rows count.
func (r *reader) trains(t *description.Table, p *Population) {
	p.Trains = make([][]int64, p.N)
	of := p.Name
	if t.Has("of") {
		of = t.Words("of", "")
	}
	t.Spend("of")
	if !t.Need("file", `"spikes.csv"`) {
		return
	}
	path := t.Words("file", "")
	table, at, err := readTable(r.beside(path), "time_ms", "population", "unit")
	if err != nil {
		t.Fail("file", "is %s, which cannot be read: %v", path, err)
		return
	}
	time, population, unit := at[0], at[1], at[2]
	if time < 0 || unit < 0 {
		t.Fail("file", "is %s, whose first line is %q, want the columns time_ms and unit", path, strings.Join(table.Rows[0], ","))
		return
	}
	for i, line := range table.Rows[1:] {
		if population >= 0 && line[population] != of {
			continue
		}
		ms, wrong := strconv.ParseFloat(line[time], 64)
		number, bad := strconv.ParseFloat(line[unit], 64) // some write 3.0
		u := int(max(-1, min(number, float64(p.N))))
		if wrong != nil || bad != nil || !(ms >= 0 && ms <= 1e12) || u < 0 || u >= p.N || float64(u) != number {
			t.Fail("file", "is %s, where line %d has time %q and unit %q, want ms from 0 on and a unit below %d", path, table.Line(i+1), line[time], line[unit], p.N)
			return
		}
		p.Trains[u] = append(p.Trains[u], int64(math.Round(ms/r.b.Step)))
	}
	spikes := 0
	for u, train := range p.Trains {
		slices.Sort(train)
		p.Trains[u] = slices.Compact(train) // two in a step are one
		spikes += len(p.Trains[u])
		p.Merged += len(train) - len(p.Trains[u])
	}
	if spikes == 0 {
		t.Fail("file", "is %s, which has no spikes%s; name the population by the key of", path, fmt.Sprintf(" of a population %q", of))
	}
}
