package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
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
	o = galvani(t, "runs", "export", "--runs-dir", runs).ok(t)
	table, err := csv.NewReader(strings.NewReader(o.stdout)).ReadAll()
	if err != nil || len(table) < 5 || strings.Join(table[0][:3], " ") != "run step time" || table[1][0] != dirs[0] || table[1][1] != "1" || table[len(table)-1][0] != dirs[1] {
		t.Fatalf("metrics %v, error %v", table, err)
	}
	at, last := slices.Index(table[0], "loss"), slices.Index(table[0], "test_loss")
	if at < 0 || last < 0 || table[1][at] == "" || table[1][last] != "" || !strings.HasSuffix(table[1][2], "Z") {
		t.Errorf("the first row is %v below %v", table[1], table[0])
	}
	names := func(text, dir string) bool { // of two runs that begin in one second the name of one begins as that of the other
		words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == ',' })
		return slices.ContainsFunc(words, func(w string) bool { return filepath.Base(w) == filepath.Base(dir) })
	}
	written(t, filepath.Join(dirs[0], "metrics.jsonl"), []byte("{\"step\":\"one\"}\n{\"step\":2}\n"))
	for _, line := range [][]string{{"runs", "compare", "--runs-dir", runs}, {"runs", "export", "--runs-dir", runs}, {"report", runs, "--out", filepath.Join(runs, "all.html")}} {
		o := galvani(t, line...).ok(t)
		if !strings.Contains(o.stderr, "passed over: rundir: "+filepath.Join(dirs[0], "metrics.jsonl")+": line 1: corrupt file") {
			t.Errorf("%q with a damaged run says %q", line, o.stderr)
		}
		if line[0] == "runs" && (!names(o.stdout, dirs[1]) || names(o.stdout, dirs[0])) {
			t.Errorf("%q with a damaged run tells\n%s", line, o.stdout)
		}
	}
	galvani(t, "runs", "compare", dirs[0], dirs[1]).refused(t, exitData, "line 1: corrupt file")
	galvani(t, "runs", "export", dirs[1], "--out", filepath.Join(runs, "no", "m.csv")).refused(t, exitIO, "no")
	galvani(t, "runs", "compare", runs).refused(t, exitConfig, "has no folder checkpoints")
	galvani(t, "runs", "lst").refused(t, exitUsage, `unknown command "lst"; did you mean "list"?`)
}
