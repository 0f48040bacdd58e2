package experiment

import (
	"math"
	"strings"
	"testing"
)

func TestLearning(t *testing.T) {
	o := quickly(t, "learning")
	if len(o.Charts) != 2 || len(o.Tables) != 3 || o.Verdict != None {
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
		values Values
		want   int
	}{
		{Values{"last_loss": 20}, 0}, {Values{"last_loss": 21}, 1}, {Values{"last_loss": math.NaN()}, 1}, {Values{"last_loss": math.Inf(1)}, 1},
		{Values{"last_loss": 1, "diverged": 1}, 1}, {Values{"diverged": 0}, 0},
	} {
		if got := c.diverged(Rows{{Result: Result{Values: k.values}}}); got != k.want {
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
		want     Verdict
		word     string
	}{
		{"none", Holds, "does not set charged RNNs apart"},
		{", rnn, ", Holds, "Of the other cells without clipping 36 of 36 did"},
		{"crnn, no clipping", HoldsWhen, "Of each: crnn 36 of 36. With clipping none did"},
		{"crnn, ", Fails, "36 of 36 trainings of charged RNNs diverged"},
	} {
		var rows Rows
		for _, k := range conditions {
			v := Values{"diverged": 0}
			v.count("diverged", strings.Contains(k.String(), c.diverged))
			for seed := range uint64(36) {
				rows = append(rows, Row{Condition: k.String(), Seed: seed + 1, Result: Result{Values: v}})
			}
		}
		if got, text := s.verdict(rows, conditions); got != c.want || !strings.Contains(text, c.word) {
			t.Errorf("%q diverge: verdict %q, %s", c.diverged, got, text)
		}
		if got, text := s.verdict(rows[:len(rows)-1], conditions); c.want == Holds && (got != None || !strings.Contains(text, "too few")) {
			t.Errorf("35 trainings give the verdict %q, %s", got, text)
		}
		if got, _ := s.verdict(rows[:1], conditions); got != None {
			t.Errorf("without rows of charged RNNs the verdict is %q", got)
		}
	}
}
