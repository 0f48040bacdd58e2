//go:build mpi || mpich

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"galvani/engine/group"
	"galvani/engine/group/grouptest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// onRanksOf returns galvani as n processes that mpirun starts, more than there are cores.
func onRanksOf(n int, args ...string) *exec.Cmd {
	return grouptest.Launch(n, []string{asProgram + "=1"}, os.Args[0], args...)
}

// sameNumbers compares the newest checkpoint and the metrics of a run with those of another: all numbers but
// the times.
func sameNumbers(t *testing.T, what, got, want string) {
	t.Helper()
	sameWeights(t, what, got, want)
	if d := cmp.Diff(metricRows(t, want), metricRows(t, got)); d != "" {
		t.Errorf("%s: metrics differ from those of one rank:\n%.500s", what, d)
	}
}

// metricRows returns metrics.jsonl without what depends on the time.
func metricRows(t *testing.T, dir string) (list []map[string]any) {
	t.Helper()
	text := contents(t, filepath.Join(dir, "metrics.jsonl"))
	for line := range strings.Lines(string(text)) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		delete(row, "time")
		delete(row, "sequences_per_second")
		list = append(list, row)
	}
	return list
}

// TestMPISameBits trains on 1 to 8 processes, with the batch taken in one, two and four parts, also stopped in
// the middle of an epoch and resumed with another number, and wants the bits and the words of one rank.
func TestMPISameBits(t *testing.T) {
	t.Parallel()
	wide := args(tiny, "--batch", "32", "--shards", "32", "--steps", "4", "--train-size", "128")
	run := func(n int, more ...string) string {
		return strings.TrimSpace(finish(t, onRanksOf(n, args(wide, args(more, "--quiet", "--runs-dir", t.TempDir())...)...)).ok(t).stdout)
	}
	want := strings.TrimSpace(galvani(t, args(wide, "--quiet", "--runs-dir", t.TempDir())...).ok(t).stdout)
	for _, n := range []int{1, 2, 4, 8} {
		for _, parts := range []string{"1", "2", "4"} {
			sameNumbers(t, fmt.Sprintf("%d ranks, %s parts", n, parts), run(n, "--accumulate", parts), want)
		}
	}
	half := run(4, "--max-steps", "3")
	finish(t, onRanksOf(8, "train", "--resume", half, "--max-steps", "0", "--accumulate", "2", "--quiet")).ok(t)
	sameWeights(t, "resumed with 8 ranks", half, want) // the first half ends with an evaluation more
	o := finish(t, onRanksOf(2, args(tiny, "--max-steps", "1", "--runs-dir", t.TempDir())...)).ok(t)
	if strings.Count(o.stderr, "done after") != 1 || !strings.Contains(o.stderr, "ranks: 2, with 8 shards of each batch\n") {
		t.Errorf("two ranks say: %s", o.stderr)
	}
}

// lasting is a run that is long enough to be stopped several times, and what it leaves where nothing stops it.
func lasting(t *testing.T, epochs int, flags ...string) (line []string, whole string) {
	line = args(args(tiny, flags...), "--epochs", strconv.Itoa(epochs), "--checkpoint-every", "20", "--eval-every", "50", "--shards", "8")
	return line, strings.TrimSpace(galvani(t, args(line, "--quiet", "--runs-dir", t.TempDir())...).ok(t).stdout)
}

// descendants returns the processes of this program that a process has started, itself or by others of its own: those
// of MPICH are started by a proxy.
func descendants(t *testing.T, pid int) (list []int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return nil // it has ended
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range strings.Fields(string(text)) {
		child, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		if path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", child)); err == nil && path == self {
			list = append(list, child)
			continue
		}
		list = append(list, descendants(t, child)...)
	}
	return list
}

