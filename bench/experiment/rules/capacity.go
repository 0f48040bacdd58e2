package rules

import (
	"context"
	"fmt"
	"slices"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"
)

func init() {
	experiment.Register(experiment.Entry{
		Name: "capacity",
		Doc:  "how large a network may be whose function a microcircuit learns",
		Claim: fmt.Sprintf("a microcircuit of 50 hidden cells learns the functions of networks of up to 50 hidden units to an error below %g %% of their variance, "+
			"and better than its outputs alone do", 100*capacityLeast),
		Source: "an open point of notes on dendritic microcircuits in NEST; the task: Sacramento et al. (2018), arXiv:1810.11393",
		New:    func() experiment.Settings { return &capacity{Units: []int{5, 20, 50, 200}, Lessons: 10000} },
	})
}

// capacityLeast is the error of the claim, in the variance of the teacher, and capacityUnits the largest teacher of it.
const (
	capacityLeast = 0.1
	capacityUnits = 50
)

// capacity teaches a microcircuit by networks of several sizes.
type capacity struct {
	Units   []int `toml:"units" doc:"hidden units of the networks that are learned" min:"1" max:"100000" nonempty:"true"`
	Lessons int   `toml:"lessons" doc:"batches of 16 random patterns" min:"1" max:"100000000"`
}

// Quick implements Settings.
func (s *capacity) Quick() { s.Units, s.Lessons = []int{3}, 2 }

func capacityCondition(units int, all bool) string {
	if all {
		return fmt.Sprintf("%d units", units)
	}
	return fmt.Sprintf("%d units, outputs alone", units)
}

// Cases implements Settings.
func (s *capacity) Cases(seeds []uint64) ([]experiment.Case, error) {
	var conditions []experiment.Condition
	for _, n := range s.Units {
		for _, all := range []bool{true, false} {
			conditions = append(conditions, experiment.Condition{Name: capacityCondition(n, all),
				Run: func(ctx context.Context, env *experiment.Env, seed uint64) (experiment.Result, error) {
					return regress(ctx, env, seed, s.Lessons, n, all)
				}})
		}
	}
	return experiment.BySeed(conditions, seeds), nil
}

// Report implements Settings.
func (s *capacity) Report(results experiment.Rows) (experiment.Report, error) {
	t := rows.Table{Title: fmt.Sprintf("Error of 50 hidden cells after %d batches, in the variance of the teacher", s.Lessons),
		Head: []string{"hidden units of the teacher", "all cells learn", "worst", "outputs alone"}}
	lines := []chart.Series{{Name: "all cells learn", Dots: true}, {Name: "outputs alone", Dots: true}}
	verdict := experiment.Holds
	for _, n := range s.Units {
		all, outputs := results.Of(capacityCondition(n, true)), results.Of(capacityCondition(n, false))
		if len(all.Values("loss")) == 0 || len(outputs.Values("loss")) == 0 {
			verdict = experiment.None
			continue
		}
		worst := slices.Max(all.Values("loss"))
		if verdict == experiment.Holds && n <= capacityUnits && (worst >= capacityLeast || worst >= slices.Min(outputs.Values("loss"))) {
			verdict = experiment.Fails
		}
		t.Rows = append(t.Rows, []string{fmt.Sprint(n), all.Mean("loss").PercentTenths(), fmt.Sprintf("%.1f %%", 100*worst), outputs.Mean("loss").PercentTenths()})
		for i, of := range []experiment.Rows{all, outputs} {
			lines[i].X, lines[i].Y = append(lines[i].X, float64(n)), append(lines[i].Y, of.Mean("loss").Value)
		}
	}
	r := experiment.Report{Verdict: verdict, Tables: []rows.Table{t}}
	if len(lines[0].X) > 0 {
		r.Charts = []experiment.Chart{{Name: "units", Caption: "Means over seeds.", Lines: chart.Lines{Title: "What a microcircuit of 50 hidden cells learns", XLabel: "hidden units of the teacher",
			YLabel: "error / variance", LogX: true, LogY: true, Series: lines, Levels: []chart.Level{{Y: capacityLeast, Text: "claim"}}}}}
	}
	r.Result = fmt.Sprintf("30 inputs, 10 outputs, batches of %d patterns, rule latent-equilibrium, learning rate %g falling along a cosine, as in experiment microcircuit. "+
		"The claim is of teachers of up to %d hidden units; larger ones are told beside.", lessonWidth, lessonRate, capacityUnits)
	return r, nil
}
