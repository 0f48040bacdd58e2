package networks

import (
	"math"
	"slices"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
)

func TestSTDP(t *testing.T) {
	_, j := exptest.Ran(t, "stdp-weights")
	for middle, want := range map[float64]experiment.Verdict{0.2: experiment.Holds, 0.3: experiment.Fails} {
		if r := exptest.Changed(t, j, func(_ int, row experiment.Row) { row.Values["middle"] = middle }); r.Verdict != want {
			t.Errorf("with %g of the weights between, the verdict is %s", middle, r.Verdict)
		}
	}
}

func TestClaims(t *testing.T) {
	for _, name := range []string{"f-i", "feed-forward", "recurrent-cancellation", "balanced-scaling", "semi-balanced-response", "cortical-column", "cortical-column-whole"} {
		o := exptest.Quickly(t, name)
		// A tenth of a second has no windows to tell a covariance.
		if len(o.Tables) != 2 || (o.Verdict == experiment.None) != (name == "balanced-scaling") {
			t.Errorf("%s: the report has %d tables and the verdict %s", name, len(o.Tables), o.Verdict)
		}
	}
}

// TestClaimVerdict: values within what is expected hold, an exponent included, and each of them alone can fail.
func TestClaimVerdict(t *testing.T) {
	c := claim{cases: []networkCase{{name: "a", x: 1}, {name: "b", x: 10}, {name: "c", x: 100}},
		expected: []expected{{"a", "rate e", 5, 0.5}}, slopes: []slope{{"input e", []string{"a", "b", "c"}, -0.5, 0.1}}, rising: []string{"rate e"},
		chart: claimChart{values: []string{"rate e"}}}
	report := func(rate float64, inputs ...float64) experiment.Report {
		var all experiment.Rows
		for i, x := range inputs {
			row := experiment.Row{Condition: c.cases[i].name, Seed: 1}
			row.Values = rows.Values{"rate e": rate + float64(i), "input e": x}
			if i == 2 && x > 0 {
				row.Values["rate e"] = 1
			}
			all = append(all, row)
		}
		r, err := (&claims{of: &c}).Report(all)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, k := range []struct {
		rate   float64
		inputs []float64
		want   experiment.Verdict
	}{
		{5.4, []float64{-1, -0.31, -0.1}, experiment.Holds},
		{5.6, []float64{-1, -0.31, -0.1}, experiment.Fails},
		{5.4, []float64{-1, -0.31, -0.2}, experiment.Fails},
		{5.4, []float64{-1, -0.31, 0.1}, experiment.Fails}, // the rate falls
		{5.4, []float64{-1, -0.31}, experiment.None},
	} {
		if r := report(k.rate, k.inputs...); r.Verdict != k.want || len(r.Charts) != 1 {
			t.Errorf("%v, %v: verdict %s with %d charts, want %s", k.rate, k.inputs, r.Verdict, len(r.Charts), k.want)
		}
	}
}

func TestNovelty(t *testing.T) {
	for _, name := range []string{"novelty", "novelty-spiking"} {
		_, j := exptest.Ran(t, name)
		for after, want := range map[float64]experiment.Verdict{0.1: experiment.Fails, 1e-3: experiment.Holds} {
			r := exptest.Changed(t, j, func(_ int, row experiment.Row) {
				row.Values["familiar before"], row.Values["novel before"] = 0.3, 0.31
				row.Values["familiar after"], row.Values["novel after"] = after, 0.1
			})
			if r.Verdict != want {
				t.Errorf("%s: answers of %g and 0.1: verdict %s", name, after, r.Verdict)
			}
		}
	}
	// One stimulus that is trained is answered by its target.
	s := &novelty{of: noveltyNet{network: "rates-isp", etas: map[string]float64{"eta": 25000}, trial: 200, settle: 800, look: 200, checks: 1, rate: 8}, Units: 50, Trials: 200, Eta: 1, Contrast: 0.5}
	r, err := s.measure(t.Context(), &experiment.Env{Threads: 1, Tick: func(float64) {}}, noveltyTasks[0], 1)
	if before, after := r.Values["familiar before"], r.Values["familiar after"]; err != nil || before < 1 || after > before/20 {
		t.Errorf("the distance from the target is %v before and %v after training, error %v", before, after, err)
	}
}

// TestCost: the time in proportion to the events holds, and one that grows faster along one axis fails.
func TestCost(t *testing.T) {
	_, j := exptest.Ran(t, "network-cost")
	for power, want := range map[float64]experiment.Verdict{1: experiment.Holds, 1.2: experiment.Fails} {
		r := exptest.Changed(t, j, func(i int, row experiment.Row) {
			if v := row.Values; !(v["synapses"] > 0 && v["bytes"] > 0 && v["seconds"] > 0 && v["built"] > 0) {
				t.Fatalf("%s has the values %v", row.Condition, v)
			}
			row.Values["events"] = float64(1 + i)
			row.Values["seconds"] = math.Pow(float64(1+i), power)
		})
		if r.Verdict != want || len(r.Charts) != 1 {
			t.Errorf("with the power %g: verdict %s", power, r.Verdict)
		}
	}
}

func TestISP(t *testing.T) {
	_, j := exptest.Ran(t, "isp-rates")
	report := func(off float64) experiment.Verdict {
		return exptest.Changed(t, j, func(_ int, row experiment.Row) {
			for _, form := range ispForms {
				if form.name == row.Condition {
					row.Values["last e"], row.Values["last i"], row.Values["cv"], row.Values["falls"] = off*form.targets["e"], 10, 0.95, 1
				}
			}
		}).Verdict
	}
	if report(1) != experiment.Holds || report(1.09) != experiment.Fails || report(0.91) != experiment.Fails {
		t.Errorf("verdicts at the targets and 9 %% beside are %s, %s and %s", report(1), report(1.09), report(0.91))
	}
	fall := []float64{80, 15, 9.9, 8, 7, 7, 6, 5.5, 5, 4}
	if !falls(fall) || falls(slices.Concat(fall[:6], []float64{7.1}, fall[7:])) || falls([]float64{80, 15, 10.1, 8, 7, 7, 6, 5.5, 5, 4}) || !falls([]float64{80, 9, 8, 7, 7, 6, 5, 4}) {
		t.Error("which rates fall is wrong")
	}
}
