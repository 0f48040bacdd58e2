package neurons

import (
	"math"
	"strings"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
	"galvani/kernels/devices/devicetest"
)

func TestLooming(t *testing.T) {
	o := exptest.Quickly(t, "lgmd-looming")
	if o.Verdict == experiment.None || len(o.Tables) != 2 || len(o.Tables[1].Rows) != 6 || len(o.Charts) != 2 {
		t.Errorf("verdict is %s, tables %+v", o.Verdict, o.Tables)
	}
}

// made are rows of an experiment with values of one's own in the place of measured ones.
func made(t *testing.T, s experiment.Settings, seeds []uint64, values func(condition string, seed uint64) rows.Values) experiment.Rows {
	t.Helper()
	cases, err := s.Cases(seeds)
	if err != nil {
		t.Fatal(err)
	}
	var all experiment.Rows
	for _, c := range cases {
		var r experiment.Row
		r.Condition, r.Seed, r.Values = c.Condition, c.Seed, values(c.Condition, c.Seed)
		all = append(all, r)
	}
	return all
}

// TestLoomingVerdict: the verdict follows the slope, r² and the time of the peaks with inhibition.
func TestLoomingVerdict(t *testing.T) {
	for _, c := range []struct {
		alpha, bend, jitter float64 // of each seed away from their mean
		want                experiment.Verdict
		word                string
	}{
		{4.7, 0, 0, experiment.Holds, "run by run, a slope of 4.70 against"},
		{6.9, 0, 0, experiment.HoldsWhen, "With l/|v| = 80 ms it is 525 ms before the collision"},
		{4.7, 0, 90, experiment.Fails, "Of means over seeds the slope is 4.70, the threshold angle 24.0 deg and r² = 1.000; of all presentations at once r² is 0.662"},
		{2, 0, 0, experiment.Fails, "slope of 2.00"},
		{4.7, 90, 0, experiment.Fails, "r² = 0.754"},
	} {
		s := &looming{Neuron: "lgmd", LOverV: []float64{10, 20, 40, 80}}
		results := made(t, s, []uint64{1, 2}, func(condition string, seed uint64) rows.Values {
			for i, L := range s.LOverV {
				if condition == loomingCondition(L, withInhibition) {
					return rows.Values{"peak": c.alpha*L - 27 + (c.bend+c.jitter*(2*float64(seed)-3))*[]float64{1, -1, -1, 1}[i]}
				}
			}
			return rows.Values{"peak": math.NaN()} // no spikes
		})
		r, err := s.Report(results)
		if err != nil || r.Verdict != c.want || !strings.Contains(r.Result, c.word) {
			t.Errorf("slope %v: verdict %s, %q, %v; want %s, %q", c.alpha, r.Verdict, r.Result, err, c.want, c.word)
		}
	}
}

// TestPublishedLine: the line of the source's own peaks, by hand, and its row beside those of lgmd-rake alone.
func TestPublishedLine(t *testing.T) {
	if l := publishedLine(); math.Abs(l.alpha-4.435) > 1e-3 || math.Abs(l.delta+24.3) > 0.05 || math.Abs(l.r2-0.829) > 1e-3 {
		t.Errorf("the line of the source is %+v, want a slope of 4.435, a delay of -24.3 ms and r² = 0.829", l)
	}
	for neuron, want := range map[string]bool{rake: true, "lgmd": false} {
		s := &looming{Neuron: neuron, LOverV: []float64{10, 40, 80}}
		r, err := s.Report(made(t, s, []uint64{1, 2}, func(string, uint64) rows.Values { return rows.Values{"peak": 50} }))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(r.Tables[1].Markdown(), "| 40 | Jones and Gabbiani's own | 214 | 24 |"); got != want {
			t.Errorf("%s: the peaks of the source in the table: %v, want %v", neuron, got, want)
		}
	}
}

