package rules

import (
	"strings"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
)

// TestParametersVerdict holds verdicts to rows that are made up: one circuit of an axis of the claim that does not learn
// lets it fail, one of another axis does not.
func TestParametersVerdict(t *testing.T) {
	s := &parameters{}
	verdict := func(fails, missing string) experiment.Verdict {
		var all experiment.Rows
		for _, a := range axes {
			for i := range a.values {
				v := rows.Values{"accuracy": 1, "epoch": 10}
				if a.condition(i) == fails {
					v = rows.Values{"accuracy": 1}
				}
				if a.condition(i) != missing {
					all = append(all, exptest.Row(a.condition(i), v))
				}
			}
		}
		r, err := s.Report(all)
		if err != nil {
			t.Fatal(err)
		}
		return r.Verdict
	}
	for _, c := range []struct {
		fails, missing string
		want           experiment.Verdict
	}{{"", "", experiment.Holds}, {"delay 1", "", experiment.Fails}, {"delay 5", "", experiment.Holds}, {"leak 0.3", "", experiment.Holds}, {"", "refractory 1", experiment.None}} {
		if got := verdict(c.fails, c.missing); got != c.want {
			t.Errorf("%+v: verdict %q", c, got)
		}
	}
	s.Axes = []string{"dealy"}
	if _, err := s.Cases([]uint64{1}); err == nil || !strings.Contains(err.Error(), `axes holds "dealy", want some of transfer,`) {
		t.Errorf("an axis that is none gives %v", err)
	}
}

// TestAxesFit holds that every value along every axis is one that the circuit takes.
func TestAxesFit(t *testing.T) {
	s := &parameters{Hidden: 3, Epochs: 1, Every: 1}
	for _, a := range axes {
		for i := range a.values {
			if _, err := s.lesson(a, i).m.Bind("microcircuit", 9, 3); err != nil {
				t.Errorf("%s: %v", a.condition(i), err)
			}
		}
	}
}
