package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"galvani/bench/rows"
	"galvani/data"
	"galvani/engine/chart"
	"galvani/engine/rundir"
)

const (
	// Time steps up to which the gradient is followed back: the graph is unrolled for it, and
	// compiling takes the square of its length.
	gradientSteps = 200
	gradientBatch = 8
	// Test sequences that the response to looming is averaged over.
	responseSamples = 1000
	smoothing       = 25 // updates in the running mean of a learning curve
)

// plotFormats returns the formats that the key plots names.
func plotFormats(plots string) []string {
	switch plots {
	case "both":
		return chart.Formats[:]
	case "none":
		return nil
	}
	return []string{plots}
}

// plot draws what a run has to show, in the formats that are asked for. A chart without a point is left out.
func (j *job) plot(run *rundir.Run, say func(string, ...any)) error {
	formats := plotFormats(j.run.Plots)
	if len(formats) == 0 {
		return nil
	}
	charts, err := j.charts(run, say)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(charts)) {
		if err := run.Plot(name, charts[name], formats...); err != nil && !errors.Is(err, chart.ErrEmpty) {
			return err
		}
	}
	return nil
}

// charts returns what a run has to show, by name. Some may be without a point.
func (j *job) charts(run *rundir.Run, say func(string, ...any)) (map[string]chart.Lines, error) {
	rows, err := run.Metrics()
	if err != nil {
		return nil, err
	}
	accuracy := "accuracy (%)"
	if j.task.Trials {
		accuracy = "trials decided rightly (%)"
	}
	charts := map[string]chart.Lines{
		"loss": {Title: "Loss", XLabel: "update", YLabel: j.lossLabel(), LogY: true, Note: j.curveNote(), Series: curves(rows, "loss")},
		"accuracy": {Title: "Accuracy", XLabel: "update", YLabel: accuracy, Note: j.curveNote(), Levels: j.chance(100),
			Series: curves(rows, "accuracy")},
	}
	maps.Copy(charts, measures(rows))
	for i, s := range charts["accuracy"].Series {
		charts["accuracy"].Series[i] = percent(s)
	}
	if j.net != nil && j.task.T > 1 && !j.size.Bidirectional {
		if charts["gradient"], err = j.gradientChart(say); err != nil {
			return nil, err
		}
	}
	if timed, ok := j.task.Test.(data.Timed); ok && !j.size.Bidirectional {
		if charts["response"], err = j.responseChart(timed); err != nil {
			return nil, err
		}
	}
	if set, ok := j.task.Test.(data.Trials); ok {
		if charts["psychometric"], err = j.psychometricChart(set); err != nil {
			return nil, err
		}
	}
	for name, c := range charts {
		c.Subtitle = j.subtitle(run)
		charts[name] = c
	}
	return charts, nil
}

// curves are the courses of a metric over training batches, validation and test, as far as there are
// such. With a validation set the test is one point: the best checkpoint, measured at the end.
func curves(rows []rundir.Row, metric string) []chart.Series {
	var list []chart.Series
	for _, s := range []chart.Series{curve(rows, "train", metric, smoothing), curve(rows, "validation", "validation_"+metric, 0),
		curve(rows, "test", "test_"+metric, 0)} {
		if s.Scatter = len(s.X) == 1; len(s.X) > 0 {
			list = append(list, s)
		}
	}
	return list
}

// anglePrefix begins the names of angles among the metrics.
const anglePrefix = "angle_"

// measures are the charts of what evaluations measure besides loss and accuracy, by name.
func measures(rows []rundir.Row) map[string]chart.Lines {
	return map[string]chart.Lines{
		"angles": {Title: "Updates beside the gradient", XLabel: "update", YLabel: "angle (degrees)",
			Note:   "Between what the rule changes and the gradient, on the first training batch; feedback: between the weights of the way back and those that they stand for.",
			Levels: []chart.Level{{Y: 90, Text: "no relation"}}, Series: prefixed(rows, anglePrefix)},
		"self-prediction": {Title: "Distance from the self-predicting state", XLabel: "update", YLabel: "error", LogY: true,
			Note:   "On the first training batch, without target. apical: norm of the apical potentials; interneuron: squared distance to the cells above; ip, pi: mean squares of what weights of interneurons are off.",
			Series: prefixed(rows, "self_")},
		"hessian": {Title: "Hessian of the loss", XLabel: "update", YLabel: "eigenvalue",
			Note: "Of the first training batch, by the method of Lanczos.", Series: ends(rows)},
	}
}

// prefixed are the courses of all metrics whose names begin alike.
func prefixed(rows []rundir.Row, prefix string) []chart.Series {
	names := map[string]bool{}
	for _, r := range rows {
		for name := range r.Values {
			if strings.HasPrefix(name, prefix) {
				names[name] = true
			}
		}
	}
	var list []chart.Series
	for _, name := range slices.Sorted(maps.Keys(names)) {
		s := curve(rows, strings.ReplaceAll(strings.TrimPrefix(name, prefix), "_", " "), name, 0)
		s.Dots = true
		list = append(list, s)
	}
	return list
}

// ends are the courses of both ends of the spectrum of the Hessian.
func ends(rows []rundir.Row) (list []chart.Series) {
	for _, end := range []string{"largest", "smallest"} {
		if s := curve(rows, end, "hessian_"+end, 0); len(s.X) > 0 {
			s.Dots = true
			list = append(list, s)
		}
	}
	return list
}

