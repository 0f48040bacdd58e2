package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/rundir"

	"github.com/google/go-cmp/cmp"
)

// TestCutConfigIsRefused cuts the config.toml of a run at many places, with and without its check
// line, as runs had before there was one. No cut goes on with other settings than the run had.
// Package config cuts at every byte.
func TestCutConfigIsRefused(t *testing.T) {
	t.Parallel()
	dir := copyOfRun(t)
	path := filepath.Join(dir, configName)
	sealed := contents(t, path)
	run := viewed(t, dir)
	state, _, err := run.Latest()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := savedSettings(run, state, layer{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := whole.file()
	if err != nil {
		t.Fatal(err)
	}
	_, unsealed, _ := bytes.Cut(sealed, []byte("\n"))
	for name, text := range map[string][]byte{"sealed": sealed, "unsealed": unsealed} {
		for n := 0; n < len(text); n += 37 {
			written(t, path, text[:n])
			s, err := savedSettings(run, state, layer{})
			if err != nil {
				if !errors.Is(err, config.ErrConfig) || !strings.Contains(err.Error(), "remove the file") {
					t.Fatalf("%s, cut to %d bytes: %v, want ErrConfig with the remedy", name, n, err)
				}
				continue
			}
			if name == "sealed" {
				t.Fatalf("%s, cut to %d bytes: taken", name, n)
			}
			if got, err := s.file(); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s, cut to %d bytes: taken with other settings (%v)", name, n, err)
			}
		}
	}
	written(t, path, unsealed)
	if _, err := savedSettings(run, state, layer{}); err != nil {
		t.Errorf("a run from before there was a check line: %v", err)
	}
}

// TestEditedConfig holds what one may do with the config.toml of a run: edit a copy, edit how long
// the run goes on, lose it. Not: let the run go on as another.
func TestEditedConfig(t *testing.T) {
	t.Parallel()
	dir := copyOfRun(t)
	path := filepath.Join(dir, configName)
	text := contents(t, path)
	write := func(path string, text []byte) {
		t.Helper()
		written(t, path, text)
	}
	faster := bytes.Replace(text, []byte("\nlr = "), []byte("\nlr = 1"), 1)
	_, unsealed, _ := bytes.Cut(faster, []byte("\n"))
	edited := filepath.Join(t.TempDir(), "edited.toml")
	runs := t.TempDir()
	write(edited, faster)
	galvani(t, "train", "--config", edited, "--runs-dir", runs).refused(t, exitConfig, "delete its first line")
	write(edited, unsealed)
	galvani(t, "train", "-q", "--config", edited, "--runs-dir", runs).ok(t)
	write(path, unsealed)
	galvani(t, "train", "--resume", dir).refused(t, exitConfig, `key "lr" is `)
	galvani(t, "eval", dir).refused(t, exitConfig, "remove the file to take the settings of the checkpoint")
	_, longer, _ := bytes.Cut(bytes.Replace(text, []byte("\nepochs = 2"), []byte("\nepochs = 3"), 1), []byte("\n"))
	write(path, longer)
	if o := galvani(t, "train", "--resume", dir).ok(t); !strings.Contains(o.stderr, "done after 18 steps") {
		t.Errorf("an edited number of epochs is not followed:\n%s", o.stderr)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	galvani(t, "eval", dir).ok(t)
	galvani(t, "train", "--resume", dir).ok(t)
	if again, err := os.ReadFile(path); err != nil || !bytes.Contains(again, []byte("\nepochs = 3")) {
		t.Errorf("config.toml is not written again from the checkpoint: %v", err)
	}
}

// TestOldRun looks at a run as the program wrote it before config.toml had a check line, runs had
// a validation part and checkpoints a digest of the data, and goes on with it.
func TestOldRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "run-format-1"))); err != nil {
		t.Fatal(err)
	}
	galvani(t, "eval", dir).ok(t)
	galvani(t, "trace", dir, "--out", filepath.Join(t.TempDir(), "out")).ok(t)
	galvani(t, "export", dir, "--out", filepath.Join(t.TempDir(), "out")).ok(t)
	o := galvani(t, "train", "--resume", dir, "--max-steps", "0").ok(t)
	if !strings.Contains(o.stderr, "going on at step 9 of 12") || !strings.Contains(o.stderr, "done after 12 steps") {
		t.Errorf("the run does not go on:\n%s", o.stderr)
	}
	galvani(t, "eval", dir).ok(t)
}

// TestStretchedSchedule holds that a resumed run says when its rate follows another course.
func TestStretchedSchedule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		first, then []string
		want        string
	}{
		{[]string{"--schedule", "cosine"}, []string{"--epochs", "4"}, "cosine now runs over 24 updates instead of 12; it was "},
		{[]string{"--schedule", "onecycle", "--max-steps", "5"}, []string{"--max-steps", "0"}, "onecycle now runs over 12 updates instead of 5"},
		{[]string{"--schedule", "cosine", "--warmup", "0", "--max-steps", "1"}, []string{"--max-steps", "0"}, "cosine now runs over 12 updates instead of 1"},
		{[]string{"--schedule", "cosine", "--max-steps", "5"}, []string{"--patience", "9"}, ""},
		{[]string{"--schedule", "step"}, []string{"--epochs", "4"}, ""},
		{nil, []string{"--epochs", "4"}, ""},
	} {
		dir := trained(t, tt.first...)
		o := galvani(t, append([]string{"train", "--resume", dir}, tt.then...)...).ok(t)
		if said := strings.Contains(o.stderr, "learning rate: "); said != (tt.want != "") || !strings.Contains(o.stderr, tt.want) {
			t.Errorf("%v, then %v: want %q in\n%s", tt.first, tt.then, tt.want, o.stderr)
		}
	}
}

