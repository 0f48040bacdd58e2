package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// course is a short run with a curriculum of two levels before the task.
var course = []string{"train", "--task", "perceptual", "--model", "rnn", "--hidden", "6", "--train-size", "64", "--test-size", "16", "--batch", "16",
	"--eval-every", "2", "--plots", "none", "--delay-ms", "300", "--stimulus-ms", "400", "--curriculum", "delay-ms=0 coherences=51.2/25.6,100",
	"--curriculum-threshold", "0.05", "--schedule", "constant", "--max-steps", "8", "--epochs", "4"}

// TestCurriculumTrains logs the level of each evaluation, and ends with the same bits when it is resumed.
func TestCurriculumTrains(t *testing.T) {
	runs := t.TempDir()
	o := galvani(t, args(course, "--runs-dir", runs)...).ok(t)
	for _, want := range []string{"curriculum: delay-ms=0 coherences=51.2/25.6; 100; then the task itself; the next one at an accuracy of 0.05", "level 1/3", "curriculum  at level"} {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, o.stderr)
		}
	}
	dir := newest(t, runs)
	levels := rowsOf(t, dir, "level")
	if len(levels) != 4 || levels[0] != 1 || !slices.IsSorted(levels) {
		t.Errorf("levels %v, want those of 4 evaluations from 1 on", levels)
	}
	other := filepath.Join(t.TempDir(), "runs")
	galvani(t, args(course, "--runs-dir", other, "--max-steps", "4")...).ok(t)
	part := newest(t, other)
	galvani(t, "train", "--resume", part, "--max-steps", "8", "--plots", "none").ok(t)
	want := latest(t, dir)
	for i, x := range latest(t, part) {
		if !slices.Equal(x.Data, want[i].Data) {
			t.Errorf("%s differs from that of the run that was not stopped", x.Name)
		}
	}
	galvani(t, "eval", dir).ok(t)
}

// TestWrongCurricula end in one line.
func TestWrongCurricula(t *testing.T) {
	for text, want := range map[string]string{
		"delay_ms=0,stimulus=3":    "stimulus_ms",
		"100":                      "want KEY=VALUE",
		"delay_ms=x":               "delay_ms",
		"delay_ms=400":             "want at most the",
		"ring=3":                   "inputs",
		"train_size=8":             "training samples",
		"delay_ms=0,stimulus_ms=0": "level 2 of the curriculum",
	} {
		galvani(t, args(course, "--runs-dir", t.TempDir(), "--curriculum", text)...).refused(t, exitConfig, want)
	}
	galvani(t, args(course, "--runs-dir", t.TempDir(), "--curriculum-threshold", "2")...).refused(t, exitConfig, "at most 1")
	galvani(t, "train", "--task", "adding", "--curriculum", "steps=10").refused(t, exitConfig, "is a regression")
	galvani(t, args(tiny, "--curriculum-threshold", "0.7")...).refused(t, exitConfig, "has no effect")
}
