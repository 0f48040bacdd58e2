package main

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// perturbTolerance is float32's rounding of logits near 1, which losses are made of.
const perturbTolerance = 1e-6

// perturbJSON returns what galvani perturb tells of a run.
func perturbJSON(t *testing.T, dir string, more ...string) perturbReport {
	t.Helper()
	return told[perturbReport](t, args([]string{"perturb", dir}, more...)...)
}

// TestPerturbNothing holds that perturbations without strength change nothing that eval tells.
func TestPerturbNothing(t *testing.T) {
	for _, dir := range []string{copyOfRun(t), trialRun(t, "rnn")} {
		want := told[evalReport](t, "eval", dir)
		r := perturbJSON(t, dir, "--silence", "0", "--scale", "1", "--weight-noise", "0", "--state-noise", "0")
		if len(r.Rows) != 5 || r.Sequences != want.Sequences || r.Checkpoint != want.Checkpoint {
			t.Fatalf("report is %+v, want 5 rows on what eval looks at", r)
		}
		for _, row := range r.Rows {
			if row.Kind == "state-noise" { // this one steps through the sequences by itself
				if math.Abs(row.Test.Loss-want.Test.Loss) > perturbTolerance*want.Test.Loss {
					t.Errorf("%s: loss %v, want %v", row.Kind, row.Test.Loss, want.Test.Loss)
				}
				row.Test.Loss = want.Test.Loss
			}
			if d := cmp.Diff(want.Test, row.Test) + cmp.Diff(want.Trials, row.Trials); d != "" {
				t.Errorf("%s %g differs from eval:\n%s", row.Kind, row.Strength, d)
			}
		}
	}
}

// TestPerturbAll holds that the biases of the read-out are all that is left of a network whose
// units are silent, whether they are silenced or scaled to nothing.
func TestPerturbAll(t *testing.T) {
	dir := copyOfRun(t)
	was := told[evalReport](t, "eval", dir, "--checkpoint", "last")
	var bias []float32
	for _, tensor := range latest(t, dir) {
		if tensor.Name == "readout.bias" {
			bias, _ = tensor.Float32s()
		}
	}
	sum, named := 0.0, 0
	for k, b := range bias {
		sum += math.Exp(float64(b))
		if b > bias[named] {
			named = k
		}
	}
	loss, right := 0.0, 0
	for class, answers := range was.Confusion {
		n := 0
		for _, k := range answers {
			n += k
		}
		loss += float64(n) * (math.Log(sum) - float64(bias[class])) / float64(was.Sequences)
		if class == named {
			right = n
		}
	}
	r := perturbJSON(t, dir, "--silence", "1", "--scale", "0", "--checkpoint", "last")
	for _, row := range r.Rows[1:] {
		if math.Abs(row.Test.Loss-loss) > perturbTolerance*loss || *row.Test.Accuracy != float64(right)/float64(was.Sequences) {
			t.Errorf("%s: loss %v, accuracy %v, want %v and %d of %d", row.Kind, row.Test.Loss, *row.Test.Accuracy, loss, right, was.Sequences)
		}
	}
	if loss == was.Test.Loss {
		t.Error("the network says no more than its biases")
	}
}

// TestPerturbSeeds holds that a seed repeats what was drawn, that another one draws anew, and
// that a larger part of the units holds a smaller one.
func TestPerturbSeeds(t *testing.T) {
	dir := trialRun(t, "rnn")
	ask := []string{"--silence", "0.25,0.5", "--weight-noise", "0.5", "--state-noise", "0.5", "--seeds", "1,2"}
	r := perturbJSON(t, dir, ask...)
	if again := perturbJSON(t, dir, ask...); !reflect.DeepEqual(r, again) {
		t.Errorf("the same seeds give\n%+v\nand\n%+v", r, again)
	}
	if len(r.Rows) != 9 || len(r.Rows[1].Trials) == 0 {
		t.Fatalf("%d rows, the second with %d coherences; want 9 and some", len(r.Rows), len(r.Rows[1].Trials))
	}
	for i := 1; i < len(r.Rows); i += 2 {
		a, b := r.Rows[i], r.Rows[i+1]
		if *a.Seed != 1 || *b.Seed != 2 || a.Test.Loss == b.Test.Loss || a.Test.Loss == r.Rows[0].Test.Loss {
			t.Errorf("%s: losses %v and %v, before %v; want three numbers", a.Kind, a.Test.Loss, b.Test.Loss, r.Rows[0].Test.Loss)
		}
	}
	few, many := r.Rows[1].Units, r.Rows[3].Units
	if len(few) != 2 || len(many) != 4 || !slices.Contains(many, few[0]) || !slices.Contains(many, few[1]) {
		t.Errorf("units %v of a quarter and %v of a half, want 2 and 4, the ones among the others", few, many)
	}
}

