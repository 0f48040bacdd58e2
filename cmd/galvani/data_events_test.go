package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/data"
)

// TestDataEvents: the table holds what the frames of the sample hold, to less than a threshold.
func TestDataEvents(t *testing.T) {
	out := filepath.Join(t.TempDir(), "x.csv")
	o := galvani(t, "data", "events", "context", "--out", out, "--sample", "3", "--threshold", "0.05", "--step-ms", "10").ok(t)
	task, err := mustTask(t, "context").New().Open(data.Env{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	events, err := data.ReadEventCSV(out, 2*task.I)
	if err != nil || len(events) == 0 {
		t.Fatalf("%d events, error %v", len(events), err)
	}
	if !strings.Contains(o.stderr, " numbers are in "+out) {
		t.Errorf("stderr is %q", o.stderr)
	}
	b := data.NewBatch(task, 1)
	if err := task.Test.Fill(b, 0, 0, 3); err != nil {
		t.Fatal(err)
	}
	changes := make([]float32, task.T*2*task.I)
	for _, e := range events {
		changes[int(e.Time/10)*2*task.I+e.Unit] += float32(e.Weight)
	}
	for i := range task.I {
		level := 0.0
		for k := range task.T {
			level += float64(changes[k*2*task.I+i]) - float64(changes[k*2*task.I+task.I+i])
			if miss := float64(b.X[k*task.I+i]) - 0.05*level; b.Mask[k] != 0 && (miss >= 0.05 || miss <= -0.05) {
				t.Fatalf("input %d at step %d is off by %v", i, k, miss)
			}
		}
	}
}

func mustTask(t *testing.T, name string) data.Entry {
	t.Helper()
	e, err := lookupTask(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestDataEventsRefuses(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "x.csv")
	refuses(t, []string{"data", "events"}, []refusal{
		{"adding", exitUsage, "needs --out FILE"},
		{"--out " + out, exitUsage, "needs TASK"},
		{"ading --out " + out, exitConfig, `did you mean "adding"?`},
		{"adding --sample -1 --out " + out, exitUsage, "--sample is -1, want 0 to "},
		{"adding --threshold 0 --out " + out, exitConfig, "threshold of change 0 is 0, want a positive number"},
		{"adding --threshold 1,2,3 --out " + out, exitConfig, "3 thresholds of change, want 1 or one for each of 2 channels"},
		{"adding --step-ms 0 --out " + out, exitUsage, "--step-ms is 0"},
		{"mnist-rows --data-dir " + dir + " --out " + out, exitData, "galvani data fetch mnist"},
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("refused runs left %v, error %v", left, err)
	}
}
