//go:build gpu && (mpi || mpich)

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/engine/group"
	"galvani/engine/group/grouptest"
)

// TestMPIGPU trains on emulated GPUs, one for each rank and one for all, and wants the bits of one process on one of them. The
// same holds for ranks that pass the library addresses of a device's memory: there no gradient is copied to the host.
func TestMPIGPU(t *testing.T) {
	if os.Getenv("GALVANI_CUDA_LIBRARY") == "" {
		t.Skip("no emulated driver; run make gpu-test-mpi")
	}
	var more []string
	ranks := func(n, gpus int, line ...string) string {
		t.Helper()
		env := append(more, asProgram+"=1", fmt.Sprint("GALVANI_EMU_DEVICE=count=", gpus))
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
	written(t, network, "task = \"looming\"\nhidden = 8\nfacets = 3\nsteps = 8\nbatch = 8\n") // that of tiny
	var told ranksReport
	galvani(t, "devices", "--ranks", "--json", "--config", network).tells(t, &told)
	copied := filepath.Join(t.TempDir(), "copied")
	for _, n := range []int{1, 2, 4} {
		var in, out [2]int
		for i, word := range []string{"no", "yes"} {
			os.Remove(copied)
			more = []string{group.DevicePointers + "=" + word, "GALVANI_EMU_COPIES=" + copied}
			sameNumbers(t, fmt.Sprintf("%d ranks, device pointers %s", n, word), ranks(n, n, line("auto")...), want)
			for row := range strings.Lines(string(contents(t, copied))) {
				var a, b int
				if _, err := fmt.Sscan(row, &a, &b); err != nil {
					t.Fatal(err)
				}
				in[i], out[i] = in[i]+a, out[i]+b
			}
		}
		gradients := 0
		if n > 1 {
			gradients = n * 12 * told.Training.Bytes // of 12 updates
		}
		if in[0]-in[1] != gradients || out[0]-out[1] != gradients || out[1] == 0 {
			t.Errorf("%d ranks copy %d bytes to the device and %d from it, by device pointers %d and %d: want %d fewer", n, in[0], out[0], in[1], out[1], gradients)
		}
	}
	more = []string{group.DevicePointers + "=yes"}
	for _, gpus := range []int{1, 2} {
		if err := json.Unmarshal([]byte(ranks(2, gpus, "devices", "--ranks", "--json", "--config", network)), &told); err != nil {
			t.Fatal(err)
		}
		for i, r := range told.Ranks {
			if want := fmt.Sprintf("cuda:%d ", i%gpus); !strings.HasPrefix(r.Device, want) {
				t.Errorf("%d GPUs: rank %d is on %q, want %s", gpus, i, r.Device, want)
			}
			if m := r.Memory; !r.DevicePointers || m.Device <= 0 || m.DeviceFree <= m.Device {
				t.Errorf("%d GPUs: rank %d tells %+v, want device pointers and memory", gpus, i, r)
			}
		}
	}
}

// TestMPIGPUKilled is TestMPIKilled for emulated GPUs, with device pointers.
func TestMPIGPUKilled(t *testing.T) {
	if os.Getenv("GALVANI_CUDA_LIBRARY") == "" {
		t.Skip("no emulated driver; run make gpu-test-mpi")
	}
	killed(t, 8, []string{"GALVANI_EMU_DEVICE=count=4", group.DevicePointers + "=yes"}, "--device", "auto")
}
