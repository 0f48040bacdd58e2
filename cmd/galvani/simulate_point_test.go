package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSimulatePoint: neurons without a dendrite tell spikes and V as those with one do, for every wave form of a current, and
// take their numbers as flags.
func TestSimulatePoint(t *testing.T) {
	needsCPU(t)
	name := filepath.Join(t.TempDir(), "lif")
	run := func(line ...string) neuronTrace { t.Helper(); return simulated(t, line...) }
	r := run("lif", "--current", "step 25 10:90", "--tau-m", "10", "--e-l", "-70", "--v-re", "-70", "--v-th", "-50", "--t-ref", "2", "--dt", "0.1", "--for", "100ms", "--out", name)
	// The first spike is ln 5 time constants behind the beginning, each further one 2 ms later than that.
	if len(r.Spikes) != 1 || len(r.Spikes[0]) != 4 || math.Abs(r.Spikes[0][0]-26.09) > 0.11 || math.Abs(r.Spikes[0][1]-r.Spikes[0][0]-18.1) > 0.11 || r.Places[0] != "soma" || r.VMin[0] < -70.001 {
		t.Errorf("report is %+v", r)
	}
	text := contents(t, name+".csv")
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 1002 || lines[0] != "time_ms,v_soma_mv,input_current" || lines[1] != "0,-70,0" || !strings.HasSuffix(lines[101], ",0") || !strings.HasSuffix(lines[102], ",25") {
		t.Errorf("%d lines: %q, around the step %q", len(lines), lines[:2], lines[100:103])
	}
	for _, ending := range []string{".npz", ".png", ".svg"} {
		if _, err := os.Stat(name + ending); err != nil {
			t.Error(err)
		}
	}
	r = run("eif", "--current", "ramp 0 40 0:200 + step -60 200:250", "--v-lb", "-85", "--for", "250ms")
	if n := len(r.Spikes[0]); n < 4 || r.Spikes[0][n-1]-r.Spikes[0][n-2] >= r.Spikes[0][1]-r.Spikes[0][0] || r.VMin[0] != -85 {
		t.Errorf("under a rising current eif spikes at %v ms, V from %v mV", r.Spikes, r.VMin)
	}
	if r := run("adex", "--current", "constant 30", "--for", "300ms"); len(r.Spikes[0]) < 4 || r.Spikes[0][3]-r.Spikes[0][2] <= r.Spikes[0][1]-r.Spikes[0][0] {
		t.Errorf("adex does not adapt: spikes at %v ms", r.Spikes)
	}
	for line, want := range map[string]string{
		"--tau-m 0":        `--tau-m is 0, want`,
		"--v-th -80":       "bad configuration: --v-th is -80, not above V_re, -75",
		"--dt 20":          "--dt is 20 ms, want at most tau_m, 15 ms",
		"--current x=step": `unknown input "x"`,
		"--current step":   "has 0 parts behind its name",
		"--for 0s":         "--for is 0s",
		"--current constant 1|--current|step 2 0:9": "input current has two wave forms",
		"--tau-q 3":          "tau-q",
		"--stimulus loom":    "stimulus",
		"--out no/such/name": "no such file",
	} {
		if o := inside(args([]string{"simulate", "lif"}, strings.Split(strings.Replace(line, " ", "|", 1), "|")...)...); o.code == 0 || !strings.Contains(o.stderr, want) || strings.Count(o.stderr, "\n") > 3 {
			t.Errorf("%s: exit %d, %q, want %q", line, o.code, o.stderr, want)
		}
	}
}
