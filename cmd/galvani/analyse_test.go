package main

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/engine/npz"
)

// TestAnalyse writes figures and numbers about a run, and compares it with itself and with another.
func TestAnalyse(t *testing.T) {
	t.Parallel()
	runs := t.TempDir()
	run := func(seed string) string {
		return strings.TrimSpace(galvani(t, "train", "--task", "perceptual", "--model", "rate", "--hidden", "8", "--dale", "--stimulus-ms", "500", "--train-size", "64",
			"--test-size", "40", "--batch", "16", "--epochs", "1", "--seed", seed, "--plots", "none", "--quiet", "--runs-dir", runs).ok(t).stdout)
	}
	dir, other, out := run("1"), run("2"), filepath.Join(runs, "out")
	r := told[analysisReport](t, "analyse", dir, "--out", out, "--against", dir, "--against", other, "--sequences", "30")
	if r.Sequences != 30 || !slices.Equal(r.Conditions, []string{"choice 1", "choice 2"}) || !(r.Dimension > 0 && r.Dimension <= 8) || len(r.Balance) != 1 || len(r.Against) != 2 {
		t.Errorf("report %+v", r)
	}
	if same, o := r.Against[0], r.Against[1]; same.CKA < 0.9999 || same.Procrustes < 0.9999 || !(o.CKA > 0 && o.CKA < 0.9999) {
		t.Errorf("alignment %+v", r.Against)
	}
	for _, name := range []string{"components", "dimensions", "selectivity", "spectrum", "demixed", "balance"} {
		if !slices.Contains(r.Files, filepath.Join(out, name+".svg")) {
			t.Errorf("there is no figure of %s", name)
		}
	}
	b := contents(t, filepath.Join(out, "analysis.npz"))
	arrays, err := npz.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string][]int{}
	for _, a := range arrays {
		shapes[a.Name] = a.Shape
	}
	steps := shapes["courses"][1]
	for name, want := range map[string][]int{"courses": {2, steps, 8}, "pca.courses": {2, steps, 8}, "pca.axes": {8, 8}, "demixed.time": {3, 2, steps}, "tuning.mean": {2, 8},
		"activity": {30, 8}, "condition": {30}, "balance.E": {8}, "spectrum.power": {steps / 2}, "states.variance": {8}} {
		if !slices.Equal(shapes[name], want) {
			t.Errorf("%s is %v, want %v", name, shapes[name], want)
		}
	}
	words := galvani(t, "analyse", dir, "--by", "coherence").ok(t)
	for _, want := range []string{"participation ratio", "by coherence: 0 %, 6.4 %", "selectivity", "balance "} {
		if !strings.Contains(words.stdout, want) {
			t.Errorf("stdout lacks %q:\n%s", want, words.stdout)
		}
	}
	r = told[analysisReport](t, "analyse", dir, "--perturb", "0,1", "--out", out)
	e := told[evalReport](t, "eval", dir, "--checkpoint", "best")
	units, silenced := 0, 0
	for _, row := range r.Grid {
		units += row.Units
		same := math.Abs(row.Loss-e.Test.Loss) < 1e-6
		if row.Scale == 1 && !(same && math.Abs((row.Right[0]+row.Right[1])/2-*e.Test.Accuracy) < 1e-6) {
			t.Errorf("times 1: %+v, want those of %+v", row, e.Test)
		}
		if row.Scale == 0 && row.Units > 0 && !same {
			silenced++
		}
	}
	if len(r.Grid) != 4 || units != 16 || silenced == 0 || !slices.Contains(r.Files, filepath.Join(out, "grid.svg")) {
		t.Errorf("grid %+v", r.Grid)
	}
	galvani(t, "analyse", dir, "--perturb", "-1").refused(t, exitUsage, "--perturb holds -1, want factors of 0 or more")
	galvani(t, "analyse", dir, "--by", "size").refused(t, exitUsage, "want one of class, coherence, task")
	galvani(t, "analyse", dir, "--sequences", "1").refused(t, exitUsage, "at least 2")
	galvani(t, "analyse", copyOfRun(t), "--by", "coherence").refused(t, exitConfig, "has no trials to be told apart by coherence")
	galvani(t, "analyse", dir, "--against", copyOfRun(t)).refused(t, exitConfig, "compare runs of one task")
}
