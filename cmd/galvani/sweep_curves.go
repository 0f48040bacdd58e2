package main

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/engine/rundir"
)

// mostCurves is how many combinations have their curves in one plot.
const mostCurves = 8

// curves draws how the metric of the evaluations went, the means over seeds with their intervals, into the folder of
// the sweep. More combinations than can be told apart have no such plot.
func (r *sweepReport) curves() error {
	if len(r.Cells) > mostCurves {
		return nil
	}
	c := chart.Lines{Title: "Evaluations", Subtitle: filepath.Base(r.Out), XLabel: "update",
		Note: "Means over seeds; bands are their 95 % intervals."}
	for _, cell := range r.Cells {
		values := map[float64][]float64{} // by update
		for _, dir := range cell.Runs {
			name, course, err := heldCourse(dir)
			if err != nil {
				return err
			}
			if name != "" {
				c.YLabel = strings.ReplaceAll(name, "_", " ")
			}
			for _, point := range course {
				values[point[0]] = append(values[point[0]], point[1])
			}
		}
		s := chart.Series{Name: r.named(cell, func(int) bool { return true }), Dots: true}
		var steps []float64
		for step, v := range values {
			if len(v) == len(cell.Tests) { // the others stopped earlier
				steps = append(steps, step)
			}
		}
		slices.Sort(steps)
		for _, step := range steps {
			e := rows.Mean(values[step])
			lo, hi := e.Interval[0], e.Interval[1]
			if len(values[step]) < 2 {
				lo, hi = e.Value, e.Value
			}
			if strings.HasSuffix(c.YLabel, "accuracy") { // an interval by Student's t knows no bounds
				lo, hi = max(0, lo), min(1, hi)
			}
			s.X, s.Y, s.Lo, s.Hi = append(s.X, step), append(s.Y, e.Value), append(s.Lo, lo), append(s.Hi, hi)
		}
		c.Series = append(c.Series, s)
	}
	if err := writeChart(filepath.Join(r.Out, "curves"), c); !errors.Is(err, chart.ErrEmpty) {
		return err
	}
	return nil
}

// heldCourse returns the metric of a run's evaluations: pairs of update and value of the accuracy, or of the loss
// where there are no classes, on the validation set or else the test set.
func heldCourse(dir string) (name string, course [][2]float64, err error) {
	run, err := rundir.View(dir)
	if err != nil {
		return "", nil, err
	}
	list, err := run.Metrics()
	if err != nil {
		return "", nil, err
	}
	for _, name := range []string{"validation_accuracy", "validation_loss", "test_accuracy", "test_loss"} {
		for _, row := range list {
			if v, ok := row.Values[name]; ok {
				course = append(course, [2]float64{float64(row.Step), v})
			}
		}
		if course != nil {
			return name, course, nil
		}
	}
	return "", nil, nil
}
