package rules

import (
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
)

// TestBarsVerdict holds verdicts to rows that are made up.
func TestBarsVerdict(t *testing.T) {
	s := &bars{Times: []float64{1, 10}, Epochs: 2, Every: 1}
	row := func(rule string, time, accuracy float64) experiment.Row {
		return exptest.Row(barsCondition(rule, time), rows.Values{"accuracy": accuracy})
	}
	exptest.Verdicts(t, s, []exptest.Case{
		{"as published", experiment.Rows{row("latent-equilibrium", 10, 1), row("sacramento", 10, 0.4), row("sacramento", 1, 0.9)}, experiment.Holds},
		{"one that did not learn", experiment.Rows{row("latent-equilibrium", 10, 1), row("latent-equilibrium", 10, 0.875), row("sacramento", 10, 0.4)}, experiment.Fails},
		{"the original learns, too", experiment.Rows{row("latent-equilibrium", 10, 1), row("sacramento", 10, 0.7)}, experiment.Fails},
		{"one rule alone", experiment.Rows{row("latent-equilibrium", 10, 1)}, experiment.None},
	})
}
