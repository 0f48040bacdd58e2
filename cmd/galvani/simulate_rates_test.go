package main

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestSimulateRates simulates a network of rate units whose inhibition learns, with a stop: rates, files, what is shown
// of it.
func TestSimulateRates(t *testing.T) {
	dir := t.TempDir()
	one, two, file := filepath.Join(dir, "one"), filepath.Join(dir, "two"), filepath.Join(dir, "saved")
	line := []string{"rates-isp", "--n", "40", "--seed", "3"}
	r := simulatedNetwork(t, args(line, "--for", "15s", "--window", "500ms", "--out", one)...)
	e := r.Populations["e"]
	if math.Abs(e.RateHz-8) > 0.2 || e.Spikes != 0 || e.Fano != nil || r.WindowMs != 500 || r.Weights[0].Rule != "isp-additive" || r.Device != "host, one thread" {
		t.Errorf("simulate tells %+v, e %+v", r, e)
	}
	simulatedNetwork(t, args(line, "--for", "3001ms", "--save", file)...)
	again := simulatedNetwork(t, "rates-isp", "--resume", file, "--for", "15s", "--window", "500ms", "--out", two)
	if other := simulatedNetwork(t, "rates-isp", "--n", "40", "--seed", "4", "--for", "15s"); again.SHA256 != r.SHA256 || other.SHA256 == r.SHA256 {
		t.Errorf("the hash of a resumed simulation is %s, want %s; of another seed %s", again.SHA256, r.SHA256, other.SHA256)
	}
	if again.Populations["e"] != e {
		t.Errorf("resumed %+v, want %+v", again.Populations["e"], e)
	}
	for _, ending := range []string{"-rates.csv", "-rates.svg", "-unit-rates.csv", "-weights.csv", "-weights.npz"} {
		a, err := os.ReadFile(one + ending)
		if b, e := os.ReadFile(two + ending); err != nil || e != nil || string(a) != string(b) {
			t.Errorf("%s of a simulation with a stop differs (%v, %v)", ending, err, e)
		}
	}
	table, _ := os.ReadFile(one + "-rates.csv") // it was read
	rows := strings.Split(strings.TrimSpace(string(table)), "\n")
	if len(rows) != 31 || rows[0] != "time_ms,e_hz,i_hz" || math.Abs(last(t, rows)-8) > 0.2 {
		t.Errorf("%d rows of rates, of which the last is %s", len(rows), rows[len(rows)-1])
	}
	units, _ := os.ReadFile(one + "-unit-rates.csv")
	rows = strings.Split(strings.TrimSpace(string(units)), "\n")
	first, end := strings.Split(rows[1000], ","), strings.Split(rows[15000], ",")
	a, _ := strconv.ParseFloat(first[1], 64)
	b, _ := strconv.ParseFloat(end[1], 64)
	if len(rows) != 15001 || rows[0] != "time_ms,e_0_hz,e_1_hz,e_2_hz" || math.Abs(b-8) > 0.3 || math.Abs(b-8) > math.Abs(a-8) {
		t.Errorf("%d rows of units, %s, %v and %v", len(rows), rows[0], first, end)
	}
	if _, err := os.Stat(one + ".npz"); err == nil {
		t.Error("there are files of spikes")
	}
	words := galvani(t, "networks", "show", "rates-isp").ok(t).stdout
	for _, want := range []string{"80 excitatory rate (tau 10 ms, gain 1 Hz/mV", "starts at 10 Hz", "change by isp-additive (rate 8 Hz"} {
		if !strings.Contains(words, want) {
			t.Errorf("networks show lacks %q:\n%s", want, words)
		}
	}
	if words := galvani(t, "networks", "plasticity").ok(t).stdout; !strings.Contains(words, "r_source (r_target - r") {
		t.Errorf("networks plasticity does not tell the form of rates: %s", words)
	}
	if words := galvani(t, "networks", "state", file).ok(t).stdout; !strings.Contains(words, "e.r ") || strings.Contains(words, "i-to-e.source") {
		t.Errorf("networks state tells %s", words)
	}
}
