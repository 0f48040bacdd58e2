package rules

import (
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
)

// TestCapacityVerdict holds verdicts to rows that are made up; teachers larger than the claim's do not count.
func TestCapacityVerdict(t *testing.T) {
	s := &capacity{Units: []int{50, 200}}
	row := func(units int, all bool, loss float64) experiment.Row {
		return exptest.Row(capacityCondition(units, all), rows.Values{"loss": loss})
	}
	for _, c := range []struct {
		small, outputs, large float64
		want                  experiment.Verdict
	}{{0.05, 0.2, 0.9, experiment.Holds}, {0.15, 0.2, 0.1, experiment.Fails}, {0.05, 0.04, 0.1, experiment.Fails}} {
		r, err := s.Report(experiment.Rows{row(50, true, c.small), row(50, false, c.outputs), row(200, true, c.large), row(200, false, 0.5)})
		if err != nil || r.Verdict != c.want {
			t.Errorf("%+v: verdict %q, %v", c, r.Verdict, err)
		}
	}
	if r, err := s.Report(nil); err != nil || r.Verdict != experiment.None {
		t.Errorf("without rows: %q, %v", r.Verdict, err)
	}
}
