package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/bench"
)

// TestSweepNetwork wants a sweep to be the simulations of its values, and what is no sweep refused.
func TestSweepNetwork(t *testing.T) {
	needsCPU(t)
	out := filepath.Join(t.TempDir(), "rates")
	line := []string{"simulate", "balanced", "--n", "100", "--for", "200ms"}
	s := told[networkSweep](t, args(line, "--sweep", "r-x=10:30:3", "--out", out)...)
	one := told[simulation](t, args(line, "--r-x", "20")...)
	if len(s.Runs) != 3 || s.Runs[1].SHA256 != one.SHA256 || s.Runs[0].SHA256 == one.SHA256 || s.Runs[2].Settings["r_x"] != 30.0 {
		t.Errorf("values %v, runs %+v", s.Values, s.Runs)
	}
	table, err := os.ReadFile(out + ".csv")
	if err != nil || strings.Count(string(table), "\n") != 4 || !strings.HasPrefix(string(table), "r_x,e_hz,e_cv,") {
		t.Errorf("%v: %s", err, table)
	}
	for sweep, want := range map[string]string{
		"q=1:2:3":      `unknown setting "q"`,
		"r_x=1:2":      "want NAME=LO:HI:COUNT",
		"r_x=1:2000:3": "r_x is 1000.5, want 0 to 1000",
		"r_x=1:2:1":    "has 1 values, want 2 to",
	} {
		galvani(t, args(line, "--sweep", sweep)...).refused(t, exitConfig, want)
	}
	galvani(t, args(line, "--sweep", "r_x=1:2:3", "--r-x", "5")...).refused(t, exitConfig, "--r-x is in --sweep and given besides")
	galvani(t, args(line, "--sweep", "r_x=1:2:3", "--save", out)...).refused(t, exitConfig, "--save and --resume are of one")
}

// TestBenchNetworks times every network at a tiny size.
func TestBenchNetworks(t *testing.T) {
	needsCPU(t)
	o := noGPU(t, "bench", "networks", "--quick", "--json").ok(t)
	var rows []bench.Row
	o.tells(t, &rows)
	found := map[string]bool{}
	for _, r := range rows {
		found[r.Model+" "+r.What] = r.Subject.Median > 0 && (r.What == "simulated") == (r.Ratio == nil)
	}
	for _, want := range []string{"balanced simulated", "coba simulated", "vogels simulated", "vogels plastic"} {
		if !found[want] {
			t.Errorf("no good row %q in %s", want, o.stdout)
		}
	}
	noGPU(t, "bench", "networks", "--against", "brian").refused(t, exitUsage, `unknown simulator "brian"`)
	noGPU(t, "bench", "networks", "--only", "(").refused(t, exitUsage, "--only")
}
