package main

import (
	"strings"
	"testing"
)

// TestEvalNoise measures a run with the noise of training: the same numbers again, others than without, and the graph
// close to the scan.
func TestEvalNoise(t *testing.T) {
	dir := trained(t, "--model", "rnn", "--rec-noise", "0.5", "--input-noise", "0.1")
	measured := func(more ...string) (string, evalReport) {
		var r evalReport
		o := galvani(t, args([]string{"eval", dir, "--json"}, more...)...).ok(t)
		o.tells(t, &r)
		return o.stdout, r
	}
	first, noisy := measured("--noise")
	again, _ := measured("--noise")
	_, quiet := measured()
	if first != again || !noisy.Noise || quiet.Noise || noisy.Test.Loss == quiet.Test.Loss {
		t.Errorf("with noise %s and %s, without %+v", first, again, quiet)
	}
	if _, graph := measured("--noise", "--backend", "graph"); graph.Test.Loss < 0.9999*noisy.Test.Loss || graph.Test.Loss > 1.0001*noisy.Test.Loss {
		t.Errorf("the graph has the loss %v, the scan %v", graph.Test.Loss, noisy.Test.Loss)
	}
	if o := galvani(t, "eval", dir, "--noise").ok(t); !strings.Contains(o.stdout, "noise       that of training") {
		t.Errorf("stdout %q does not tell of the noise", o.stdout)
	}
	galvani(t, "eval", copyOfRun(t), "--noise").refused(t, exitConfig, "rec_noise and input_noise are 0")
}

// TestClassScores holds the scores of classes to their definitions, and those of nothing to none.
func TestClassScores(t *testing.T) {
	got := classScores([][]int{{6, 2, 0}, {1, 3, 0}, {0, 0, 0}}, []string{"left", "right"})
	for i, want := range []struct {
		class             string
		count             int
		precision, recall string
		f1                string
	}{{"left", 8, "0.8571", "0.7500", "0.8000"}, {"right", 4, "0.6000", "0.7500", "0.6667"}, {"class 2", 0, "-", "-", "-"}} {
		s := got[i]
		if s.Class != want.class || s.Count != want.count || orNone("%.4f", 1, s.Precision) != want.precision ||
			orNone("%.4f", 1, s.Recall) != want.recall || orNone("%.4f", 1, s.F1) != want.f1 {
			t.Errorf("%+v, want %+v", s, want)
		}
	}
}

// TestEvalTellsEachOutput holds what eval tells of a regression, as text and as JSON, of networks of every kind: the mean of
// the errors is the loss.
func TestEvalTellsEachOutput(t *testing.T) {
	few := []string{"--train-size", "8", "--test-size", "6", "--batch", "4", "--epochs", "1", "--plots", "none", "--runs-dir", t.TempDir(), "-q"}
	for _, tt := range []struct {
		flags   string
		outputs int
	}{
		{"--task adding --model rnn --steps 5 --hidden 3", 1}, {"--task teacher --model mlp --outputs 3 --hidden 3", 3},
		{"--task teacher --model microcircuit --outputs 3 --hidden 3", 3}, {"--task chain --model leaky --steps 9 --hidden 3", 1},
	} {
		dir := strings.TrimSpace(galvani(t, args([]string{"train"}, args(strings.Fields(tt.flags), few...)...)...).ok(t).stdout)
		r := told[evalReport](t, "eval", dir)
		mean := 0.0
		for _, f := range r.Outputs {
			mean += f.MSE / float64(tt.outputs)
			if f.R2 == nil {
				t.Errorf("%s: output %s has no R2", tt.flags, f.Output)
			}
		}
		if len(r.Outputs) != tt.outputs || mean < 0.99999*r.Test.Loss || mean > 1.00001*r.Test.Loss || r.PerClass != nil {
			t.Errorf("%s: outputs %+v, classes %+v, with the loss %v", tt.flags, r.Outputs, r.PerClass, r.Test.Loss)
		}
		if o := galvani(t, "eval", dir).ok(t); !strings.Contains(o.stdout, "OUTPUT  MSE") {
			t.Errorf("%s: stdout %q does not tell of the output", tt.flags, o.stdout)
		}
		checkPage(t, string(contents(t, told[reportResult](t, "report", dir).File)), ">Outputs<", "R2")
	}
}
