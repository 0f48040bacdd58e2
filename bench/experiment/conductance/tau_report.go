package conductance

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"
)

// recovered reports whether both mean time constants of a row are within tolerance.
func recovered(r experiment.Row) bool {
	for _, name := range []string{"tau_s", "tau_r"} {
		want := r.Values["teacher_"+name]
		if !(math.Abs(r.Values[name]-want) <= tauTolerance*want) {
			return false
		}
	}
	return true
}

// Report implements Settings.
func (s *tauRecovery) Report(results experiment.Rows) (experiment.Report, error) {
	main := rows.Table{Title: fmt.Sprintf("Students of teachers with tau_s %g and tau_r %g", s.TauS, s.TauR),
		Head: []string{"student", "mean tau_s", "mean tau_r", "both within 10 %", "single units off, tau_s", "single units off, tau_r", "units with tau_s below tau_r", "validation MSE", "of the variance"}}
	curve := chart.Lines{Title: "Validation error of students", XLabel: "update", YLabel: "mean squared error", LogY: true}
	two := rows.Table{Title: fmt.Sprintf("Students of two populations, with tau_r %g and %g and tau_s %g in both", s.TauS, s.Slow, s.TauS),
		Head: []string{"student", "constant", "variance explained by two groups", "largest p", "geometric mean of the lower group", "of the upper group", "units in the group of their teacher", "students with two modes"}}
	r := experiment.Report{Verdict: experiment.Fails}
	f := s.found(results)
	for _, l := range s.lessons() {
		of := results.Of(l.name)
		if len(of) == 0 {
			continue
		}
		if l.two {
			more, histograms := f.populations(l, of)
			two.Rows, r.Charts = append(two.Rows, more...), append(r.Charts, histograms...)
			continue
		}
		main.Rows = append(main.Rows, l.row(of))
		if l.activation == "tanh" {
			curve.Series = append(curve.Series, rows.Band(l.name, of[0].Curves["step"], errorCurve(of)))
		}
	}
	r.Tables = []rows.Table{main}
	if len(curve.Series) > 0 {
		r.Charts = append([]experiment.Chart{{Name: "error", Caption: "Geometric mean over seeds with its interval.", Lines: curve}}, r.Charts...)
	}
	if len(two.Rows) > 0 {
		r.Tables = append(r.Tables, two)
	}
	one := f.students > 0 && f.recovered == f.students && f.pairs > 0 && f.better == f.pairs
	switch {
	case one && f.inTauR == f.ofTwo:
		r.Verdict = experiment.Holds
	case f.recovered > 0 && f.better > 0:
		r.Verdict = experiment.HoldsWhen
	}
	r.Result = s.words(results, f)
	return r, nil
}

// row is a condition with teachers of one population.
func (l lesson) row(of experiment.Rows) []string {
	row := []string{l.name, "-", "-", "-", "-", "-", "-", rows.Geometric(of.Values("mse")).Format("%.2g"), percentOf(of, "mse", "variance")}
	if taught := of.Where(hasTaus); len(taught) > 0 {
		row[1], row[2] = taught.Mean("tau_s").Format("%.2f"), taught.Mean("tau_r").Format("%.2f")
		row[3] = fmt.Sprintf("%d of %d", len(of.Where(recovered)), len(of))
		if !l.free { // otherwise units do not correspond
			row[4], row[5] = taught.Mean("tau_s_off").PercentTenths(), taught.Mean("tau_r_off").PercentTenths()
		}
		row[6] = inOrder(taught)
	}
	return row
}

// inOrder counts the units whose synapse is faster than their membrane, as in the teacher.
func inOrder(of experiment.Rows) string {
	n, all := 0, 0
	for _, r := range of {
		for i, tau := range r.Curves["tau_s"] {
			if all++; tau < r.Curves["tau_r"][i] {
				n++
			}
		}
	}
	return fmt.Sprintf("%d of %d", n, all)
}

func hasTaus(r experiment.Row) bool { return len(r.Curves["tau_s"]) > 0 }

// errorCurve returns the geometric mean of the validation errors at each evaluation.
func errorCurve(of experiment.Rows) []rows.Estimate {
	var all []rows.Estimate
	for i := range of[0].Curves["test_loss"] {
		var at []float64
		for _, r := range of {
			if c := r.Curves["test_loss"]; i < len(c) {
				at = append(at, c[i])
			}
		}
		all = append(all, rows.Geometric(at))
	}
	return all
}

// percentOf returns the geometric mean of the ratio of two numbers of the rows, in percent.
func percentOf(results experiment.Rows, a, b string) string {
	var list []float64
	for _, r := range results {
		list = append(list, r.Values[a]/r.Values[b])
	}
	return rows.Geometric(list).Times(100).Format("%.2g") + " %"
}

// tauFound is what became of the parts of the claim.
type tauFound struct {
	students, recovered int       // with the identity as read-out
	pairs, better       int       // of students and Elman networks of the same seed
	ratios              []float64 // of their errors, for the better of the two Elman networks
	ofTwo               int       // students of two populations
	inTauS, inTauR      int       // of these, with two modes
	notes               []string  // on them
}

