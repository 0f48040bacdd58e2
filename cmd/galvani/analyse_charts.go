package main

import (
	"fmt"
	"slices"

	"galvani/engine/chart"
)

// charts are the figures of an analysis.
func (a *analysed) charts(r *analysisReport) []namedChart {
	subtitle := fmt.Sprintf("%s (%s) on %s; %d test sequences by %s", a.net.Name(), a.units(), a.task.Name, r.Sequences, r.By)
	one := func(name string, c chart.Lines) namedChart {
		c.Subtitle = subtitle
		return namedChart{name, c, c.Series}
	}
	list := []namedChart{
		one("components", chart.Lines{Title: "Courses of the conditions", XLabel: fmt.Sprintf("component 1 (%.0f %% of the variance)", 100*r.Variance[0]),
			YLabel: a.second(r), Note: "Mean over the sequences of a condition; ring: first step.", Series: a.plane(r), Marks: a.begins()}),
		one("dimensions", chart.Lines{Title: "Dimensions", XLabel: "component", YLabel: "variance (%)", LogY: true,
			Note: fmt.Sprintf("Of all states, with a participation ratio of %.2f.", r.Dimension), Series: []chart.Series{a.variances()}}),
		one("selectivity", chart.Lines{Title: "Selectivity of units", XLabel: "unit, by rank", YLabel: "variance explained by the condition (%)",
			Note: "Of the means of h over the steps of each sequence.", Series: []chart.Series{a.ranked()}}),
		one("spectrum", chart.Lines{Title: "Power spectrum", XLabel: "frequency (cycles per step)", YLabel: "power of h", LogX: true, LogY: true,
			Note: "Mean over units and sequences.", Series: []chart.Series{{Name: "h", X: a.spectrum.Frequency, Y: a.spectrum.Power}}}),
	}
	stack := chart.Stack{a.demixedChart("Component of time", a.demixed.Time, r), a.demixedChart("Component of the condition", a.demixed.Condition, r)}
	stack[0].Subtitle = subtitle
	stack[0].Note = fmt.Sprintf("Demixed principal components; of the variance of the courses %.0f %% is due to time, %.0f %% to the condition, %.0f %% to both together.",
		100*r.Shares[0], 100*r.Shares[1], 100*r.Shares[2])
	list = append(list, namedChart{"demixed", stack, stack[0].Series}, gridChart(r, subtitle))
	for i, b := range a.balances {
		name := "balance"
		if i > 0 {
			name += fmt.Sprintf("-%d", i)
		}
		s := chart.Series{Name: b.Matrix, X: b.Excitation, Scatter: true, Hollow: true}
		for _, v := range b.Inhibition {
			s.Y = append(s.Y, -v)
		}
		list = append(list, one(name, chart.Lines{Title: "Excitation and inhibition", XLabel: "mean input from E units", YLabel: "mean input from I units, sign reversed",
			Note: "Of each unit, through " + b.Matrix + ".", Series: []chart.Series{s}}))
	}
	return list
}

// second names the second axis of the plane.
func (a *analysed) second(r *analysisReport) string {
	if len(r.Variance) < 2 {
		return "0"
	}
	return fmt.Sprintf("component 2 (%.0f %%)", 100*r.Variance[1])
}

// shownAt returns the coordinates of a course at a step.
func (a *analysed) shownAt(r *analysisReport, condition, t int) (x, y float64) {
	k := len(r.Variance)
	at := (condition*a.steps + t) * k
	if k > 1 {
		y = a.shown[at+1]
	}
	return a.shown[at], y
}

// plane are the courses in the plane of the first two components.
func (a *analysed) plane(r *analysisReport) (list []chart.Series) {
	for c, name := range r.Conditions {
		s := chart.Series{Name: name}
		for t := range a.steps {
			x, y := a.shownAt(r, c, t)
			s.X, s.Y = append(s.X, x), append(s.Y, y)
		}
		list = append(list, s)
	}
	return list
}

// begins are rings around the first steps.
func (a *analysed) begins() (list []chart.Mark) {
	k := len(a.shown) / (len(a.states.Names) * a.steps)
	for c := range a.states.Names {
		m := chart.Mark{X: a.shown[c*a.steps*k]}
		if k > 1 {
			m.Y = a.shown[c*a.steps*k+1]
		}
		list = append(list, m)
	}
	return list
}

// variances are those along the components of all states.
func (a *analysed) variances() chart.Series {
	s, total := chart.Series{Name: "states", Dots: true}, 0.0
	for _, v := range a.all.Variance {
		total += v
	}
	for i, v := range a.all.Variance {
		s.X, s.Y = append(s.X, float64(i+1)), append(s.Y, 100*v/max(total, 1e-300))
	}
	return s
}

// ranked are the selectivities of the units, the largest first.
func (a *analysed) ranked() chart.Series {
	s := chart.Series{Name: "units", Dots: true}
	values := slices.Clone(a.tuning.Selectivity)
	slices.Sort(values)
	slices.Reverse(values)
	for i, v := range values {
		s.X, s.Y = append(s.X, float64(i+1)), append(s.Y, 100*v)
	}
	return s
}

// demixedChart is the first component of a kind against time, for each condition.
func (a *analysed) demixedChart(title string, components [][]float64, r *analysisReport) chart.Lines {
	c := chart.Lines{Title: title, XLabel: "step", YLabel: "along it"}
	for i, name := range r.Conditions {
		s := chart.Series{Name: name, Y: components[0][i*a.steps : (i+1)*a.steps]}
		for t := range a.steps {
			s.X = append(s.X, float64(t+1))
		}
		c.Series = append(c.Series, s)
	}
	return c
}
