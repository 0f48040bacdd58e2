package charged

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/data"
	"galvani/engine/chart"
)

// Report implements Settings.
func (s *looming) Report(results experiment.Rows) (experiment.Report, error) {
	entry, err := data.Lookup("looming")
	if err != nil {
		return experiment.Report{}, err
	}
	plain := *entry.New().(*data.Looming)
	r := experiment.Report{Verdict: experiment.Fails}
	for _, c := range []struct{ task, value, name, what, verb string }{
		{"looming", "last_accuracy", "accuracy", "Test accuracy", "%.3f"},
		{"looming-ttc", "rmse_ms", "ttc", "Error of the time to collision, ms", "%.1f"},
	} {
		r.Tables = append(r.Tables, s.difficulties(results, plain, c.task, c.value, c.what, c.verb))
		for _, w := range s.sweeps() {
			if lines := s.course(results, plain, w, c.task, c.value, c.what); len(lines.Series) > 0 {
				r.Charts = append(r.Charts, experiment.Chart{Name: c.name + "-" + w.key, Caption: "Trained at each difficulty anew; mean over seeds and their range.", Lines: lines})
			}
		}
	}
	r.Tables = append(r.Tables, s.fits(results, plain))
	for _, c := range s.shown() {
		of := results.Of(c.String())
		switch {
		case c.model != "crnn":
		case c.key == "" && s.fitOf(of, "activity", 0).mean().like():
			r.Verdict = experiment.Holds
		case r.Verdict == experiment.Fails && s.fitOf(of, "activity", slowFrom).mean().like():
			r.Verdict = experiment.HoldsWhen
		}
	}
	if lines := s.eta(results, plain); len(lines.Series) > 1 {
		r.Charts = append(r.Charts, experiment.Chart{Name: "peak", Caption: "Peak of the mean activity of the crnn for eyes of different fields, of what it sees, and of the η function with the locust's α and δ; mean over seeds and their range.", Lines: lines})
	}
	r.Result = s.words(results, plain)
	return r, nil
}

// base returns the default of a key.
func base(plain data.Looming, key string) float64 {
	return map[string]float64{"coherence": plain.Coherence, "background": plain.Background, "jitter": plain.Jitter, "half_field": plain.HalfField}[key]
}

// difficulties tabulates one number of one task for all models.
func (s *looming) difficulties(results experiment.Rows, plain data.Looming, task, value, what, verb string) rows.Table {
	t := rows.Table{Title: what, Head: append([]string{"task"}, s.Models...)}
	line := func(name, key string, v float64) {
		words := []string{name}
		for _, model := range s.Models {
			words = append(words, results.Of(loomingCase{task, model, key, v}.String()).Mean(value).FormatOr(verb))
		}
		t.Rows = append(t.Rows, words)
	}
	line(fmt.Sprintf("coherence %g %%, background %g, jitter %g ms", plain.Coherence, plain.Background, plain.Jitter), "", 0)
	for _, w := range s.sweeps() {
		for _, v := range w.values {
			line(fmt.Sprintf("%s %g", w.key, v), w.key, v)
		}
	}
	return t
}

// course draws one number of one task against one key.
func (s *looming) course(results experiment.Rows, plain data.Looming, w sweep, task, value, what string) chart.Lines {
	lines := chart.Lines{Title: what, XLabel: w.label, YLabel: strings.ToLower(what[:1]) + what[1:], LogX: w.log}
	if len(w.values) == 0 {
		return lines
	}
	x := slices.Sorted(slices.Values(append([]float64{base(plain, w.key)}, w.values...)))
	for _, model := range s.Models {
		series := chart.Series{Name: model, X: x, Dots: true}
		for _, v := range x {
			c := loomingCase{task, model, w.key, v}
			if v == base(plain, w.key) {
				c = loomingCase{task: task, model: model}
			}
			rows.AddSpread(&series, results.Of(c.String()).Values(value))
		}
		lines.Series = append(lines.Series, series)
	}
	return lines
}

// fits tabulates the lines through the peaks.
func (s *looming) fits(results experiment.Rows, plain data.Looming) rows.Table {
	t := rows.Table{Title: "Response peak against l/|v|: t_peak = α l/|v| − δ before collision",
		Head: []string{"cell", "half-width of the field, deg", "response", "l/|v|, ms", "α", "δ, ms", "threshold angle 2 atan(1/α), deg", "r²"}}
	locust := etaFit{alpha: locustAlpha, delta: locustDelta}
	t.Rows = append(t.Rows, []string{"locust", "", "firing rate", "10 to 50", fmt.Sprintf("%.1f (of animals: %.1f to %.1f)", locustAlpha, lowestAlpha, highestAlpha),
		fmt.Sprint(locustDelta), fmt.Sprintf("%.0f", locust.angle()), fmt.Sprintf("at least %g", leastR2)})
	for _, c := range s.shown() {
		of := results.Of(c.String())
		if len(of) == 0 {
			continue
		}
		for _, name := range responses {
			cell := c.model
			if name == "events" {
				cell = "none"
				if c.model != "crnn" {
					continue // the same for every cell
				}
			}
			for _, from := range []float64{s.LV[0], slowFrom} {
				f := s.fitOf(of, name, from)
				words := []string{cell, fmt.Sprint(s.field(c, plain)), name, fmt.Sprintf("%g to %g", from, s.LV[len(s.LV)-1])}
				if math.IsNaN(f.alpha.Value) {
					words = append(words, "no peak", "-", "-", "-")
				} else {
					words = append(words, f.alpha.Format("%.2f"), f.delta.Format("%.0f"), f.angle.Format("%.0f"), f.r2.Format("%.3f"))
				}
				t.Rows = append(t.Rows, words)
			}
		}
	}
	return t
}