// found compares each student with the better Elman network of its seed.
func (s *tauRecovery) found(results experiment.Rows) *tauFound {
	f := &tauFound{}
	for _, l := range s.lessons() {
		if !l.recovers() {
			continue
		}
		for _, r := range results.Of(l.name) {
			f.students++
			if recovered(r) {
				f.recovered++
			}
			if elman := elmanError(results, r.Seed); !math.IsInf(elman, 1) {
				f.pairs++
				f.ratios = append(f.ratios, r.Values["mse"]/elman)
				if r.Values["mse"] <= elmanFactor*elman {
					f.better++
				}
			}
		}
	}
	return f
}

// elmanError returns the error of the better Elman network of a seed, infinity where there is none.
func elmanError(results experiment.Rows, seed uint64) float64 {
	least := math.Inf(1)
	for _, r := range results {
		if r.Seed == seed && (r.Condition == tauElman || r.Condition == tauElmanFree) {
			least = min(least, r.Values["mse"])
		}
	}
	return least
}

// populations tells whether the constants of students of two populations have two modes: a row of
// the table for each constant, and their histogram.
func (f *tauFound) populations(l lesson, of experiment.Rows) ([][]string, []experiment.Chart) {
	of = of.Where(hasTaus)
	if len(of) == 0 {
		return nil, nil
	}
	lines := chart.Lines{Title: "Students of " + l.name, XLabel: "time constant (steps)", YLabel: "share of units in a bin", LogX: true}
	var table [][]string
	var two [2]int
	var tops []string
	for i, name := range []string{"tau_s", "tau_r"} {
		var explained, low, high, right []float64
		var all rows.Curve
		worst := 0.0
		for _, r := range of {
			m := splitModes(rows.Logs(r.Curves[name]))
			explained, worst = append(explained, m.explained), max(worst, m.p)
			low, high = append(low, math.Exp(m.low)), append(high, math.Exp(m.high))
			right = append(right, m.agrees(r.Curves["teacher_tau_r"]))
			all = append(all, r.Curves[name]...)
			if m.two() {
				two[i]++
			}
		}
		table = append(table, []string{l.name, name, rows.Mean(explained).PercentTenths(), fmt.Sprintf("%.2g", worst), rows.Geometric(low).Format("%.1f"), rows.Geometric(high).Format("%.1f"),
			rows.Mean(right).PercentTenths(), fmt.Sprintf("%d of %d", two[i], len(of))})
		tops = append(tops, fmt.Sprintf("%s in %d of %d (groups at %s and %s)", name, two[i], len(of), rows.Geometric(low).Format("%.1f"), rows.Geometric(high).Format("%.1f")))
		series := rows.Histogram(name, all, tauBins)
		series.Dashed = i == 0
		lines.Series = append(lines.Series, series)
	}
	f.ofTwo, f.inTauS, f.inTauR = f.ofTwo+len(of), f.inTauS+two[0], f.inTauR+two[1]
	f.notes = append(f.notes, fmt.Sprintf("%s have two modes in %s; %s of the variance is left.", l.name, strings.Join(tops, ", "), percentOf(of, "mse", "variance")))
	return table, []experiment.Chart{{Name: fmt.Sprintf("modes-%g", l.startS), Caption: "Units of all seeds.", Lines: lines}}
}

// tauBins are those of the histogram of time constants.
var tauBins = rows.Bins{From: 1, To: 200, N: 24, Log: true}

// words says what was found.
func (s *tauRecovery) words(results experiment.Rows, f *tauFound) string {
	text := fmt.Sprintf("Teachers are rate networks of %d tanh units with Gaussian weights of spectral radius %g; a unit receives white noise of standard deviation %g in each step. "+
		"Students see %d sequences of %d steps and are to give all rates at every step. Their read-out is held at the identity, so that unit n of the student stands for unit n of the teacher, unless it says that it is learned.",
		s.Units, s.Gain, s.Noise, s.Sequences, s.Steps)
	if f.students > 0 {
		text += fmt.Sprintf(" Both mean time constants were recovered within %g %% by %d of %d such students, wherever they started.", 100*tauTolerance, f.recovered, f.students)
	}
	if f.pairs > 0 {
		text += fmt.Sprintf(" Their validation error was at most %.2g of that of the better of two Elman networks of the same seed, of which one has the same read-out and the other learns it; at most half in %d of %d pairs.",
			slices.Max(f.ratios), f.better, f.pairs)
	}
	if free := results.Of(tauFree); len(free) > 0 {
		text += fmt.Sprintf(" With a read-out that is learned too, %d of %d recovered both.", len(free.Where(recovered)), len(free))
	}
	if linear := results.Of(tauLinear); len(linear) > 0 {
		text += fmt.Sprintf(" The negative control are linear rates, of spectral radius %g: their response does not change when tau_s and tau_r are exchanged, and %d of %d students that started with them exchanged recovered them, with %s of the variance left. The nonlinearity between the two is what tells them apart.",
			s.gain(lesson{activation: "linear"}), len(linear.Where(recovered)), len(linear), percentOf(linear, "mse", "variance"))
	}
	if len(f.notes) == 0 {
		return text
	}
	text += "\n\nStudents of " + strings.Join(f.notes, " Students of ")
	if f.inTauR < f.ofTwo && f.inTauS > 0 {
		text += " Students that start fast make the synapse of a slow unit slow instead of its membrane, and stay there."
	}
	return text + fmt.Sprintf(" Two modes means that the two groups that explain most of the variance of log τ explain more than %g %% of even samples of as many units would (p below %g, of %d samples), with means at least a factor of %d apart.",
		100*(1-modesP), modesP, modesDraws, modesRatio)
}
