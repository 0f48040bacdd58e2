package conductance

import (
	"math"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
)

func TestAbove(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{3, 4}, []float64{1, 2}, 1},
		{[]float64{1, 2}, []float64{3, 4}, 0},
		{[]float64{1, 3}, []float64{2}, 0.5},
		{[]float64{2, 3}, []float64{2}, 0.75},
	} {
		if got := above(c.a, c.b); got != c.want {
			t.Errorf("above(%v, %v) is %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestByType(t *testing.T) {
	v := rows.Values{}
	byType(v, []float64{1, 2, 3, 5}, 3)
	if v["A"] != 2.75 || v["A_E"] != 2 || v["A_I"] != 5 || v["A_I-E"] != 3 || v["auc"] != 1 || math.Abs(v["A_sd"]*v["A_sd"]-8.75/3) > 1e-12 {
		t.Errorf("A by type is %v", v)
	}
	for _, c := range []struct {
		a          []float64
		excitatory int
	}{{[]float64{1, 2}, 0}, {[]float64{1}, 1}} {
		v := rows.Values{}
		if byType(v, c.a, c.excitatory); len(v) > 2 || v["A"] == 0 {
			t.Errorf("%v with %d excitatory units has types: %v", c.a, c.excitatory, v)
		}
	}
}

// TestRelaxationVerdict holds verdicts to rows that are made up.
func TestRelaxationVerdict(t *testing.T) {
	s := &relaxation{Bins: 4}
	row := func(seed uint64, a ...float64) experiment.Row {
		r := experiment.Row{Condition: "pre, Dale", Seed: seed, Result: experiment.Result{Values: rows.Values{"parameters": 9, "last_accuracy": 0.9, "excitatory": 2}, Curves: map[string]rows.Curve{"A": a}}}
		byType(r.Values, a, 2)
		return r
	}
	exptest.Verdicts(t, s, []exptest.Case{
		{"two values", experiment.Rows{row(1, 1, 1, 2), row(2, 1, 1, 3)}, experiment.Holds},
		{"two values the other way", experiment.Rows{row(1, 1, 1, 0.5), row(2, 1, 1, 0.5)}, experiment.Holds},
		{"once so, once the other way", experiment.Rows{row(1, 1, 1, 2), row(2, 1, 1, 0.5)}, experiment.Fails},
		{"overlap", experiment.Rows{row(1, 1, 2, 1.5), row(2, 1, 1, 3)}, experiment.Fails},
		{"not run yet", experiment.Rows{{Condition: "scalar", Seed: 1, Result: experiment.Result{Values: rows.Values{"A": 1}, Curves: map[string]rows.Curve{"A": {1}}}}}, experiment.None},
	})
}