// processes waits until a run of n ranks has made updates and saved a checkpoint, and returns the ranks that mpirun has
// started.
func processes(t *testing.T, c *exec.Cmd, n int, runs string) (dir string, ranks []int) {
	t.Helper()
	for begin := time.Now(); len(ranks) < n || dir == ""; {
		time.Sleep(5 * time.Millisecond)
		if time.Since(begin) > time.Minute {
			c.Process.Kill()
			t.Fatal("the job saves nothing")
		}
		ranks = descendants(t, c.Process.Pid)
		saved, _ := filepath.Glob(filepath.Join(runs, "*", "checkpoints", "step-*.safetensors"))
		for _, path := range saved {
			if info, err := os.Stat(path); err == nil && info.ModTime().After(begin) {
				dir = filepath.Dir(filepath.Dir(path))
			}
		}
	}
	return dir, ranks
}

// longest is how long a job may take to end after it has lost a rank. Where tests run beside others it is
// long; those who count kills, with GALVANI_TEST_KILLS, hold it to 10 s.
var longest = time.Minute

// TestMPIKilled kills a random rank again and again, stops one so that it hangs, and asks one to stop. Each
// time the job ends with the right code and goes on from its last checkpoint with another number of ranks,
// and in the end it has the bits of a run that nothing happened to.
func TestMPIKilled(t *testing.T) { killed(t, 30, nil) }

// killed is TestMPIKilled with so many epochs between two stops, for ranks with variables and flags beside those of others.
func killed(t *testing.T, epochs int, env []string, flags ...string) {
	kills := 1 // as continuous integration has time for
	if n, err := strconv.Atoi(os.Getenv("GALVANI_TEST_KILLS")); err == nil {
		kills, longest = n, 10*time.Second
	}
	line, whole := lasting(t, epochs*(kills+2), flags...)
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, uint64(kills)))
	runs, dir := t.TempDir(), ""
	command := args(line, "--runs-dir", runs)
	hurt := func(s syscall.Signal, code int) {
		t.Helper()
		n := []int{2, 4}[rng.IntN(2)]
		c := grouptest.Launch(n, append(env, asProgram+"=1"), os.Args[0], command...)
		var said bytes.Buffer
		c.Stdout, c.Stderr = &said, &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		var ranks []int
		dir, ranks = processes(t, c, n, runs)
		time.Sleep(time.Duration(rng.IntN(100)) * time.Millisecond)
		victim := rng.IntN(n)
		begin := time.Now()
		if err := syscall.Kill(ranks[victim], s); err != nil {
			t.Fatalf("%v: %s", err, said.String())
		}
		c.Wait() // the exit code is looked at
		if got, took := c.ProcessState.ExitCode(), time.Since(begin); got != code || took > longest {
			t.Errorf("%v of rank %d of %d: exit code %d after %v, want %d within %v: %s", s, victim, n, got, took, code, longest, said.String())
		}
		t.Logf("%v of rank %d of %d: ended after %v", s, victim, n, time.Since(begin).Round(10*time.Millisecond))
		command = []string{"train", "--resume", dir, "--runs-dir", runs}
	}
	for range kills {
		hurt(syscall.SIGKILL, grouptest.Killed)
	}
	hurt(syscall.SIGUSR1, exitStopped)
	hurt(syscall.SIGSTOP, exitStopped)
	finish(t, grouptest.Launch(2, append(env, asProgram+"=1"), os.Args[0], command...)).ok(t)
	sameNumbers(t, "killed, stopped and resumed", dir, whole)
}

