package rules

import (
	"math"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
)

// TestSpikingVerdict holds verdicts to rows that are made up, with each part of the claim missed by one.
func TestSpikingVerdict(t *testing.T) {
	s := &spikingLimit{Gammas: []float64{250, 1000, 4000}, Populations: []int{4, 16, 64}, Refractory: []float64{2}, Delays: []float64{1}}
	verdict := func(power, noise, rate, shift float64) experiment.Verdict {
		var all experiment.Rows
		for _, c := range s.circuits() {
			n := c.gamma * float64(c.population)
			v := rows.Values{"rms": math.Pow(n, power), "shift": 0.01, "rate": 1, "noise": math.Pow(n, noise), "bias": 0, "up": 1, "ip": 1, "pi": 1}
			if c.refractory > 0 {
				v["rate"] = rate
			}
			if c.delay > 0 {
				v["shift"] = shift
			}
			all = append(all, exptest.Row(c.name, v))
		}
		r, err := s.Report(all)
		if err != nil {
			t.Fatal(err)
		}
		return r.Verdict
	}
	for _, c := range []struct {
		power, noise, rate, shift float64
		want                      experiment.Verdict
	}{
		{-0.5, -0.5, 1, 0.01, experiment.Holds},
		{-0.4, -0.5, 1, 0.01, experiment.Fails},
		{-0.5, -0.3, 1, 0.01, experiment.Fails},
		{-0.5, -0.5, 0.9, 0.01, experiment.Fails},
		{-0.5, -0.5, 1, 0.1, experiment.Fails},
	} {
		if got := verdict(c.power, c.noise, c.rate, c.shift); got != c.want {
			t.Errorf("%+v: verdict %q", c, got)
		}
	}
	if r, err := s.Report(experiment.Rows{}); err != nil || r.Verdict != experiment.None {
		t.Errorf("without rows: %q, %v", r.Verdict, err)
	}
}
