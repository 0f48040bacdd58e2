package conductance

import (
	"math"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
)

// spectrumRows gives each condition of a task the accuracies of three seeds.
func spectrumRows(task string, mean func(place int) float64) experiment.Rows {
	var results experiment.Rows
	for k, p := range places(task) {
		for seed := range 3 {
			noise := float64(seed) * 0.01 * float64(k+1) // differs between conditions, so that differences vary
			results = append(results, experiment.Row{Condition: p.String(), Seed: uint64(seed + 1), Result: experiment.Result{Values: rows.Values{
				"accuracy": mean(k) + noise, "best_accuracy": mean(k) + noise, "parameters": 1, "train_size": 10, "test_size": 5}}})
		}
	}
	return results
}

// TestCompare holds the paired test to a table of Student's distribution: t of 0.95 with 2 degrees
// of freedom is 2.920.
func TestCompare(t *testing.T) {
	a, b := spectrumPlace{"x", "gru", false}, spectrumPlace{"x", "cond-fixed", false}
	var results experiment.Rows
	const mean = 2.920 / math.Sqrt2 // t = mean/(sd/√3) with sd = √(3/2)
	for seed, d := range []float64{mean - math.Sqrt(1.5), mean, mean + math.Sqrt(1.5)} {
		for _, r := range []experiment.Row{{Condition: a.String(), Result: experiment.Result{Values: rows.Values{"accuracy": d + 1}}}, {Condition: b.String(), Result: experiment.Result{Values: rows.Values{"accuracy": 1}}}} {
			r.Seed = uint64(seed)
			results = append(results, r)
		}
	}
	c, back := compare(results, a, b), compare(results, b, a)
	if math.Abs(c.p-0.05) > 1e-4 || math.Abs(back.p-0.95) > 1e-4 || c.difference.N != 3 || math.Abs(c.difference.Value-mean) > 1e-12 {
		t.Errorf("p is %v, the other way %v, difference %+v", c.p, back.p, c.difference)
	}
	if c := compare(results[:2], a, b); !math.IsNaN(c.p) || c.significant() {
		t.Errorf("one seed has p %v", c.p)
	}
}

func TestSpectrumVerdict(t *testing.T) {
	s := &spectrum{Tasks: []string{"cifar10-rows", "mnist-rows"}}
	falling := func(k int) float64 { return 0.9 - 0.1*float64(k) }
	exptest.Verdicts(t, s, []exptest.Case{
		{"accuracy falls", append(spectrumRows("cifar10-rows", falling), spectrumRows("mnist-rows", falling)...), experiment.Holds},
		{"on one task", append(spectrumRows("cifar10-rows", falling), spectrumRows("mnist-rows", func(int) float64 { return 0.9 })...), experiment.HoldsWhen},
		{"the extremes differ, a step goes the other way", spectrumRows("cifar10-rows", func(k int) float64 { return 0.9 - 0.1*float64(k^1) }), experiment.Fails},
		{"accuracy rises", spectrumRows("mnist-rows", func(k int) float64 { return 0.1 * float64(k) }), experiment.Fails},
		{"nothing to compare", spectrumRows("mnist-rows", falling)[:3], experiment.None},
	})
}

// TestSpectrumSeeds holds that digits have fewer seeds and objects come first.
func TestSpectrumSeeds(t *testing.T) {
	s := &spectrum{Tasks: []string{"cifar10-rows", "mnist-rows"}, DigitSeeds: 2, Epochs: 1, ShortEpochs: 1}
	cases, err := s.Cases([]uint64{1, 2, 3})
	if err != nil || len(cases) != 8*3+8*2 || cases[0].Condition != "cifar10-rows, gru" || cases[39].Condition != "mnist-rows, cond-fixed, Dale" || cases[39].Seed != 2 {
		t.Errorf("%d cases, %v", len(cases), err)
	}
	s.Tasks[1] = s.Tasks[0]
	if _, err := s.Cases([]uint64{1}); err == nil {
		t.Error("a task is accepted twice")
	}
}
