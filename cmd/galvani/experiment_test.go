package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"galvani/bench/experiment"
	"galvani/models"
)

// TestExperiment runs an experiment in a pipe, again, and draws it again.
func TestExperiment(t *testing.T) {
	needsCPU(t)
	dir := filepath.Join(t.TempDir(), "new")
	line := []string{"experiment", "rest", "--quick", "--out", dir, "--networks", "2", "--gamma-max", "0", "--seeds", "1", "--threads", "1", "--commit", "abc"}
	o := galvani(t, line...).ok(t)
	if !strings.HasPrefix(o.stdout, "rest: ") || !strings.Contains(o.stdout, "--quick") || strings.ContainsAny(o.stdout+o.stderr, "\r\x1b") {
		t.Errorf("stdout is\n%s\nstderr is\n%s", o.stdout, o.stderr)
	}
	if !strings.Contains(o.stderr, "7/7  ema_diff_relu, γ_max 0, dt 0.5, seed 1") {
		t.Errorf("stderr does not tell of the last case:\n%s", o.stderr)
	}
	rows, err := os.ReadFile(filepath.Join(dir, "rest.jsonl"))
	if err != nil || strings.Count(string(rows), "\n") != 7 || !strings.Contains(string(rows), `"commit":"abc"`) {
		t.Errorf("%v: rows are\n%s", err, rows)
	}
	for _, name := range []string{"rest.md", "rest-distance.png", "rest-distance.svg", "rest-channels.png"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	text := contents(t, filepath.Join(dir, "rest.md"))
	repeat := "galvani experiment rest --quick --seeds 1 --networks=2 --gamma-max=0 --out " + dir
	if !strings.Contains(string(text), "\n"+repeat+"\n") {
		t.Errorf("report lacks %q:\n%s", repeat, text)
	}

	for _, more := range []string{"--json", "--report --json"} {
		o = galvani(t, append(line, strings.Fields(more)...)...).ok(t)
		var found experiment.Outcome
		if err := json.Unmarshal([]byte(o.stdout), &found); err != nil || found.Done != 7 || !found.Quick || found.Verdict == "" {
			t.Errorf("%s: %v: %s", more, err, o.stdout)
		}
		if again, _ := os.ReadFile(filepath.Join(dir, "rest.jsonl")); string(again) != string(rows) {
			t.Errorf("%s: finished cases ran again", more)
		}
	}
}

func TestExperimentRefuses(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "rest.jsonl")
	written(t, bad, "{}\n")
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"rset", exitUsage, `did you mean "rest"?`},
		{"rset --quick", exitUsage, `did you mean "rest"?`},
		{"rest now", exitUsage, `unexpected argument "now"`},
		{"rest --seeds -1", exitUsage, "--seeds is -1"},
		{"rest --threads -1", exitUsage, "--threads is -1"},
		{"rest --backend fast", exitUsage, `--backend is "fast"`},
		{"rest --networks 0", exitConfig, `key "networks" is 0, want 1 to 100000`},
		{"rest --netwroks 1", exitUsage, `did you mean "--networks"?`},
		{"rest --tau-s 20", exitConfig, "want them to differ"},
		{"rest --report --out " + filepath.Join(dir, "none"), exitData, "has no rows for these settings; run: galvani experiment rest"},
		{"rest --quick --out " + dir, exitData, bad + ": line 1 is no row"},
		{"rest --quick --out /dev/null/x", exitIO, "/dev/null"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			o := galvani(t, append([]string{"experiment"}, strings.Fields(tt.args)...)...)
			o.refused(t, tt.code, tt.want)
		})
	}
}

// TestConfigureTraining holds that experiments train with the recipes of train.
func TestConfigureTraining(t *testing.T) {
	got, err := configureTraining("crnn-simple", "mnist-rows", map[string]any{"hidden": 12, "lr": 0.5, "signs": "literal", "clip": 3})
	if err != nil {
		t.Fatal(err)
	}
	want, err := resolve(layer{}, layer{})
	if err != nil {
		t.Fatal(err)
	}
	cell, ok := got.Cell.(*models.CRNNSimple)
	if !ok || cell.SynKernel != "ema" || cell.Signs != "literal" || got.Hidden != 12 || got.Options.LR != 0.5 || got.Options.Clip != 3 || got.Options.Batch != want.opt.Batch*2 {
		t.Errorf("training is %+v with cell %+v", got, got.Cell)
	}
	if got, err = configureTraining("gru", "mnist-rows", map[string]any{"dale": true}); err != nil || got.Wiring == nil || !got.Wiring.Dale {
		t.Errorf("training with Dale's law is %+v, %v", got, err)
	}
	if _, err := configureTraining("crnn-simple", "mnist-rows", map[string]any{"hiden": 12}); err == nil {
		t.Error("an unknown key is accepted")
	}
}

// TestExperimentAll runs every experiment that there is.
func TestExperimentAll(t *testing.T) {
	needsCPU(t)
	t.Parallel()
	dir := t.TempDir()
	o := galvani(t, "experiment", "all", "--quick", "--seeds", "1", "--threads", "1", "--device", "cpu", "--out", dir, "--json").ok(t)
	var found []experiment.Outcome
	if err := json.Unmarshal([]byte(o.stdout), &found); err != nil || len(found) != len(experiment.All()) {
		t.Fatalf("%v: %s", err, o.stdout)
	}
	for i, e := range experiment.All() {
		if f := found[i]; f.Name != e.Name || f.Missing != 0 || f.Done == 0 || f.Verdict == "" || f.Result == "" {
			t.Errorf("%s: outcome is %+v", e.Name, f)
		}
		if text, err := os.ReadFile(filepath.Join(dir, e.Name+".md")); err != nil || !strings.Contains(string(text), e.Claim) {
			t.Errorf("%s: %v: report is\n%s", e.Name, err, text)
		}
	}
}

// TestExperimentInterrupted holds that Ctrl-C leaves whole rows and says how to go on.
func TestExperimentInterrupted(t *testing.T) {
	needsCPU(t)
	dir := t.TempDir()
	o := interrupt(t, []string{"experiment", "rest", "--quick", "--seeds", "10000", "--threads", "1", "--data-dir", dir, "--out", dir}, syscall.SIGINT, 300*time.Millisecond)
	o.refused(t, exitStopped, "go on with: galvani experiment rest --quick --seeds 10000 --out "+dir+" --threads 1 --data-dir "+dir)
	rows := contents(t, filepath.Join(dir, "rest.jsonl"))
	for line := range strings.Lines(string(rows)) {
		if !json.Valid([]byte(line)) || !strings.HasSuffix(line, "\n") {
			t.Errorf("row %q is not whole", line)
		}
	}
}
