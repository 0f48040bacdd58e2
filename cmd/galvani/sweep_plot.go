package main

import (
	"cmp"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/chart"
)

// plot draws the means with their intervals into the folder of the sweep: over the key that has the most numbers
// as values, with a line for each combination of the others. Without such a key there is no plot.
func (r *sweepReport) plot() error {
	axis := r.axis()
	if axis < 0 {
		return nil
	}
	c := chart.Lines{Title: "Sweep", Subtitle: filepath.Base(r.Out), XLabel: r.Keys[axis], YLabel: strings.ReplaceAll(r.Metric, "_", " "),
		Note: "Means over seeds; bands are their 95 % intervals.", LogX: true}
	index := map[string]int{} // of the series
	cells := slices.Clone(r.Cells)
	slices.SortStableFunc(cells, func(a, b sweepedCell) int {
		x, _ := strconv.ParseFloat(a.Values[axis], 64)
		y, _ := strconv.ParseFloat(b.Values[axis], 64)
		return cmp.Compare(x, y)
	})
	for _, cell := range cells {
		if cell.Mean == nil {
			continue
		}
		x, _ := strconv.ParseFloat(cell.Values[axis], 64) // axis has tried
		c.LogX = c.LogX && x > 0
		if !slices.Contains(c.XTicks, x) {
			c.XTicks = append(c.XTicks, x)
		}
		name := r.others(cell, axis)
		if _, ok := index[name]; !ok {
			index[name] = len(c.Series)
			c.Series = append(c.Series, chart.Series{Name: name, Dots: true, Scatter: len(r.Drawn) > 0})
		}
		s := &c.Series[index[name]]
		half := 0.0
		if cell.Half != nil {
			half = *cell.Half
		}
		s.X, s.Y = append(s.X, x), append(s.Y, *cell.Mean)
		s.Lo, s.Hi = append(s.Lo, *cell.Mean-half), append(s.Hi, *cell.Mean+half)
	}
	const mostTicks = 8 // beside each other without touching
	if len(c.XTicks) > mostTicks {
		c.XTicks = nil
	}
	if err := writeChart(filepath.Join(r.Out, "sweep"), c); !errors.Is(err, chart.ErrEmpty) {
		return err
	}
	return nil // all runs failed
}

// axis returns the key with the most different numbers as values, negative for none with two.
func (r *sweepReport) axis() int {
	best, most := -1, 1
	for k := range r.Keys {
		seen := map[string]bool{}
		for _, c := range r.Cells {
			if v, err := strconv.ParseFloat(c.Values[k], 64); err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
				seen = nil
				break
			}
			seen[c.Values[k]] = true
		}
		if drawn := best >= 0 && slices.Contains(r.Drawn, r.Keys[k]) && !slices.Contains(r.Drawn, r.Keys[best]); len(seen) > most || drawn && seen != nil {
			best, most = k, len(seen)
		}
	}
	return best
}

// others names a combination without one of its keys and without those that are drawn, of which each has its own.
func (r *sweepReport) others(c sweepedCell, axis int) string {
	return r.named(c, func(k int) bool { return k != axis && !slices.Contains(r.Drawn, r.Keys[k]) })
}

// named names a combination by some of its keys.
func (r *sweepReport) named(c sweepedCell, by func(k int) bool) string {
	var parts []string
	for k, name := range r.Keys {
		if by(k) {
			parts = append(parts, name+" "+c.Values[k])
		}
	}
	return strings.Join(parts, ", ")
}
