package rules

import (
	"math"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
	"galvani/models/layered"
)

// TestSelfPredictionVerdict holds verdicts to rows that are made up, with each part of the claim missed by one.
func TestSelfPredictionVerdict(t *testing.T) {
	s := &selfState{Strengths: []float64{1}}
	verdict := func(self, aligned, exact, without, norm float64) experiment.Verdict {
		row := exptest.Row
		return s.verdict(experiment.Rows{row(stableSelf, rows.Values{"growth": self}), row(stableLearned, rows.Values{"growth": 1}), row(stableAligned, rows.Values{"growth": aligned}),
			row(excessCondition(true, 1), rows.Values{"ratio": exact}), row(excessCondition(false, 1), rows.Values{"ratio": without}),
			row(decaying, rows.Values{"norm": norm, "expected": 0.8})})
	}
	for _, c := range []struct {
		self, aligned, exact, without, norm float64
		want                                experiment.Verdict
	}{
		{0, -0.1, 1, 1.2, 0.8, experiment.Holds},
		{0.1, -0.1, 1, 1.2, 0.8, experiment.Fails},
		{0, 0.1, 1, 1.2, 0.8, experiment.Fails},
		{0, -0.1, 1.1, 1.2, 0.8, experiment.Fails},
		{0, -0.1, 1, 0.9, 0.8, experiment.Fails},
		{0, -0.1, 1, 1.2, 1, experiment.Fails},
	} {
		if got := verdict(c.self, c.aligned, c.exact, c.without, c.norm); got != c.want {
			t.Errorf("%+v: verdict %q", c, got)
		}
	}
	if got := s.verdict(nil); got != experiment.None {
		t.Errorf("without rows the verdict is %q", got)
	}
}

// TestCurrentExcess holds the potential of an interneuron that is driven by a current to its steady state.
func TestCurrentExcess(t *testing.T) {
	m := layered.NewMicrocircuit()
	if got, want := currentExcess(m), 1+m.GSom/(m.GLeak+m.GDend); math.Abs(got-want) > 1e-9 {
		t.Errorf("ratio %v, want %v", got, want)
	}
}
