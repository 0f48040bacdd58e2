package rules

import (
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/rows"
)

// TestLeakageVerdict holds verdicts to rows that are made up.
func TestLeakageVerdict(t *testing.T) {
	s := &leakage{Factors: []float64{1}, Sources: 100, Rate: 20, Leak: 0.1}
	d, tau := s.expected(1)
	for want, v := range map[experiment.Verdict]rows.Values{
		experiment.Holds: {"mean": 1.01, "deviation": d, "settle": tau},
		experiment.Fails: {"mean": 1, "deviation": 1.2 * d, "settle": tau},
		experiment.None:  {},
	} {
		r, err := s.Report(experiment.Rows{{Condition: factorCondition(1), Result: experiment.Result{Values: v}}})
		if err != nil || r.Verdict != want {
			t.Errorf("verdict %q, %v, want %q", r.Verdict, err, want)
		}
	}
}
