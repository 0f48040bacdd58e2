package learning

import (
	"math"
	"strings"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
)

func TestLearning(t *testing.T) {
	o := exptest.Quickly(t, "learning")
	if len(o.Charts) != 2 || len(o.Tables) != 3 || o.Verdict != experiment.None {
		t.Errorf("report is %+v", o)
	}
}

func TestLearningRefuses(t *testing.T) {
	s := &learning{Tasks: []string{"adding-101"}, Models: []string{"rnn"}, Clip: 1}
	if _, err := s.Cases([]uint64{1}); err == nil || !strings.Contains(err.Error(), `"adding-101", want some of adding-100`) {
		t.Errorf("error is %v", err)
	}
}

// TestLearningDiverged holds that finite numbers without sense count, and none at all do not.
func TestLearningDiverged(t *testing.T) {
	c := learningCase{learningTask: learningTask{blank: 2}}
	for _, k := range []struct {
		values rows.Values
		want   int
	}{
		{rows.Values{"last_loss": 20}, 0}, {rows.Values{"last_loss": 21}, 1}, {rows.Values{"last_loss": math.NaN()}, 1}, {rows.Values{"last_loss": math.Inf(1)}, 1},
		{rows.Values{"last_loss": 1, "diverged": 1}, 1}, {rows.Values{"diverged": 0}, 0},
	} {
		if got := c.diverged(experiment.Rows{{Result: experiment.Result{Values: k.values}}}); got != k.want {
			t.Errorf("%v: %d diverged, want %d", k.values, got, k.want)
		}
	}
}

// TestLearningVerdict holds that divergence without clipping decides, and of charged RNNs alone.
func TestLearningVerdict(t *testing.T) {
	s := &learning{Tasks: []string{"adding-100"}, Models: []string{"rnn", "crnn"}, Clip: 1}
	conditions, err := s.conditions()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		diverged string // part of the conditions that diverge
		want     experiment.Verdict
		word     string
	}{
		{"none", experiment.Holds, "does not set charged RNNs apart"},
		{", rnn, ", experiment.Holds, "Of the other cells without clipping 36 of 36 did"},
		{"crnn, no clipping", experiment.HoldsWhen, "Of each: crnn 36 of 36. With clipping none did"},
		{"crnn, ", experiment.Fails, "36 of 36 trainings of charged RNNs diverged"},
	} {
		var results experiment.Rows
		for _, k := range conditions {
			v := rows.Values{"diverged": 0}
			v.Count("diverged", strings.Contains(k.String(), c.diverged))
			for seed := range uint64(36) {
				results = append(results, experiment.Row{Condition: k.String(), Seed: seed + 1, Result: experiment.Result{Values: v}})
			}
		}
		if got, text := s.verdict(results, conditions); got != c.want || !strings.Contains(text, c.word) {
			t.Errorf("%q diverge: verdict %q, %s", c.diverged, got, text)
		}
		if got, text := s.verdict(results[:len(results)-1], conditions); c.want == experiment.Holds && (got != experiment.None || !strings.Contains(text, "too few")) {
			t.Errorf("35 trainings give the verdict %q, %s", got, text)
		}
		if got, _ := s.verdict(results[:1], conditions); got != experiment.None {
			t.Errorf("without rows of charged RNNs the verdict is %q", got)
		}
	}
}