// TestMPIRefuses wants one line of galvani, from rank 0, and its code from all.
func TestMPIRefuses(t *testing.T) {
	t.Parallel()
	own := func(words ...string) []string { return args(tiny, args(words, "--runs-dir", t.TempDir())...) }
	mixed := onRanksOf(1, own("--shards", "8")...)
	mixed.Args = append(append(mixed.Args, ":", "-n", "1", os.Args[0]), own("--shards", "8", "--lr", "0.5")...)
	program := filepath.Join(t.TempDir(), "galvani")
	written(t, program, append(contents(t, os.Args[0]), 0)) // which runs as well, and is another file
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	other := onRanksOf(1, own("--shards", "8")...)
	other.Args = append(append(other.Args, ":", "-n", "1", program), own("--shards", "8")...)
	network := filepath.Join(t.TempDir(), "fast.toml")
	written(t, network, "[population.e]\nneuron = \"lif\"\nn = \"10\"\nsynapse = { e = \"0.01 ms\" }\n")
	for _, c := range []struct {
		want string
		code int
		cmd  *exec.Cmd
	}{
		{"accumulate is 8, and each of 2 ranks has 4 of 8 shards", exitConfig, onRanksOf(2, own("--accumulate", "8")...)},
		{`GALVANI_MPI_DEVICE_POINTERS is "maybe", want yes, no or nothing`, exitConfig,
			grouptest.Launch(2, []string{asProgram + "=1", group.DevicePointers + "=maybe"}, os.Args[0], own()...)},
		{"model microcircuit learns by a rule of its own, which takes whole batches, and there are 2 ranks; start one process", exitConfig,
			onRanksOf(2, "train", "--model", "microcircuit", "--task", "bars", "--runs-dir", t.TempDir())},
		{"8 parts for 3 ranks", exitConfig, onRanksOf(3, own("--shards", "8")...)},
		{"batches of 8 sequences cannot be divided into 16 shards", exitConfig, onRanksOf(2, own("--shards", "16")...)},
		{"rank 1 was started with", exitConfig, mixed},
		{"rank 1 runs another program than rank 0: ", exitConfig, other},
		{"galvani models list runs as one process", exitUsage, onRanksOf(2, "models", "list")},
		{"unknown flag", exitUsage, onRanksOf(2, own("--shard", "8")...)},
		{"galvani simulate hh runs as one process", exitUsage, onRanksOf(2, "simulate", "hh")},
		{"shorter than the step, 0.1 ms", exitConfig, onRanksOf(2, "simulate", network)},
	} {
		o := finish(t, c.cmd)
		if o.code != c.code || strings.Count(o.stderr, "galvani: ") != 1 || !strings.Contains(o.stderr, c.want) {
			t.Errorf("exit code %d, want %d and one line with %q: %s", o.code, c.code, c.want, o.stderr)
		}
	}
}

// inFolders is a script that starts a program in a folder of the rank's own, folder0 or folder1 of where it is.
func inFolders(t *testing.T) (script, dir string) {
	t.Helper()
	dir = t.TempDir()
	script = filepath.Join(dir, "each")
	written(t, script, "#!/bin/sh\ncd "+dir+"/folder${OMPI_COMM_WORLD_RANK:-$PMI_RANK} && exec \"$@\"\n")
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"folder0", "folder1"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return script, dir
}