// curveNote says what the lines of a learning curve mean.
func (j *job) curveNote() string {
	text := fmt.Sprintf("train, thin: each update; thick: mean of the %d updates around it. ", smoothing)
	if j.task.Validation == nil {
		return text + "test: each evaluation."
	}
	return text + "validation: each evaluation. test: the best checkpoint, at the end."
}

// subtitle says what a chart is of: model, size and task, and the run.
func (j *job) subtitle(run *rundir.Run) string {
	return fmt.Sprintf("%s (%s) on %s; run %s", j.network().Name(), j.units(), j.task.Name, filepath.Base(run.Dir()))
}

// lossLabel names the loss with its unit.
func (j *job) lossLabel() string {
	if j.task.Goal == data.Classify {
		return "cross-entropy (nats)"
	}
	return "mean squared error (target²)"
}

// chance returns the share of right guesses as a level of a chart, times a factor. In trials the first
// class is to wait, and no choice; where there is one choice alone, to act at the right time, and where
// every step asks for a class, guessing has no such share.
func (j *job) chance(factor float64) []chart.Level {
	t := j.task
	choices := t.O
	switch {
	case t.Goal != data.Classify || t.Every && !t.Trials:
		return nil
	case t.Trials:
		choices--
	}
	if choices < 2 {
		return nil
	}
	return []chart.Level{{Y: factor / float64(choices), Text: "chance"}}
}

// curve is the course of one metric.
func curve(rows []rundir.Row, name, metric string, smooth int) chart.Series {
	s := chart.Series{Name: name, Smooth: smooth}
	for _, r := range rows {
		if v, ok := r.Values[metric]; ok {
			s.X, s.Y = append(s.X, float64(r.Step)), append(s.Y, v)
		}
	}
	return s
}

func percent(s chart.Series) chart.Series {
	for i := range s.Y {
		s.Y[i] *= 100
	}
	return s
}

// gradientChart shows how far the gradient reaches back in time.
func (j *job) gradientChart(say func(string, ...any)) (chart.Lines, error) {
	c := chart.Lines{Title: "Gradient reaching back in time", XLabel: "time step t", YLabel: "‖∂L/∂h(t)‖ (loss per unit of h)", LogY: true,
		Note: fmt.Sprintf("Norm over the units and the first %d test sequences, after training; loss L in %s.", min(gradientBatch, j.task.Test.Len()), j.lossLabel())}
	if j.place.dev == nil && j.task.T > gradientSteps {
		say("no plot of the gradient against time: T=%d is more than the %d steps that are unrolled for it", j.task.T, gradientSteps)
		return c, nil
	}
	b, err := j.session.Batch(j.task.Test, min(gradientBatch, j.task.Test.Len()))
	if err != nil {
		return c, err
	}
	norms, err := j.session.StepGradients(b)
	if err != nil {
		return c, fmt.Errorf("gradient against time: %w", err)
	}
	s := chart.Series{Name: j.network().Name(), Y: norms}
	for t := range norms {
		s.X = append(s.X, float64(t+1))
	}
	c.Series = []chart.Series{s}
	return c, nil
}

// psychometricChart shows the part of the trials that are decided rightly against the coherence of
// the stimuli, with its 95 % interval; empty for tasks whose stimuli have one coherence.
func (j *job) psychometricChart(set data.Trials) (chart.Lines, error) {
	c := chart.Lines{Title: "Psychometric curve", XLabel: "coherence (%)", YLabel: "trials decided rightly (%)",
		Note: "Band: 95 % interval over test trials.", Levels: j.chance(100)}
	list, err := j.subject().Decide(set)
	if err != nil || len(list) < 2 || list[0].Kind != "" {
		return c, err
	}
	s := chart.Series{Name: j.network().Name(), Dots: true}
	for _, t := range list {
		share := rows.Share(t.Right, t.Count)
		s.X, s.Y = append(s.X, t.Coherence), append(s.Y, 100*share.Value)
		s.Lo, s.Hi = append(s.Lo, 100*share.Interval[0]), append(s.Hi, 100*share.Interval[1])
	}
	c.Series = []chart.Series{s}
	return c, nil
}

// responseChart shows the mean response, with its standard deviation, against the time to
// collision, for each class: the probability of the first class, or the first
// output of a regression. Time runs to the right, as it passes.
func (j *job) responseChart(set data.Timed) (chart.Lines, error) {
	t := j.task
	c := chart.Lines{Title: "Response to an approach", XLabel: "time from collision (ms)", YLabel: "time left, of a sequence's duration",
		Note: fmt.Sprintf("Line: mean over the sequences of a class among the first %d of the test set; band: one standard deviation to either side.", min(set.Len(), responseSamples))}
	lowest, highest := math.Inf(-1), math.Inf(1)
	if t.Goal == data.Classify {
		c.YLabel = "probability of " + t.Classes[0]
		c.Levels = j.chance(1)
		lowest, highest = 0, 1
	}
	responses, err := j.subject().Responses(set, responseSamples)
	if err != nil {
		return c, fmt.Errorf("response against time to collision: %w", err)
	}
	for _, r := range responses {
		s := chart.Series{Name: t.Name, X: r.Time, Y: r.Mean}
		if r.Class < len(t.Classes) {
			s.Name = t.Classes[r.Class]
		}
		if r.Apart {
			c.Note += fmt.Sprintf(" The class %s has no collision; its time counts from the mean collision of the others.", s.Name)
		}
		for i, mean := range r.Mean {
			s.Lo, s.Hi = append(s.Lo, max(lowest, mean-r.SD[i])), append(s.Hi, min(highest, mean+r.SD[i]))
		}
		c.Series = append(c.Series, s)
	}
	return c, nil
}
