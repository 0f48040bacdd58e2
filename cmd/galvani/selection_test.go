package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
)

// evalOf returns what eval tells of a run.
func evalOf(t *testing.T, dir string, more ...string) evalReport {
	t.Helper()
	return told[evalReport](t, args([]string{"eval", dir}, more...)...)
}

// TestTestSetIsMeasuredOnce holds that evaluations are on the validation set, and that the test set
// is measured once, with the checkpoint that was best there; eval says the same.
func TestTestSetIsMeasuredOnce(t *testing.T) {
	o := galvani(t, args(tiny, "--epochs", "4", "--lr", "0.3", "--runs-dir", t.TempDir())...).ok(t)
	for _, want := range []string{"48 training, 5 validation and 16 test sequences; validation selects", "best validation  loss ", "(the best checkpoint, of step "} {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, o.stderr)
		}
	}
	_, dir, _ := strings.Cut(o.stderr, "run: ")
	dir, _, _ = strings.Cut(dir, "\n")
	held, test := rowsOf(t, dir, "validation_loss"), rowsOf(t, dir, "test_loss")
	if len(held) != 4 || len(test) != 1 {
		t.Fatalf("%d rows of validation and %d of the test, want 4 and 1", len(held), len(test))
	}
	if r := evalOf(t, dir); math.Abs(r.Test.Loss-test[0]) > 1e-6*test[0] {
		t.Errorf("eval tells a loss of %v, the run %v", r.Test.Loss, test[0])
	}
}

// TestNoValidation holds that without a validation part evaluations are on the test set, and that the
// run says so.
func TestNoValidation(t *testing.T) {
	o := galvani(t, args(tiny, "--validation", "0", "--runs-dir", t.TempDir())...).ok(t)
	for _, want := range []string{"the test set selects the best checkpoint", "best test  loss ", "selected on the test set, so on the good side"} {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, o.stderr)
		}
	}
	_, dir, _ := strings.Cut(o.stderr, "run: ")
	dir, _, _ = strings.Cut(dir, "\n")
	if held, test := rowsOf(t, dir, "validation_loss"), rowsOf(t, dir, "test_loss"); len(held) != 0 || len(test) != 2 {
		t.Errorf("%d rows of validation and %d of the test, want 0 and 2", len(held), len(test))
	}
}

// TestOlderRunGoesOn resumes a run whose file lacks the key validation: it goes on to select on the
// test set, as it began.
func TestOlderRunGoesOn(t *testing.T) {
	t.Parallel()
	want := latest(t, trained(t, "--validation", "0"))
	dir := trained(t, "--validation", "0", "--max-steps", "5")
	path := filepath.Join(dir, "config.toml")
	text := contents(t, path)
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "# check ") && !strings.HasPrefix(line, "validation = ") && !strings.HasPrefix(line, "decay_on = ") {
			kept.WriteString(line)
		}
	}
	written(t, path, config.Seal([]byte(kept.String())))
	o := galvani(t, "train", "--resume", dir, "--max-steps", "0").ok(t)
	if !strings.Contains(o.stderr, "the test set selects") || strings.Contains(o.stderr, "no effect") {
		t.Errorf("stderr of the resumed run:\n%s", o.stderr)
	}
	if got := latest(t, dir); len(got) != len(want) || string(got[0].Data) != string(want[0].Data) {
		t.Error("the resumed run differs from one that was not stopped")
	}
}

// TestTrialsDecide holds that the accuracy of a task of trials is the part of trials that are decided
// rightly, everywhere, and that steps have a name of their own.
func TestTrialsDecide(t *testing.T) {
	runs := t.TempDir()
	o := galvani(t, "train", "--task", "context", "--model", "rnn", "--hidden", "8", "--batch", "16", "--epochs", "3", "--train-size", "64",
		"--test-size", "40", "--json", "--runs-dir", runs).ok(t)
	dir := newest(t, runs)
	r := evalOf(t, dir)
	right := analysis.Total(r.Trials)
	if right.Count != 40 || r.Test.Accuracy == nil || *r.Test.Accuracy != float64(right.Right)/40 {
		t.Errorf("accuracy %v, trials %+v; want the part of right trials", r.Test.Accuracy, right)
	}
	if r.Test.StepAccuracy == nil || *r.Test.StepAccuracy == *r.Test.Accuracy {
		t.Errorf("steps %v, trials %v; want two numbers", r.Test.StepAccuracy, r.Test.Accuracy)
	}
	test := rowsOf(t, dir, "test_accuracy")
	if len(test) != 1 || test[0] != *r.Test.Accuracy {
		t.Errorf("the run tells a test accuracy of %v, eval %v", test, *r.Test.Accuracy)
	}
	for _, name := range []string{"accuracy", "step_accuracy", "train_step_accuracy", "validation_step_accuracy", "test_step_accuracy"} {
		if len(rowsOf(t, dir, name)) == 0 {
			t.Errorf("metrics.jsonl lacks %s", name)
		}
	}
	for _, v := range rowsOf(t, dir, "validation_accuracy") {
		if six := v * 6; six != math.Round(six) { // a tenth of 64
			t.Errorf("validation accuracy %v is no number of 6 trials", v)
		}
	}
	for line := range strings.Lines(o.stdout) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Event == "evaluation" && (e.Held == nil || e.Held.StepAccuracy == nil || e.Test != nil) {
			t.Errorf("evaluation is %s", line)
		}
		if e.Event == "end" && (e.Test == nil || *e.Test.Accuracy != *r.Test.Accuracy || e.Best == nil || e.Held == nil || e.BestStep != r.Step) {
			t.Errorf("end is %s", line)
		}
	}
	words := galvani(t, "eval", dir).ok(t).stdout
	if !strings.Contains(words, "decisions   ") || !strings.Contains(words, "steps       ") || strings.Contains(words, "accuracy") {
		t.Errorf("eval says\n%s", words)
	}
}