// TestMPIFilesOfRankZero trains on two ranks of which the other has another file where a key names one, and then none, and
// sees no run directory: all have the file of rank 0, or its copy in the run, and the bits are those of one process. Where a
// rank cannot begin, no run is made, and one that is there stays as it was.
func TestMPIFilesOfRankZero(t *testing.T) {
	t.Parallel()
	script, dir := inFolders(t)
	mask := filepath.Join(dir, "folder0", "mask.txt")
	written(t, mask, strings.Repeat("1 0 1 0 1 0 1 0\n0 1 0 1 0 1 0 1\n", 4))
	written(t, filepath.Join(dir, "folder1", "mask.txt"), strings.Repeat("1 1 1 1 1 1 1 1\n", 8))
	line := args(tiny, "--model", "crnn-simple", "--shards", "8", "--quiet")
	want := strings.TrimSpace(galvani(t, args(line, "--rec-mask", mask, "--runs-dir", t.TempDir())...).ok(t).stdout)
	on := func(line ...string) outcome {
		t.Helper()
		return finish(t, grouptest.Launch(2, []string{asProgram + "=1"}, script, append([]string{os.Args[0]}, line...)...))
	}
	half := strings.TrimSpace(on(args(line, "--rec-mask", "mask.txt", "--max-steps", "6")...).ok(t).stdout)
	for _, folder := range []string{"folder0", "folder1"} {
		if err := os.Remove(filepath.Join(dir, folder, "mask.txt")); err != nil {
			t.Fatal(err)
		}
	}
	on("train", "--resume", half, "--max-steps", "0", "--quiet").ok(t)
	sameWeights(t, "two ranks, one with the file", filepath.Join(dir, "folder0", half), want)
	saved, err := filepath.Glob(filepath.Join(trained(t, "--model", "crnn-simple"), "checkpoints", "step-*.safetensors"))
	if err != nil || len(saved) == 0 {
		t.Fatalf("%v, %v", saved, err)
	}
	written(t, filepath.Join(dir, "folder0", "w.safetensors"), string(contents(t, saved[0])))
	before := runsIn(t, filepath.Join(dir, "folder0", "runs"))
	o := on(args(tiny, "--model", "crnn-simple", "--init-from", "w.safetensors")...)
	if o.code == exitOK || strings.Count(o.stderr, "galvani: ") != 1 || !strings.Contains(o.stderr, "rank 1: ") {
		t.Errorf("exit code %d, want one line about rank 1, which has no weights: %s", o.code, o.stderr)
	}
	written(t, filepath.Join(dir, "folder0", "network.toml"), "model = \"crnn-simple\"\nhidden = 8\nfacets = 3\nsteps = 8\nbatch = 16\nrec_mask = \"mask.txt\"\n")
	written(t, mask, strings.Repeat("1 0 1 0 1 0 1 0\n0 1 0 1 0 1 0 1\n", 4))
	var told ranksReport
	on("devices", "--ranks", "--json", "--config", "network.toml").tells(t, &told)
	if told.Training.Model != "crnn-simple" || len(told.Ranks) != 2 {
		t.Errorf("predicted for %+v", told)
	}
	if now := runsIn(t, filepath.Join(dir, "folder0", "runs")); now != before {
		t.Errorf("%d runs, %d before one that cannot begin", now, before)
	}
}

