package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/kernels/devices"
)

// TestSimulate runs a small network: the spikes are the same on one and two threads, differ between
// seeds, and are in the files.
func TestSimulate(t *testing.T) {
	needsCPU(t)
	run := func(more ...string) simulation {
		t.Helper()
		return told[simulation](t, args([]string{"simulate", "balanced", "--n", "2000", "--for", "200ms"}, more...)...)
	}
	name := filepath.Join(t.TempDir(), "spikes")
	one, two, other := run("--threads", "1", "--out", name), run("--threads", "2"), run("--seed", "2")
	if one.SHA256 != two.SHA256 || one.SHA256 == other.SHA256 {
		t.Errorf("one thread %s, two %s, another seed %s", one.SHA256, two.SHA256, other.SHA256)
	}
	spikes := 0
	for name, n := range map[string]int{"e": 1600, "i": 400, "x": 400} {
		p := one.Populations[name]
		if p.N != n || !(p.RateHz > 1 && p.RateHz < 40) {
			t.Errorf("population %s: %+v", name, p)
		}
		spikes += p.Spikes
	}
	if one.Settings["n"] != 2000.0 || one.Milliseconds != 200 || one.Synapses < 0.95*2000*2400/10 || one.Synapses > 1.05*2000*2400/10 {
		t.Errorf("report is %+v", one)
	}
	text := contents(t, name+".csv")
	if lines := strings.Count(string(text), "\n"); lines != spikes+1 || !strings.HasPrefix(string(text), "time_ms,population,unit\n") {
		t.Errorf("%d lines for %d spikes, begin %.60q", lines, spikes, text)
	}
	for _, ending := range []string{".png", ".svg"} {
		if _, err := os.Stat(name + ending); err != nil {
			t.Error(err)
		}
	}
	// The spikes since there are networks, on every machine: a change of them has to be meant.
	const golden = "4136a700b1c350eb4d487b19558cf1f5b5b433af5421b008e7778461f8c406a2"
	if got := run("--n", "1000").SHA256; got != golden {
		t.Errorf("the SHA-256 of 1000 neurons is %s, want %s", got, golden)
	}
	words := galvani(t, "simulate", "balanced", "--n", "200", "--for", "50ms").ok(t).stdout
	if !strings.Contains(words, "POPULATION  UNITS") || !strings.Contains(words, "balanced {") {
		t.Errorf("says %s", words)
	}
}

func TestSimulateRefuses(t *testing.T) {
	for _, c := range []struct {
		line []string
		code int
		says string
	}{
		{[]string{"balance"}, exitUsage, "balanced"},
		{[]string{"balanced", "--n", "5"}, exitConfig, "--n is 5, want 10 to"},
		{[]string{"balanced", "--dt", "20"}, exitConfig, "builtin/balanced.toml: line 39: population.e.synapse.e is 8 ms, shorter than the step, 20 ms"},
		{[]string{"balanced", "--p", "x"}, exitConfig, `--p is "x"`},
		{[]string{"balanced", "--step", "0"}, exitConfig, "--dt is 0 ms"},
		{[]string{"balanced", "--save-every", "-1s"}, exitConfig, "--save-every is -1s"},
		{[]string{"balanced", "--for", "0s"}, exitConfig, "--for is 0s, which is 0 steps"},
		{[]string{"balanced", "--threads", "-1"}, exitConfig, "--threads is -1, want 0 to 1024"},
		{[]string{"balanced", "--threads", "1000000"}, exitConfig, "--threads is 1000000, want 0 to 1024"},
		{[]string{"balanced", "--storage", "none"}, exitConfig, "unknown storage"},
		{[]string{"rates-isp", "--device", "cuda"}, exitConfig, "rate units are stepped by the host"},
		{[]string{"balanced", "--out", "none/of"}, exitIO, "there is no folder none; make it"},
		{[]string{"balanced", "--out", "simulate_test.go/x"}, exitIO, "write simulate_test.go: not a directory"},
		{[]string{"hh", "--save", "simulate_test.go/x"}, exitIO, "write simulate_test.go: not a directory"},
		{[]string{"balanced", "--save", "none/of"}, exitIO, "there is no folder none; make it"},
		{[]string{"balanced", "--resume", "none"}, exitData, "no such file or directory; begin by --save none"},
	} {
		galvani(t, args([]string{"simulate"}, c.line...)...).refused(t, c.code, c.says)
	}
	if _, err := devices.OpenCPU(1); err != nil {
		galvani(t, "simulate", "balanced").refused(t, exitDevice, "built without cgo; install gcc and build again with CGO_ENABLED=1")
	}
}
