package rules

import (
	"strings"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
)

// TestAlignmentVerdict holds verdicts to rows that are made up.
func TestAlignmentVerdict(t *testing.T) {
	s := &alignment{Hidden: []int{2, 2}}
	row := func(first, second float64) experiment.Row {
		return experiment.Row{Condition: "feedback alignment", Seed: 1, Result: experiment.Result{Values: rows.Values{"error": 0.1, "angle_layer1": first, "angle_layer2": second}}}
	}
	if text := s.words(experiment.Rows{row(60, 40), {Condition: "feedback alignment", Seed: 2, Result: experiment.Result{Values: rows.Values{"error": 1}}}}); !strings.Contains(text, "1 of 2 trainings diverged") {
		t.Errorf("a training that diverged is not told: %s", text)
	}
	exptest.Verdicts(t, s, []exptest.Case{
		{"all within", experiment.Rows{row(60, 40), row(70, 50)}, experiment.Holds},
		{"one beyond", experiment.Rows{row(60, 40), row(91, 50)}, experiment.Fails},
		{"a layer that told nothing", experiment.Rows{{Condition: "feedback alignment", Result: experiment.Result{Values: rows.Values{"angle_layer1": 10}}}}, experiment.Fails},
		{"not run yet", nil, experiment.None},
	})
}
