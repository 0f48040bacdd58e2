package rules

import (
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
)

// TestPublishedVerdict holds verdicts to rows that are made up.
func TestPublishedVerdict(t *testing.T) {
	s := &published{}
	with := func(change map[string]float64) (all experiment.Rows) {
		for _, r := range publishedRows {
			e := r.error / 100
			if r.more {
				e += 0.015
			}
			if v, ok := change[r.name]; ok {
				e = v
			}
			if e > 0 {
				all = append(all, exptest.Row(r.name, rows.Values{"error": e}))
			}
		}
		return all
	}
	for _, c := range []struct {
		what   string
		change map[string]float64
		want   experiment.Verdict
	}{
		{"as published", nil, experiment.Holds},
		{"better", map[string]float64{"latent equilibrium": 0.01, "sign symmetry, usf": 0.014}, experiment.Holds},
		{"a rule that loses more", map[string]float64{"feedback alignment": 0.027}, experiment.Fails},
		{"a network with more error", map[string]float64{"latent equilibrium": 0.023}, experiment.Fails},
		{"a network is missing", map[string]float64{"microcircuit, two sweeps": 0}, experiment.None},
		{"nothing to compare with", map[string]float64{publishedBase: 0}, experiment.None},
	} {
		if got := s.verdict(with(c.change)); got != c.want {
			t.Errorf("%s: verdict %q, want %q", c.what, got, c.want)
		}
	}
}
