//go:build mpi || mpich

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// onRanksOf returns galvani as n processes that mpirun starts, more than there are cores.
func onRanksOf(n int, args ...string) *exec.Cmd {
	words := append([]string{"--oversubscribe", "-n", fmt.Sprint(n), os.Args[0]}, args...)
	c := exec.Command("mpirun", words...)
	c.Env = append(os.Environ(), asProgram+"=1", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
	return c
}

// TestMPITrain trains on 2 processes and wants the bits of one, and the words of one.
func TestMPITrain(t *testing.T) {
	shards := []string{"--shards", "8"}
	want := newestTensors(t, trained(t, shards...))
	o := finish(t, onRanksOf(2, args(tiny, args(shards, "--runs-dir", t.TempDir())...)...)).ok(t)
	if strings.Count(o.stderr, "done after") != 1 || !strings.Contains(o.stderr, "ranks: 2, with 8 shards of each batch\n") {
		t.Errorf("two ranks say: %s", o.stderr)
	}
	dir := strings.TrimSpace(finish(t, onRanksOf(2, args(tiny, args(shards, "--quiet", "--runs-dir", t.TempDir())...)...)).ok(t).stdout)
	for name, data := range newestTensors(t, dir) {
		if string(data) != string(want[name]) {
			t.Errorf("%s differs from that of one rank", name)
		}
	}
}

// TestMPIRefuses wants one line of galvani, from rank 0, and its code from all.
func TestMPIRefuses(t *testing.T) {
	own := func(words ...string) []string { return args(tiny, args(words, "--runs-dir", t.TempDir())...) }
	mixed := onRanksOf(1, own("--shards", "8")...)
	mixed.Args = append(append(mixed.Args, ":", "-n", "1", os.Args[0]), own("--shards", "8", "--lr", "0.5")...)
	for _, c := range []struct {
		want string
		code int
		cmd  *exec.Cmd
	}{
		{"8 parts for 3 ranks", exitConfig, onRanksOf(3, own("--shards", "8")...)},
		{"batches of 8 sequences cannot be divided into 16 shards", exitConfig, onRanksOf(2, own("--shards", "16")...)},
		{"rank 1 was started with", exitConfig, mixed},
		{"galvani models list runs as one process", exitUsage, onRanksOf(2, "models", "list")},
		{"unknown flag", exitUsage, onRanksOf(2, own("--shard", "8")...)},
	} {
		o := finish(t, c.cmd)
		if o.code != c.code || strings.Count(o.stderr, "galvani: ") != 1 || !strings.Contains(o.stderr, c.want) {
			t.Errorf("exit code %d, want %d and one line with %q: %s", o.code, c.code, c.want, o.stderr)
		}
	}
}