// TestChangedDataIsTold relabels a recording and goes on.
func TestChangedDataIsTold(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"Train/a/1.csv", "Train/a/2.csv", "Train/b/3.csv", "Test/a/4.csv", "Test/b/5.csv"} {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		written(t, path, "time_ms,unit,weight\n1,0,1\n2,1,1\n")
	}
	o := galvani(t, "train", "-q", "--task", "recordings", "--model", "rnn", "--hidden", "4", "--width", "2", "--height", "1", "--steps", "4",
		"--step-ms", "1", "--batch", "2", "--epochs", "1", "--data-dir", folder, "--runs-dir", t.TempDir()).ok(t)
	dir := strings.TrimSpace(o.stdout)
	const told = "data files have changed"
	if o := galvani(t, "train", "--resume", dir, "--epochs", "2").ok(t); strings.Contains(o.stderr, told) {
		t.Errorf("told of a change that is none:\n%s", o.stderr)
	}
	if err := os.Rename(filepath.Join(folder, "Train/a/2.csv"), filepath.Join(folder, "Train/b/2.csv")); err != nil {
		t.Fatal(err)
	}
	if o := galvani(t, "train", "--resume", dir, "--epochs", "3").ok(t); !strings.Contains(o.stderr, told) {
		t.Errorf("not told of a changed label:\n%s", o.stderr)
	}
	if log, err := os.ReadFile(filepath.Join(dir, "log.jsonl")); err != nil || !strings.Contains(string(log), told) {
		t.Errorf("not in log.jsonl: %v", err)
	}
}

// TestRunsTellsTheDead lists runs that ended in each way.
func TestRunsTellsTheDead(t *testing.T) {
	runs := t.TempDir()
	galvani(t, args(tiny, "-q", "--runs-dir", runs)...).ok(t)
	command := args(tiny, "--runs-dir", runs, "--epochs", "1000000", "--model", "rnn")
	kill(t, command, 0)
	live, err := rundir.Create(runs, "gru", "looming", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := live.SetStatus(rundir.Status{Phase: rundir.Running}); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(runs, "notes"), 0o755); err != nil {
		t.Fatal(err)
	}
	list := told[[]runReport](t, "runs", "--runs-dir", runs)
	got := map[string]rundir.Phase{}
	for _, r := range list {
		got[strings.Split(filepath.Base(r.Run), "-")[1]] = r.Phase
	}
	want := map[string]rundir.Phase{"crnn": rundir.Completed, "rnn": rundir.Killed, "gru": rundir.Running}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if o := galvani(t, "runs", "--runs-dir", runs).ok(t); !strings.Contains(o.stdout, "killed") || !strings.Contains(o.stdout, "step 12") {
		t.Errorf("stdout lacks a killed run or a step:\n%s", o.stdout)
	}
	galvani(t, "runs", "--runs-dir", filepath.Join(runs, "none")).refused(t, exitData, "no such file")
}

// TestLostBest goes on with a run whose best checkpoint is gone, and with one whose is damaged: the run is complete, and
// afterwards has a best checkpoint, of the state that it went on from.
func TestLostBest(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(string) error{"gone": os.Remove, "damaged": func(path string) error { return os.Truncate(path, 1000) }} {
		dir := copyOfRun(t)
		if err := spoil(filepath.Join(dir, "checkpoints", "best.safetensors")); err != nil {
			t.Fatal(err)
		}
		run := viewed(t, dir)
		state, _, err := run.Latest()
		if err != nil {
			t.Fatal(err)
		}
		o := galvani(t, "train", "--resume", dir).ok(t)
		best, err := run.Best()
		if err != nil || best.Step != state.Step || !strings.Contains(o.stderr, "the best checkpoint is lost") || !strings.Contains(o.stderr, "(the best checkpoint, of step ") {
			t.Errorf("%s: best %+v, error %v, told\n%s", name, best, err, o.stderr)
		}
	}
}

// TestResumeWithItsSettings: the command that began a run may go on with it, and one with other settings may not.
func TestResumeWithItsSettings(t *testing.T) {
	t.Parallel()
	dir := copyOfRun(t)
	run := viewed(t, dir)
	state, _, err := run.Latest()
	if err != nil {
		t.Fatal(err)
	}
	s, err := savedSettings(run, state, layer{})
	if err != nil {
		t.Fatal(err)
	}
	same := []string{"--model", s.run.Model, "--task", s.run.Task, "--seed", fmt.Sprint(s.opt.Seed), "--lr", fmt.Sprintf("%e", s.opt.LR)}
	galvani(t, args([]string{"train", "--resume", dir}, same...)...).ok(t)
	galvani(t, args([]string{"train", "--resume", dir}, args(same, "--seed", fmt.Sprint(s.opt.Seed+1))...)...).refused(t, exitConfig, `key "seed" belongs to the run and cannot change`)
	galvani(t, "train", "--resume", dir, "--model", "lstm").refused(t, exitConfig, `key "model" belongs to the run and cannot change`)
}
