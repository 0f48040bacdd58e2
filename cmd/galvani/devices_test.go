package main

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"galvani/kernels/devices"
)

// TestDevicesRanks asks a process alone, which is the only rank.
func TestDevicesRanks(t *testing.T) {
	var report struct {
		Ranks    []rankReport
		Training gain
	}
	o := galvani(t, "devices", "--ranks", "--json").ok(t)
	o.tells(t, &report)
	if list := report.Ranks; len(list) != 1 || list[0].Host == "" || list[0].Device == "" || list[0].MPI != "" {
		t.Errorf("%s, want one rank with host and device", o.stdout)
	}
	if m := report.Ranks[0].Memory; m.Host <= 0 || runtime.GOOS == "linux" && m.HostFree <= m.Host {
		t.Errorf("memory %+v, want what the training takes and what is there", m)
	}
	g := report.Training
	if g.Shards != 8 || g.Alone <= 0 || len(g.Ranks) != 6 { // 2, 4 and 8 ranks on two links
		t.Errorf("%s, want what 2, 4 and 8 ranks gain on two links", o.stdout)
	}
	for _, r := range g.Ranks {
		if r.Part <= 0 || r.Sum <= 0 || r.Seconds < r.Part {
			t.Errorf("prediction %+v, want an update of a part and a sum", r)
		}
	}
}

// TestDevicesRanksWhole: a network that takes whole batches gains nothing on ranks, which the report says.
func TestDevicesRanksWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "network.toml")
	written(t, file, "model = \"microcircuit\"\ntask = \"bars\"\n")
	galvani(t, "devices", "--ranks", "--config", file).refused(t, exitConfig, "model microcircuit takes whole batches")
}

// TestDevicesPrecision: what devices says of bf16 on the CPU is what opening the CPU for it comes to.
func TestDevicesPrecision(t *testing.T) {
	dev, err := devices.Open("cpu", devices.Options{Precision: "bf16"})
	if err == nil {
		defer dev.Close()
	}
	list := told[[]deviceReport](t, "devices")
	if says := strings.Contains(list[0].Name, "has --precision bf16"); says != (err == nil) {
		t.Errorf("devices tells %q, and opening for bf16 ends with %v", list[0].Name, err)
	}
}
