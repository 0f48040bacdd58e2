package main

import (
	"fmt"
	"math"

	"galvani/bench/analysis"
	"galvani/engine/chart"
)

const (
	// farOff is the distance to the nearest visited state, in units of their spread, from which
	// on a point is left out of the picture.
	farOff = 10
	// mostHues is how many classes have trajectories of their own colour.
	mostHues = 4
)

// picture draws the trajectories and the points.
func (r *pointsReport) picture(found *analysis.Points, classes []string) chart.Lines {
	w := found.Walk
	c := chart.Lines{Title: fmt.Sprintf("State space of %s on %s, slow points with input %s", r.Model, r.Task, r.Input),
		XLabel: fmt.Sprintf("PC 1 (%.0f %% of the variance)", 100*r.Share[0]),
		YLabel: fmt.Sprintf("PC 2 (%.0f %%)", 100*r.Share[1])}
	one := len(classes) > mostHues || len(classes) == 0
	paths := map[int]*chart.Series{}
	from := 0
	for i, end := range w.Ends {
		class := w.Class[i]
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
			x, y := found.Plane.Project(w.States[from*w.Dim : (from+1)*w.Dim])
			s.X, s.Y = append(s.X, x), append(s.Y, y)
		}
		s.X, s.Y = append(s.X, math.NaN()), append(s.Y, math.NaN())
	}
	for class := -1; class < len(classes); class++ {
		if s := paths[class]; s != nil {
			c.Series = append(c.Series, *s)
		}
	}
	return r.mark(c)
}

// mark adds the points to a picture.
func (r *pointsReport) mark(c chart.Lines) chart.Lines {
	const dark, sky = 7, 6
	kinds := []chart.Series{{Name: "stable", Hue: dark}, {Name: "marginal", Hue: sky},
		{Name: "unstable", Hue: dark, Hollow: true}, {Name: "slow", Hue: sky, Hollow: true}}
	for _, s := range kinds {
		s.Scatter = true
		for _, p := range r.Points {
			if p.Kind() == s.Name && p.Distance <= farOff {
				s.X, s.Y = append(s.X, p.PC[0]), append(s.Y, p.PC[1])
			}
		}
		if len(s.X) > 0 {
			c.Series = append(c.Series, s)
		}
	}
	return c
}
