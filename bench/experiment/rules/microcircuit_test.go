package rules

import (
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
)

// TestMicrocircuitQuickly runs the experiment at its tiny settings.
func TestMicrocircuitQuickly(t *testing.T) { exptest.Quickly(t, "microcircuit") }

// TestMicrocircuitVerdict holds verdicts to rows that are made up: each test that fails lets the claim fail.
func TestMicrocircuitVerdict(t *testing.T) {
	s := &microcircuit{}
	row := func(condition string, v rows.Values) experiment.Row {
		return experiment.Row{Condition: condition, Result: experiment.Result{Values: v}}
	}
	verdict := func(apical, apart, all, outputs, missed float64) experiment.Verdict {
		return s.verdict(experiment.Rows{row(selfPrediction, rows.Values{"apical": apical, "interneurons": apart}), row(deep, rows.Values{"loss": all}),
			row(shallow, rows.Values{"loss": outputs}), row(digits, rows.Values{"error": missed}), row(plain, rows.Values{"error": 0.2})})
	}
	for _, c := range []struct {
		apical, apart, all, outputs, missed float64
		want                                experiment.Verdict
	}{
		{0.01, 0.01, 0.1, 0.5, 0.1, experiment.Holds},
		{0.06, 0.01, 0.1, 0.5, 0.1, experiment.Fails},
		{0.01, 0.06, 0.1, 0.5, 0.1, experiment.Fails},
		{0.01, 0.01, 0.6, 0.5, 0.1, experiment.Fails},
		{0.01, 0.01, 0.1, 0.5, 0.3, experiment.Fails},
	} {
		if got := verdict(c.apical, c.apart, c.all, c.outputs, c.missed); got != c.want {
			t.Errorf("%+v: verdict %q", c, got)
		}
	}
	if got := s.verdict(nil); got != experiment.None {
		t.Errorf("without rows the verdict is %q", got)
	}
}
