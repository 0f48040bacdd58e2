//go:build gpu && (mpi || mpich)

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/engine/group/grouptest"
)

// TestMPIGPU trains on emulated GPUs, one for each rank and one for all, and wants the bits of one process on one of them.
func TestMPIGPU(t *testing.T) {
	if os.Getenv("GALVANI_CUDA_LIBRARY") == "" {
		t.Skip("no emulated driver; run make gpu-test-mpi")
	}
	ranks := func(n, gpus int, line ...string) string {
		t.Helper()
		env := []string{asProgram + "=1", fmt.Sprint("GALVANI_EMU_DEVICE=count=", gpus)}
		return strings.TrimSpace(finish(t, grouptest.Launch(n, env, os.Args[0], line...)).ok(t).stdout)
	}
	line := func(device string) []string {
		return args(tiny, "--device", device, "--shards", "8", "--quiet", "--runs-dir", t.TempDir())
	}
	want := strings.TrimSpace(galvani(t, line("cuda")...).ok(t).stdout)
	for _, c := range [][2]int{{2, 2}, {4, 4}, {2, 1}} {
		dir := ranks(c[0], c[1], line("auto")...)
		sameNumbers(t, fmt.Sprintf("%d ranks on %d GPUs", c[0], c[1]), dir, want)
		if text := string(contents(t, filepath.Join(dir, "env.json"))); !strings.Contains(text, "cuda:0") {
			t.Errorf("%d ranks trained on another device: %s", c[0], text)
		}
	}
	network := filepath.Join(t.TempDir(), "network.toml")
	written(t, network, "hidden = 8\nfacets = 3\nsteps = 8\nbatch = 16\nshards = 4\n")
	for _, gpus := range []int{1, 2} {
		var told ranksReport
		if err := json.Unmarshal([]byte(ranks(2, gpus, "devices", "--ranks", "--json", "--config", network)), &told); err != nil {
			t.Fatal(err)
		}
		for i, r := range told.Ranks {
			if want := fmt.Sprintf("cuda:%d ", i%gpus); !strings.HasPrefix(r.Device, want) {
				t.Errorf("%d GPUs: rank %d is on %q, want %s", gpus, i, r.Device, want)
			}
		}
	}
}
