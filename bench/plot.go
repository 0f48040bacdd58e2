package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"galvani/engine/chart"
)

// Charts draws the rows of a matrix by name: the time of a part of a training step against B, or
// against H where only that was varied, for each model, T and part; one colour for each size,
// dashed for the CPU, with its interval, and a ring where the GPU starts to win. Lines of fewer
// than two points are left out.
func Charts(rows []Row) map[string]chart.Lines {
	all := map[string]chart.Lines{}
	for _, group := range split(rows, func(r Row) string {
		return fmt.Sprintf("%s-T%d-%s", r.Model, r.Shape.T, strings.NewReplacer("+", "-", " ", "-").Replace(r.What))
	}) {
		for _, axis := range []string{"B", "H"} {
			if c := draw(group.rows, axis); len(c.Series) > 0 {
				all[group.name] = c
				break
			}
		}
	}
	return all
}

// namedRows are rows that share a name.
type namedRows struct {
	name string
	rows []Row
}

// split groups the rows of a matrix by name, in the order of their first.
func split(rows []Row, name func(Row) string) []namedRows {
	var all []namedRows
	for _, r := range rows {
		if r.Case != caseMatrix {
			continue
		}
		n := name(r)
		i := slices.IndexFunc(all, func(g namedRows) bool { return g.name == n })
		if i < 0 {
			i, all = len(all), append(all, namedRows{name: n})
		}
		all[i].rows = append(all[i].rows, r)
	}
	return all
}

// draw makes the chart of one model, T and part along an axis.
func draw(rows []Row, axis string) chart.Lines {
	first, along, other := rows[0], Crossover{Axis: axis}, "H"
	if axis == "H" {
		other = "B"
	}
	c := chart.Lines{Title: fmt.Sprintf("%s, %s, T=%d", first.Model, first.What, first.Shape.T),
		XLabel: map[string]string{"B": "batch B", "H": "hidden units H"}[axis], YLabel: "time (ms)", LogX: true, LogY: true}
	if slices.ContainsFunc(rows, func(r Row) bool { return r.Emulated }) {
		c.Title += ", EMULATED"
	}
	ticks := map[float64]bool{}
	lines := split(rows, func(r Row) string { return fmt.Sprintf("%s=%d", other, along.other(r)) })
	hue := 0
	for _, l := range lines {
		slices.SortFunc(l.rows, func(a, b Row) int { return cmp.Compare(along.on(a), along.on(b)) })
		drawn := series(l, along, hue+1)
		if len(drawn) == 0 {
			continue
		}
		hue++
		c.Series = append(c.Series, drawn...)
		for _, s := range drawn {
			for _, x := range s.X {
				ticks[x] = true
			}
		}
	}
	for _, x := range Crossovers(rows) {
		if x.Axis != axis || x.At == 0 {
			continue
		}
		at := slices.IndexFunc(rows, func(r Row) bool { return x.on(r) == x.At && x.other(r) == x.Fixed })
		c.Marks = append(c.Marks, chart.Mark{X: float64(x.At), Y: rows[at].Subject.Median * 1e3, Text: fmt.Sprintf("GPU from %s=%d", axis, x.At)})
	}
	for x := range ticks {
		c.XTicks = append(c.XTicks, x)
	}
	slices.Sort(c.XTicks)
	return c
}

// other returns the value of a row beside the axis.
func (c Crossover) other(r Row) int {
	if c.Axis == "H" {
		return r.Shape.B
	}
	return r.Shape.H
}

// series makes a line for each device from rows in the order of the axis.
func series(l namedRows, along Crossover, hue int) []chart.Series {
	var devices []string
	lines := map[string]*chart.Series{}
	for _, r := range l.rows {
		for _, t := range []*Timing{&r.Subject, r.Reference} {
			if t == nil || t.Device == nil {
				continue
			}
			d := t.Device
			s := lines[d.Device]
			if s == nil {
				s = &chart.Series{Name: fmt.Sprintf("%s %s, %s", d.Device, d.Precision, l.name), Hue: hue, Dashed: d.Device == "cpu", Dots: true}
				lines[d.Device], devices = s, append(devices, d.Device)
			}
			s.X, s.Y = append(s.X, float64(along.on(r))), append(s.Y, t.Median*1e3)
			s.Lo, s.Hi = append(s.Lo, t.Interval[0]*1e3), append(s.Hi, t.Interval[1]*1e3)
		}
	}
	var all []chart.Series
	for _, d := range devices {
		if s := lines[d]; len(s.X) > 1 {
			all = append(all, *s)
		}
	}
	return all
}
