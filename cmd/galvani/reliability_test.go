//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/group"
	"galvani/engine/rundir"
	"galvani/engine/rundir/memfs"
	"galvani/engine/setting"

	"github.com/google/go-cmp/cmp"
)

// kill starts a training, kills it some time after its first words and reports whether it was
// still there to be killed.
func kill(t *testing.T, command []string, after time.Duration) (killed bool, said string) {
	t.Helper()
	c := program(command...)
	lines := begin(t, c)
	var timer *time.Timer
	for lines.Scan() {
		said += lines.Text() + "\n"
		if timer == nil && strings.HasPrefix(lines.Text(), "run: ") {
			timer = time.AfterFunc(after, func() { c.Process.Kill() })
		}
	}
	if timer != nil {
		timer.Stop()
	}
	c.Wait() // the way it ended is looked at
	if code := c.ProcessState.ExitCode(); code > 0 {
		t.Fatalf("exit code %d, stderr:\n%s", code, said)
	}
	return !c.ProcessState.Exited(), said
}

// TestKilledAgainAndAgain kills a run 60 times (10 if short) at random moments, and lets it go on
// each time. In the end it has the same network, and the same best one, as a run that was left alone.
func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	kills := 60
	if testing.Short() {
		kills = 10
	}
	long := args(tiny, "--plots", "both", "--steps", "3", "--epochs", "60", "--checkpoint-every", "7", "--eval-every", "20")
	same := func(t *testing.T, want, got string) {
		t.Helper()
		if d := cmp.Diff(latest(t, want), latest(t, got)); d != "" {
			t.Fatalf("the run differs from one that was left alone:\n%.500s", d)
		}
		const best = "checkpoints/best.safetensors"
		if d := cmp.Diff(tensorsOf(t, filepath.Join(want, best)), tensorsOf(t, filepath.Join(got, best))); d != "" {
			t.Fatalf("the best checkpoint differs from that of a run that was left alone:\n%.500s", d)
		}
	}
	want := strings.TrimSpace(galvani(t, args(long, "--quiet", "--runs-dir", t.TempDir())...).ok(t).stdout)
	rng := rand.New(rand.NewPCG(3, 4))
	runs, command, early, finished := "", []string(nil), 0, 0
	for done := 0; done < kills; {
		if command == nil {
			runs = t.TempDir()
			command = args(long, "--runs-dir", runs)
		}
		killed, said := kill(t, command, time.Duration(rng.IntN(40_000))*time.Microsecond)
		if killed {
			done++
		}
		dir := newest(t, runs)
		switch p := phase(t, dir); {
		case p == rundir.Completed: // left alone, or killed when only its plots and last words were missing
			same(t, want, dir)
			command = nil
			finished++
			continue
		case p != rundir.Killed || !killed:
			t.Fatalf("kill %d: status is %q, want %q; stderr:\n%s", done, p, rundir.Killed, said)
		}
		command = []string{"train", "--resume", dir}
		if run, err := rundir.View(dir); err != nil {
			t.Fatal(err)
		} else if _, _, err := run.Latest(); err != nil { // killed before its first checkpoint
			galvani(t, command...).refused(t, exitData, "begin the run anew with: galvani train --config ")
			early++
			if err := os.Rename(dir, filepath.Join(t.TempDir(), "early")); err != nil {
				t.Fatal(err)
			}
			command = args(long, "--runs-dir", runs)
		}
	}
	if command != nil {
		galvani(t, command...).ok(t)
		same(t, want, newest(t, runs))
	}
	t.Logf("%d kills, %d before the first checkpoint, %d runs came to their end between", kills, early, finished)
}

// TestFullDisk fills the disk at ten levels. The run ends with an input/output error that says
// what to do, and goes on when there is space, to the same end.
func TestFullDisk(t *testing.T) {
	start := func(disk *memfs.FS) (string, error) {
		s, err := resolve(layer{pairs: pairsOf(args(tiny, "--steps", "3", "--checkpoint-every", "2", "--eval-every", "3")[1:])})
		if err != nil {
			t.Fatal(err)
		}
		s.opt.Divide(false) // as the command does, so that its value is kept with the run
		j, err := s.open()
		if err != nil {
			t.Fatal(err)
		}
		defer j.close()
		run, err := rundir.CreateOn(disk, "runs", "crnn", "looming", time.Unix(0, 0))
		if err != nil {
			return "", err
		}
		return run.Dir(), j.train(context.Background(), run, quietDisplay{io.Discard})
	}
	goOn := func(disk *memfs.FS, dir string) error {
		run, err := rundir.OpenOn(disk, dir)
		if err != nil {
			return err
		}
		j, err := reopen(run, "", layer{}, quietDisplay{io.Discard}, group.Alone{})
		if err != nil {
			return err
		}
		defer j.close()
		return j.train(context.Background(), run, quietDisplay{io.Discard})
	}
	result := func(disk *memfs.FS, dir string) []byte {
		run, err := rundir.ViewOn(disk, dir)
		if err != nil {
			t.Fatal(err)
		}
		b, err := run.Read("checkpoints/step-000000000012.safetensors")
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	disk, peak := memfs.New(), int64(0)
	disk.Before = func(string, string) error {
		peak = max(peak, disk.Used())
		return nil
	}
	dir, err := start(disk)
	if err != nil {
		t.Fatal(err)
	}
	want := result(disk, dir)
	for level := range int64(10) {
		disk := memfs.New()
		disk.Limit = 1 + peak*level/10
		dir, err := start(disk)
		o := outcome{exitCode(err), "", ""}
		if err != nil {
			o.stderr = setting.OneLine("galvani: "+err.Error()) + "\n"
		}
		o.refused(t, exitIO, "no space left on device; free some space there")
		disk.Limit = 0
		run, err := rundir.ViewOn(disk, dir)
		if left, _ := disk.List(dir); errors.Is(err, rundir.ErrNotRun) && len(left) == 0 && level < 2 {
			continue // a fifth is less than what a run begins with: nothing is left
		}
		if err != nil {
			t.Fatal(err)
		}
		_, skipped, err := run.Latest()
		saved := err == nil
		if len(skipped) > 0 {
			t.Errorf("level %d: damaged checkpoints %v", level, skipped)
		}
		if none, some := strings.Contains(o.stderr, "no checkpoint is saved"), strings.Contains(o.stderr, "resume"); saved && none || !saved && some {
			t.Errorf("level %d: a checkpoint is there: %v, but it says %s", level, saved, o.stderr)
		}
		if saved {
			err = goOn(disk, dir)
		} else {
			disk = memfs.New()
			dir, err = start(disk)
		}
		if err != nil {
			t.Fatalf("level %d: %v", level, err)
		}
		if !bytes.Equal(result(disk, dir), want) {
			t.Errorf("level %d: the run differs from one with space", level)
		}
	}
}

// pairsOf turns flags with values into pairs.
func pairsOf(flags []string) []config.Pair {
	var pairs []config.Pair
	for ; len(flags) > 1; flags = flags[2:] {
		name := strings.ReplaceAll(strings.TrimPrefix(flags[0], "--"), "-", "_")
		pairs = append(pairs, config.Pair{Name: name, Value: config.Text(flags[1])})
	}
	return pairs
}