// TestMPISavedOfRankZero goes on with a simulation that rank 0 alone sees, and has the file of one process; one that rank 0
// does not see is refused.
func TestMPISavedOfRankZero(t *testing.T) {
	t.Parallel()
	script, dir := inFolders(t)
	on := func(line ...string) outcome {
		t.Helper()
		return finish(t, grouptest.Launch(2, []string{asProgram + "=1"}, script, append([]string{os.Args[0], "simulate", "balanced"}, line...)...))
	}
	if err := os.Mkdir(filepath.Join(dir, "folder0", "of"), 0o755); err != nil {
		t.Fatal(err)
	}
	on("--n", "100", "--for", "50ms", "--save", "of/saved").ok(t)
	on("--resume", "of/saved", "--for", "90ms").ok(t)
	whole := filepath.Join(dir, "whole")
	galvani(t, "simulate", "balanced", "--n", "100", "--for", "90ms", "--save", whole).ok(t)
	if !bytes.Equal(contents(t, filepath.Join(dir, "folder0", "of", "saved")), contents(t, whole)) {
		t.Error("what two ranks have saved differs from what one process has")
	}
	if o := on("--resume", "other", "--for", "99ms"); o.code != exitData || strings.Count(o.stderr, "galvani: ") != 1 || !strings.Contains(o.stderr, "--resume other: ") {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
}

// runsIn counts what is in a folder of runs.
func runsIn(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestMPIOfOne: a launcher that starts one process is in nobody's way where batches are taken as a whole.
func TestMPIOfOne(t *testing.T) {
	t.Parallel()
	finish(t, onRanksOf(1, "train", "--model", "microcircuit", "--task", "bars", "--max-steps", "1", "--plots", "none", "--quiet", "--runs-dir", t.TempDir())).ok(t)
}

// TestMPIDevices lets rank 0 report for all.
func TestMPIDevices(t *testing.T) {
	t.Parallel()
	var told ranksReport
	network := filepath.Join(t.TempDir(), "network.toml")
	written(t, network, "hidden = 8\nfacets = 3\nsteps = 8\nbatch = 16\nshards = 4\n")
	out := finish(t, onRanksOf(2, "devices", "--ranks", "--json", "--config", network)).ok(t).stdout
	if err := json.Unmarshal([]byte(out), &told); err != nil || len(told.Ranks) != 2 {
		t.Fatalf("%s (%v), want two ranks", out, err)
	}
	if g := told.Training; g.Batch != 16 || g.Shards != 4 || g.Bytes == 0 || g.Alone <= 0 || len(g.Ranks) != 2 || g.Ranks[1].Ranks != 4 || g.Ranks[1].Efficiency <= 0 || g.Ranks[0].Sum <= 0 {
		t.Errorf("predicted %+v", g)
	}
	for i, r := range told.Ranks {
		if r.Rank != i || r.Local != i || r.Device == "" || r.MPI == "" || r.Memory.Host <= 0 || r.Memory.HostFree <= 0 {
			t.Errorf("rank %d: %+v", i, r)
		}
	}
}

// TestMPIExperiment spreads the cases of an experiment over processes, and wants the values of one process in
// its order, and one report.
func TestMPIExperiment(t *testing.T) {
	t.Parallel()
	line := []string{"experiment", "cable", "--quick", "--json", "--out"}
	values := func(dir string) (list []any) {
		t.Helper()
		text := contents(t, filepath.Join(dir, "cable.jsonl"))
		for row := range strings.Lines(string(text)) {
			var r struct {
				Condition string
				Seed      uint64
				Values    map[string]any
			}
			if err := json.Unmarshal([]byte(row), &r); err != nil {
				t.Fatal(err)
			}
			list = append(list, r)
		}
		return list
	}
	one, two := t.TempDir(), t.TempDir()
	want := galvani(t, args(line, one)...).ok(t)
	got := finish(t, onRanksOf(2, args(line, two)...)).ok(t)
	if d := cmp.Diff(values(one), values(two)); d != "" {
		t.Errorf("values of one process, of two:\n%s", d)
	}
	if strings.Count(got.stdout, `"verdict"`) != 1 || strings.Count(want.stdout, `"verdict"`) != 1 {
		t.Errorf("two processes report %s, one %s", got.stdout, want.stdout)
	}
}

// TestMPISimulate spreads networks over processes, also saved on some and resumed on others, and wants the report of
// one process.
func TestMPISimulate(t *testing.T) {
	t.Parallel()
	report := func(o outcome) (r simulation) {
		t.Helper()
		o.ok(t).tells(t, &r)
		r.Device, r.Seconds, r.Ranks = "", 0, 0
		return r
	}
	for network, settings := range map[string][]string{"balanced": {"--n", "700", "--r-x", "30"}, "vogels": {"--n", "300"}, "coba": {"--n", "500"}} {
		run := func(n int, more ...string) simulation {
			t.Helper()
			return report(finish(t, onRanksOf(n, args([]string{"simulate", network, "--json"}, more...)...)))
		}
		want := report(galvani(t, args([]string{"simulate", network, "--for", "90ms", "--json"}, settings...)...))
		if want.Populations["e"].Spikes == 0 {
			t.Errorf("%s: no spikes", network)
		}
		same := func(what string, got simulation) {
			t.Helper()
			if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(simulation{})); d != "" {
				t.Errorf("%s: %s: differs from one process:\n%.800s", network, what, d)
			}
		}
		for _, n := range []int{2, 3, 4} {
			same(fmt.Sprint(n, " ranks"), run(n, args(settings, "--for", "90ms")...))
		}
		file := filepath.Join(t.TempDir(), "saved")
		run(2, args(settings, "--for", "37ms", "--save", file)...)
		run(4, "--resume", file, "--for", "61ms")
		same("resumed with other ranks", report(galvani(t, "simulate", network, "--json", "--resume", file, "--for", "90ms")))
	}
}
