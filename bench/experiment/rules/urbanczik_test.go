package rules

import (
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
)

// TestUrbanczikVerdict holds verdicts to rows that are made up.
func TestUrbanczikVerdict(t *testing.T) {
	s := &somatic{Delays: []float64{1, 5}, Repeats: 1}
	row := func(delay, correlation float64) experiment.Row {
		return exptest.Row(delayCondition(delay), rows.Values{"before": 0, "difference": 0, "kept": 1, "correlation": correlation})
	}
	exptest.Verdicts(t, s, []exptest.Case{
		{"as published", experiment.Rows{row(1, 0.95), row(5, 0.91)}, experiment.Holds},
		{"one delay with less", experiment.Rows{row(1, 0.95), row(5, 0.89)}, experiment.Fails},
		{"one delay alone", experiment.Rows{row(1, 0.95)}, experiment.None},
	})
}