// TestPerturbPopulation tells the two populations apart, in numbers and in words.
func TestPerturbPopulation(t *testing.T) {
	t.Parallel()
	dir := trialRun(t, "rnn")
	for _, tt := range []struct {
		units, ratio string
		want         []int
	}{
		{"E", "0.75", []int{0, 1, 2, 3, 4, 5}},
		{"I", "0.75", []int{6, 7}},
		{"2-3, 0,3", "0", []int{0, 2, 3}},
		{"all", "0", []int{0, 1, 2, 3, 4, 5, 6, 7}},
	} {
		r := perturbJSON(t, dir, "--units", tt.units, "--ei-ratio", tt.ratio, "--silence", "1", "--keep-readout")
		if !slices.Equal(r.Units, tt.want) || !slices.Equal(r.Rows[1].Units, tt.want) || r.Readout {
			t.Errorf("--units %s: units %v, silenced %v, read-out %v, want %v and the read-out kept", tt.units, r.Units, r.Rows[1].Units, r.Readout, tt.want)
		}
	}
	dale := trialRun(t, "rnn", "--dale", "--ei-ratio", "0.625")
	for units, want := range map[string][]int{"E": {0, 1, 2, 3, 4}, "I": {5, 6, 7}} {
		r := perturbJSON(t, dale, "--units", units, "--silence", "1", "--weight-noise", "0.5")
		if !slices.Equal(r.Units, want) || r.Rows[1].Test.Loss == r.Rows[0].Test.Loss || r.Rows[2].Test.Loss == r.Rows[0].Test.Loss {
			t.Errorf("--units %s of a network with Dale's law: units %v, rows %+v; want %v and other losses", units, r.Units, r.Rows, want)
		}
	}
	galvani(t, "perturb", dale, "--units", "E", "--ei-ratio", "0.5", "--silence", "1").refused(t, exitConfig, "this one has 5 E and 3 I units")
	o := galvani(t, "perturb", dir, "--units", "1-3,6", "--scale", "0.5,2").ok(t)
	for _, want := range []string{"1-3,6 (4 of 8)", "PERTURBATION", "DECISIONS RIGHT", "Decisions right by coherence", "25.6 %"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("no %q in\n%s", want, o.stdout)
		}
	}
}

func TestPerturbRefuses(t *testing.T) {
	dir := copyOfRun(t)
	refuses(t, []string{"perturb", dir}, []refusal{
		{"", exitUsage, "needs one of --silence"},
		{"--silence 1.5", exitConfig, "--silence is 1.5, want 0 to 1"},
		{"--scale -1", exitConfig, "--scale is -1"},
		{"--state-noise NaN", exitConfig, "--state-noise is NaN"},
		{"--scale 1 --seeds 1,x", exitConfig, `--seeds holds "x"`},
		{"--scale 1 --seeds=", exitConfig, "--seeds is empty"},
		{"--scale 1 --units 3-99", exitConfig, `--units holds "3-99", want all, E, I, or numbers and ranges of 0 to 7`},
		{"--scale 1 --units 3-1", exitConfig, `--units holds "3-1"`},
		{"--scale 1 --units e", exitConfig, `--units holds "e"`},
		{"--scale 1 --units E", exitConfig, "--units E needs --ei-ratio"},
		{"--scale 1 --units I --ei-ratio 0.99", exitConfig, "leaves a population empty"},
		{"--state-noise 3e38", exitNumerical, "not finite"},
	})
}

// trialRun trains a model for a moment on a task that is decided once.
func trialRun(t *testing.T, model string, more ...string) string {
	t.Helper()
	o := galvani(t, args([]string{"train", "--task", "perceptual", "--model", model, "--hidden", "8", "--train-size", "64",
		"--test-size", "48", "--batch", "16", "--epochs", "1", "--quiet", "--runs-dir", t.TempDir()}, more...)...).ok(t)
	return strings.TrimSpace(o.stdout)
}
