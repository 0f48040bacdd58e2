package networks

import (
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
)

// verdict returns that of rows with a value changed in all of them.
func verdict(t *testing.T, j *experiment.Job, name string, value float64) experiment.Verdict {
	t.Helper()
	results, err := j.Rows()
	if err != nil {
		t.Fatal(err)
	}
	for i := range results {
		if _, ok := results[i].Values[name]; !ok {
			t.Fatalf("there is no value %q", name)
		}
		results[i].Values[name] = value
	}
	r, err := j.Settings.Report(results)
	if err != nil {
		t.Fatal(err)
	}
	return r.Verdict
}

func TestSTDP(t *testing.T) {
	exptest.Quickly(t, "stdp-weights")
	j := exptest.Quick(t, "stdp-weights")
	if err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for middle, want := range map[float64]experiment.Verdict{0.2: experiment.Holds, 0.3: experiment.Fails} {
		if got := verdict(t, j, "middle", middle); got != want {
			t.Errorf("with %g of the weights between, the verdict is %s", middle, got)
		}
	}
}

func TestISP(t *testing.T) {
	exptest.Quickly(t, "isp-rates")
	j := exptest.Quick(t, "isp-rates")
	if err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	results, err := j.Rows()
	if err != nil {
		t.Fatal(err)
	}
	report := func(off float64) experiment.Verdict {
		for _, row := range results {
			for _, form := range ispForms {
				if form.name == row.Condition {
					row.Values["last e"], row.Values["last i"] = off*form.targets["e"], 10
				}
			}
		}
		r, err := j.Settings.Report(results)
		if err != nil {
			t.Fatal(err)
		}
		return r.Verdict
	}
	if report(1) != experiment.Holds || report(1.09) != experiment.Fails || report(0.91) != experiment.Fails {
		t.Errorf("verdicts at the targets and 9 %% beside are %s, %s and %s", report(1), report(1.09), report(0.91))
	}
}
