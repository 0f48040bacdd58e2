package rules

import (
	"slices"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
	"galvani/models/layered"
)

// TestDigitsCircuit holds that the weights of interneurons of the circuit for digits change as those to the cells above do, where
// a target pulls little: what they are off from the self-predicting state is of second order.
func TestDigitsCircuit(t *testing.T) {
	m := digitsCircuit([]int{6, 5}, true)
	net, err := m.Bind("microcircuit", 4, 3)
	if err != nil {
		t.Fatal(err)
	}
	c := net.(*layered.Circuit)
	params, err := first(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	run, err := c.Start(nil, 1, params, 1)
	if err != nil {
		t.Fatal(err)
	}
	x := []float32{0.3, -0.7, 0.9, 0.2}
	if err := run.Answer(x); err != nil {
		t.Fatal(err)
	}
	target := slices.Clone(run.Outputs())
	for i := range target {
		target[i] += 0.02
	}
	var before [][]float32
	for _, p := range params {
		before = append(before, slices.Clone(p))
	}
	if err := run.Learn(x, target, nil, 1); err != nil {
		t.Fatal(err)
	}
	apical := m.GApical / (m.GLeak + m.GBasal + m.GApical)
	for l, factor := range []float64{1 - apical, 1} {
		var off, size float64
		for i, q := range params[4*l+3] { // of interneurons, and below those to the layer above
			own, above := float64(q-before[4*l+3][i]), factor*float64(params[4*l+4][i]-before[4*l+4][i])
			off, size = off+(own-above)*(own-above), size+above*above
		}
		if size == 0 || off > 1e-4*size {
			t.Errorf("layer %d: weights of interneurons change by others than those to the cells above: %.3g of %.3g", l+1, off, size)
		}
	}
}

// TestMicrocircuitVerdict holds verdicts to rows that are made up: each test that fails lets the claim fail.
func TestMicrocircuitVerdict(t *testing.T) {
	s := &microcircuit{}
	row := exptest.Row
	verdict := func(apical, apart, all, outputs, missed float64) experiment.Verdict {
		return s.verdict(experiment.Rows{row(selfPrediction, rows.Values{"apical": apical, "interneurons": apart}), row(deep, rows.Values{"loss": all}),
			row(shallow, rows.Values{"loss": outputs}), row(digits, rows.Values{"error": missed}), row(plain, rows.Values{"error": 0.2})})
	}
	for _, c := range []struct {
		apical, apart, all, outputs, missed float64
		want                                experiment.Verdict
	}{
		{0.01, 0.01, 0.1, 0.5, 0.1, experiment.Holds},
		{0.06, 0.01, 0.1, 0.5, 0.1, experiment.Fails},
		{0.01, 0.06, 0.1, 0.5, 0.1, experiment.Fails},
		{0.01, 0.01, 0.6, 0.5, 0.1, experiment.Fails},
		{0.01, 0.01, 0.1, 0.5, 0.3, experiment.Fails},
	} {
		if got := verdict(c.apical, c.apart, c.all, c.outputs, c.missed); got != c.want {
			t.Errorf("%+v: verdict %q", c, got)
		}
	}
	if got := s.verdict(nil); got != experiment.None {
		t.Errorf("without rows the verdict is %q", got)
	}
}
