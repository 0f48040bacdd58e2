package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// twoEvents writes recordings of two events on one unit. Their classes differ in the time between
// the events alone.
func twoEvents(t *testing.T) string {
	t.Helper()
	dir, r := t.TempDir(), rand.New(rand.NewPCG(1, 2))
	for half, n := range map[string]int{"Train": 32, "Test": 16} {
		for class, gap := range map[string]float64{"near": 20, "far": 80} {
			folder := filepath.Join(dir, half, class)
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				text := fmt.Sprintf("time_ms,unit,weight\n0,0,1\n%v,0,1\n", gap*(1+0.5*r.Float64()))
				written(t, filepath.Join(folder, fmt.Sprintf("%02d.csv", i)), text)
			}
		}
	}
	return dir
}

// TestTrainOnIrregularSteps: two bins of equal content tell the classes apart by their lengths. A
// model that does not take lengths is refused.
func TestTrainOnIrregularSteps(t *testing.T) {
	t.Parallel()
	command := []string{"train", "--task", "recordings", "--data-dir", twoEvents(t), "--width", "1", "--height", "1",
		"--steps", "3", "--step-ms", "10", "--bin-ms", "5", "--batch", "8", "--hidden", "8", "--epochs", "20",
		"--lr", "0.03", "--quiet", "--runs-dir", t.TempDir()}
	for _, model := range []string{"crnn", "crnn-simple"} {
		dir := strings.TrimSpace(galvani(t, args(command, "--model", model, "--irregular")...).ok(t).stdout)
		r := told[evalReport](t, "eval", dir)
		if r.Test.Accuracy == nil || *r.Test.Accuracy < 0.95 { // chance is 0.5
			t.Errorf("%s: %+v, want an accuracy of at least 0.95", model, r.Test)
		}
		galvani(t, args(command, "--model", model)...).refused(t, exitConfig, "set irregular = true")
	}
}

// TestSpikingUnitsLearnRecordings: units that spike learn to tell when the second of two events came.
func TestSpikingUnitsLearnRecordings(t *testing.T) {
	t.Parallel()
	dir := strings.TrimSpace(galvani(t, "train", "--model", "lif", "--task", "recordings", "--data-dir", twoEvents(t), "--width", "1", "--height", "1",
		"--steps", "12", "--step-ms", "10", "--batch", "8", "--hidden", "16", "--epochs", "20", "--lr", "0.02", "--quiet",
		"--runs-dir", t.TempDir()).ok(t).stdout)
	r := told[evalReport](t, "eval", dir)
	if r.Test.Accuracy == nil || *r.Test.Accuracy < 0.95 { // chance is 0.5
		t.Errorf("%+v, want an accuracy of at least 0.95", r.Test)
	}
	z := traced(t, dir)["h"].Numbers()
	spikes := 0.0
	for i, v := range z {
		if v != 0 && v != 1 {
			t.Fatalf("h[%d] is %v, want 0 or 1", i, v)
		}
		spikes += v
	}
	if spikes == 0 {
		t.Error("there is no spike")
	}
}