func TestCoherence(t *testing.T) {
	if o := exptest.Quickly(t, "lgmd-coherence"); o.Verdict == experiment.None || len(o.Tables[0].Rows) != 1 {
		t.Errorf("verdict is %s: %+v", o.Verdict, o.Tables)
	}
	s := &coherence{Neurons: []string{"lgmd", "lgmd-rake"}, Coherence: []float64{0, 50, 100}}
	for _, c := range []struct {
		spikes []float64
		want   experiment.Verdict
	}{{[]float64{1, 2, 3, 1, 2, 4}, experiment.Holds}, {[]float64{1, 2, 3, 1, 2, 2}, experiment.HoldsWhen}, {[]float64{1, 1, 3, 2, 1, 3}, experiment.Fails}} {
		k := -1
		results := made(t, s, []uint64{1}, func(string, uint64) rows.Values { k++; return rows.Values{"spikes": c.spikes[k]} })
		if r, err := s.Report(results); err != nil || r.Verdict != c.want {
			t.Errorf("counts %v: verdict %s, %v, want %s", c.spikes, r.Verdict, err, c.want)
		}
	}
	s.Coherence = []float64{50, 0}
	if _, err := s.Cases([]uint64{1}); err == nil || !strings.Contains(err.Error(), "want rising ones") {
		t.Errorf("error of falling coherence is %v", err)
	}
	s.Neurons, s.Coherence = []string{"hh"}, nil
	if _, err := s.Cases([]uint64{1}); err == nil || !strings.Contains(err.Error(), `neuron is "hh", want one with inputs by facets: ["lgmd" "lgmd-rake"]`) {
		t.Errorf("error of a neuron that does not see is %v", err)
	}
}

// TestSag: the dendrite of lgmd sags, and does not without HCN; a sag that stays is told.
func TestSag(t *testing.T) {
	o := exptest.Quickly(t, "lgmd-sag")
	if o.Verdict != experiment.Holds {
		t.Errorf("verdict is %s: %s", o.Verdict, o.Result)
	}
	s := &sag{Currents: []float64{-1}}
	results := made(t, s, nil, func(string, uint64) rows.Values { return rows.Values{"sag": 0.3} })
	if r, err := s.Report(results); err != nil || r.Verdict != experiment.Fails {
		t.Errorf("with a sag without HCN the verdict is %s, %v", r.Verdict, err)
	}
}

// TestCorrespondence: the verdict follows the distance of the charged RNN, of neurons that spike and of those that do not.
func TestCorrespondence(t *testing.T) {
	o := exptest.Quickly(t, "lgmd-correspondence")
	if o.Verdict != experiment.HoldsWhen || len(o.Tables) != 2 || len(o.Tables[0].Rows) != 2 || len(o.Charts) != 1 {
		t.Errorf("verdict is %s: %+v", o.Verdict, o.Tables)
	}
	s := &correspondence{Neurons: []string{"hh"}, Drive: []float64{1, 20}}
	for _, c := range []struct {
		small, large float64
		want         experiment.Verdict
	}{{0.5, 0.9, experiment.Holds}, {0.5, 20, experiment.HoldsWhen}, {1.5, 20, experiment.Fails}} {
		results := made(t, s, nil, func(condition string, _ uint64) rows.Values {
			if condition == correspondenceCondition("hh", 1) {
				return rows.Values{"crnn": c.small}
			}
			return rows.Values{"crnn": c.large, "spikes": 3}
		})
		if r, err := s.Report(results); err != nil || r.Verdict != c.want {
			t.Errorf("%g and %g mV: verdict %s, %v, want %s", c.small, c.large, r.Verdict, err, c.want)
		}
	}
}

// TestTraining: the verdict counts the networks whose accuracy the LGMDs reach; settings that name another model are refused.
func TestTraining(t *testing.T) {
	devicetest.CPU(t, 1)
	if o := exptest.Quickly(t, "lgmd-training"); o.Verdict == experiment.None || len(o.Tables[0].Rows) != 2 || len(o.Charts) != 1 {
		t.Errorf("verdict is %s: %+v", o.Verdict, o.Tables)
	}
	s := &training{Models: []string{"lgmd", "crnn", "rnn"}}
	for _, c := range []struct {
		lgmd, crnn, rnn float64
		want            experiment.Verdict
		word            string
	}{{0.97, 0.98, 0.9, experiment.Holds, "crnn finds 98.0 %, +1.0 points from the LGMDs, which they reach"}, {0.9, 0.98, 0.9, experiment.HoldsWhen, "98.0 %, +8.0 points from the LGMDs, which they do not reach"},
		{0.5, 0.98, 0.9, experiment.Fails, "The LGMDs find 50.0 %"}} {
		results := made(t, s, []uint64{1}, func(condition string, _ uint64) rows.Values {
			return rows.Values{"last_accuracy": map[string]float64{"lgmd": c.lgmd, "crnn": c.crnn, "rnn": c.rnn}[condition]}
		})
		if r, err := s.Report(results); err != nil || r.Verdict != c.want || !strings.Contains(r.Result, c.word) {
			t.Errorf("%v: verdict %s, %q, %v", c, r.Verdict, r.Result, err)
		}
	}
	s.Models = []string{"gru"}
	if _, err := s.Cases([]uint64{1}); err == nil || !strings.Contains(err.Error(), "want some of crnn, lgmd, lstm, rnn") {
		t.Errorf("error of another model is %v", err)
	}
}
