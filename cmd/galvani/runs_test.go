package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunsCompare puts two runs beside each other by what differs, shows one, and writes both as a table.
func TestRunsCompare(t *testing.T) {
	t.Parallel()
	runs := t.TempDir()
	for _, lr := range []string{"0.01", "0.02"} {
		galvani(t, args(tiny, "--lr", lr, "--max-steps", "1", "-q", "--runs-dir", runs)...).ok(t)
	}
	o := galvani(t, "runs", "compare", "--runs-dir", runs).ok(t)
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	if head := strings.Join(strings.Fields(lines[0]), " "); len(lines) != 3 ||
		head != "RUN PHASE lr test_accuracy test_loss validation_accuracy validation_loss" || strings.Fields(lines[2])[2] != "0.02" {
		t.Errorf("compare says\n%s", o.stdout)
	}
	dirs, err := filepath.Glob(filepath.Join(runs, "20*"))
	if err != nil || len(dirs) != 2 {
		t.Fatal(dirs, err)
	}
	shown := told[comparedRun](t, "runs", "show", dirs[1])
	if _, has := shown.Metrics["test_accuracy"]; !has || shown.Settings["lr"] != "0.02" || shown.Phase != "completed" {
		t.Errorf("show says %+v", shown)
	}
	if words := galvani(t, "runs", "show", dirs[1]).ok(t).stdout; !strings.Contains(words, "checkpoint  step 1") || !strings.Contains(words, "train_size") {
		t.Errorf("show says\n%s", words)
	}
	path := filepath.Join(runs, "runs.csv")
	galvani(t, "runs", "compare", dirs[0], dirs[1], "--out", path).ok(t)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if table, err := csv.NewReader(f).ReadAll(); err != nil || len(table) != 3 || len(table[0]) < 40 {
		t.Errorf("table %v, error %v", table, err)
	}
	galvani(t, "runs", "compare", runs).refused(t, exitConfig, "has no folder checkpoints")
	galvani(t, "runs", "lst").refused(t, exitUsage, `unknown command "lst"; did you mean "list"?`)
}
