//go:build gpu

package main

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestSimulateGPU holds that a network spikes and learns on the GPU as on the CPU, and that a simulation goes on from
// one on the other.
func TestSimulateGPU(t *testing.T) {
	onGPU(t)
	run := func(more ...string) simulation {
		t.Helper()
		return told[simulation](t, args([]string{"simulate", "vogels"}, more...)...)
	}
	file := filepath.Join(t.TempDir(), "run")
	network := []string{"--n", "100", "--p", "0.3"}
	want := run(args(network, "--for", "60ms")...)
	got := run(args(network, "--for", "60ms", "--device", "cuda")...)
	run(args(network, "--for", "25ms", "--device", "cuda", "--save", file)...)
	run("--resume", file, "--for", "40ms", "--device", "cpu")
	resumed := run("--resume", file, "--for", "60ms", "--device", "auto")
	for _, r := range []simulation{got, resumed} {
		if r.SHA256 != want.SHA256 || !strings.HasPrefix(r.Device, "cuda:0") || want.Populations["e"].Spikes == 0 {
			t.Errorf("%+v, want the spikes of %+v", r, want)
		}
		if end := want.Weights[0].End; !reflect.DeepEqual(r.Weights[0].End, end) || end.Mean == 0 {
			t.Errorf("weights end as %+v, want %+v", r.Weights[0].End, end)
		}
	}
}

// TestTooLargeForGPU holds that a network that the GPU has no room for is refused before it is drawn.
func TestTooLargeForGPU(t *testing.T) {
	galvani(t, "simulate", "balanced", "--for", "1ms", "--device", "cuda", "--storage", "procedural").refused(t, exitDevice, "or give the network the device cpu")
	o := emulated(t, []string{"GALVANI_EMU_DEVICE=memory=24M"}, "simulate", "balanced", "--n", "9000", "--for", "1ms", "--device", "cuda")
	o.refused(t, exitDevice, "not enough memory")
	if !strings.Contains(o.stderr, "of GPU memory, and ") || !strings.Contains(o.stderr, "compute on the CPU") {
		t.Errorf("stderr tells no bytes or no remedy: %s", o.stderr)
	}
}