// field returns the half-width of the field of view of a condition, deg.
func (s *looming) field(c loomingCase, plain data.Looming) float64 {
	if c.key == "half_field" {
		return c.value
	}
	return plain.HalfField
}

// shown lists the conditions whose responses are measured.
func (s *looming) shown() []loomingCase {
	var all []loomingCase
	for _, model := range s.Models {
		all = append(all, loomingCase{task: "looming", model: model})
	}
	for _, field := range s.Fields {
		all = append(all, loomingCase{"looming", "crnn", "half_field", field})
	}
	return all
}

// eta draws the peaks of the crnn beside those of the locust.
func (s *looming) eta(results experiment.Rows, plain data.Looming) chart.Lines {
	lines := chart.Lines{Title: "When responses peak", XLabel: "l/|v|, ms", YLabel: "peak before collision, ms"}
	locust := chart.Series{Name: fmt.Sprintf("η, α %g, δ %d ms", locustAlpha, locustDelta), Dashed: true}
	for _, lv := range s.LV {
		locust.X, locust.Y = append(locust.X, lv), append(locust.Y, data.EtaPeak(lv, locustAlpha, locustDelta))
	}
	lines.Series = append(lines.Series, locust)
	add := func(name string, c loomingCase, response string) {
		of := results.Of(c.String())
		if len(of) == 0 {
			return
		}
		series := chart.Series{Name: name, X: s.LV, Dots: true}
		for i := range s.LV {
			var seeds []float64
			for _, r := range of {
				if peaks := r.Curves["peak_"+response]; i < len(peaks) {
					seeds = append(seeds, peaks[i])
				}
			}
			rows.AddSpread(&series, seeds)
		}
		lines.Series = append(lines.Series, series)
	}
	crnn := loomingCase{task: "looming", model: "crnn"}
	add(fmt.Sprintf("crnn, ±%g°", plain.HalfField), crnn, "activity")
	for _, field := range s.Fields {
		add(fmt.Sprintf("crnn, ±%g°", field), loomingCase{"looming", "crnn", "half_field", field}, "activity")
	}
	add(fmt.Sprintf("events alone, ±%g°", plain.HalfField), crnn, "events")
	return lines
}

// words says what was found.
func (s *looming) words(results experiment.Rows, plain data.Looming) string {
	var sizes []string
	for _, model := range s.Models {
		if of := results.Of(loomingCase{task: "looming", model: model}.String()); len(of) > 0 {
			sizes = append(sizes, fmt.Sprintf("%s %g (%g)", model, of[0].Values["hidden"], of[0].Values["parameters"]))
		}
	}
	text := fmt.Sprintf("Cells of about the same number of learned parameters, hidden units (parameters) of looming: %s; %d passes over %d sequences. "+
		"A constant answer to the four classes has an accuracy of 0.25, to the time to collision an error of %.0f ms.", strings.Join(sizes, ", "), s.Epochs, plain.TrainSize,
		math.Sqrt(constantTTC)*float64(plain.Steps)*plain.StepMs)
	follows := 0
	for i, c := range s.shown() {
		of := results.Of(c.String())
		if c.model != "crnn" || len(of) == 0 {
			continue
		}
		all, slow := s.fitOf(of, "activity", 0), s.fitOf(of, "activity", slowFrom)
		events := s.fitOf(of, "events", slowFrom)
		lead := " "
		if i == 0 {
			lead = "\n\n"
		}
		text += fmt.Sprintf("%sWith a field of ±%g° the peaks of the trained crnn's activity give %v: %s. From l/|v| = %d ms on they give %v: %s; the events alone, without any network, α %.2f.",
			lead, s.field(c, plain), all, likeness(all.mean()), slowFrom, slow, likeness(slow.mean()), events.alpha.Value)
		if math.Abs(slow.alpha.Value/events.alpha.Value-1) < near {
			follows++
		}
	}
	if follows == 1+len(s.Fields) {
		text += fmt.Sprintf(" In every field the crnn's α is within %.0f %% of that of the events alone: they are densest when the edge of the object comes to the border of the field, and so it is the eye that sets the angle, "+
			"not anything that the network has learned. The class, which is all that is asked for, takes no response to a particular size.", 100*near)
	}
	return text
}

// constantTTC is the mean squared error of a constant answer to looming-ttc, in squares of the
// duration of a sequence.
const constantTTC = 0.037
