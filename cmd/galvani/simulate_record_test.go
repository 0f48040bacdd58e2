package main

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"galvani/engine/npz"
)

// simulatedNetwork runs a line of simulate and returns its report.
func simulatedNetwork(t *testing.T, line ...string) simulation {
	t.Helper()
	return told[simulation](t, args([]string{"simulate"}, line...)...)
}

// TestRecordCurrents: the currents of synapses and their sum are recorded as they are, also across a stop.
func TestRecordCurrents(t *testing.T) {
	needsCPU(t)
	dir := t.TempDir()
	path := own(t, "[population.e]", "[[record]]\npopulation = \"e\"\ncurrents = \"2 ms\"\n[[record]]\npopulation = \"i\"\nunit = 3\ncurrents = \"5 ms\"\n"+
		"[[current]]\npopulation = \"e\"\namplitude = \"0.5 mV\"\nto = \"30 ms\"\n[population.e]")
	if words := galvani(t, "networks", "show", path).ok(t).stdout; !strings.Contains(words, "Recorded: mean currents of e each 2 ms") || !strings.Contains(words, "currents of unit 3 of i each 5 ms") {
		t.Errorf("networks show tells %s", words)
	}
	many := own(t, "[population.e]", "[[record]]\npopulation = \"e\"\nunits = 100\n[[record]]\npopulation = \"i\"\nunit = 3\n[population.e]")
	if words := galvani(t, "networks", "show", many).ok(t).stdout; strings.Count(words, "Recorded: ") != 3 || !strings.Contains(words, "V of units 0 to 99 of e") || !strings.Contains(words, "V of unit 3 of i") {
		t.Errorf("networks show tells %s", words)
	}
	line := []string{path, "--n", "400", "--r-x", "20", "--for", "60ms"}
	one, two, file := filepath.Join(dir, "one"), filepath.Join(dir, "two"), filepath.Join(dir, "saved")
	simulatedNetwork(t, args(line, "--out", one)...)
	simulatedNetwork(t, args(line[:5], "--for", "27ms", "--save", file)...)
	simulatedNetwork(t, path, "--resume", file, "--for", "60ms", "--out", two)
	table := contents(t, one+"-currents.csv")
	if again, err := os.ReadFile(two + "-currents.csv"); err != nil || string(again) != string(table) {
		t.Errorf("currents of a simulation with a stop differ (%v)", err)
	}
	rows := strings.Split(strings.TrimSpace(string(table)), "\n")
	if len(rows) != 1+5*31+5*13 || rows[0] != "time_ms,population,unit,source,mv" {
		t.Fatalf("%d rows begin with %q", len(rows), rows[0])
	}
	sum := 0.0
	for n, row := range rows[1:] {
		part := strings.Split(row, ",")
		x, err := strconv.ParseFloat(part[4], 64)
		if err != nil {
			t.Fatal(err)
		}
		switch part[3] {
		case "sum":
			if math.Abs(x-sum) > 1e-4*max(1, math.Abs(sum)) {
				t.Errorf("row %d: the sum is %v, want %v", n+2, x, sum)
			}
			sum = 0
			continue
		case "constant":
			if ms, _ := strconv.ParseFloat(part[0], 64); x != map[bool]float64{true: 0.5}[part[1] == "e" && ms < 30] {
				t.Errorf("row %d: the constant current is %v", n+2, x)
			}
		case "i":
			if x > 0 {
				t.Errorf("row %d: an inhibitory current of %v", n+2, x)
			}
		}
		sum += x
	}
	if first, last := rows[1], rows[5*31]; !strings.HasPrefix(first, "0,e,mean,e,0") || !strings.HasPrefix(last, "60,e,mean,sum,") {
		t.Errorf("rows %q and %q", first, last)
	}
	galvani(t, "networks", "check", own(t, "[population.e]", "[[record]]\npopulation = \"e\"\ncurrents = \"0 ms\"\n[population.e]")).refused(t, exitConfig, "currents")
}

// TestTimesText: the last step of a long simulation has its own time.
func TestTimesText(t *testing.T) {
	for ms, want := range map[float64]string{3 * 0.1: "0.3", 100000.1: "100000.1", 1e6: "1000000", 104857.575: "104857.575"} {
		if got := msText(ms); got != want {
			t.Errorf("%v ms is written as %s, want %s", ms, got, want)
		}
	}
}

// TestUnusedSpikes: of spikes of a file it is told which do nothing.
func TestUnusedSpikes(t *testing.T) {
	needsCPU(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"net.toml": `[population.e]
kind = "excitatory"
neuron = "lif"
n = 1
synapse = { x = "5 ms" }
[population.x]
neuron = "trains"
n = 2
file = "x.csv"
[[projection]]
from = "x"
to = "e"
all_to_all = true
weight = "1 mV ms"
`, "x.csv": "time_ms,unit\n1,0\n1.02,0\n1,1\n19.9,1\n20,1\n70,0\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := simulatedNetwork(t, filepath.Join(dir, "net.toml"), "--for", "20ms")
	if x := r.Populations["x"]; x.Spikes != 3 || len(r.Notes) != 2 || !strings.HasPrefix(r.Notes[0], "1 of 6 spikes of x fall into a step") || !strings.HasPrefix(r.Notes[1], "2 of 6 spikes of x come after the end at 20 ms") {
		t.Errorf("sources %+v, notes %q", x, r.Notes)
	}
}

// TestWindows: rates by window and what the counts say, of a Poisson process and of correlated sources.
func TestWindows(t *testing.T) {
	needsCPU(t)
	out := filepath.Join(t.TempDir(), "run")
	line := []string{"balanced", "--n", "500", "--for", "2s", "--r-x", "20"}
	r := simulatedNetwork(t, args(line, "--window", "50ms", "--out", out)...)
	x, e := r.Populations["x"], r.Populations["e"]
	// A Poisson process has the Fano factor 1; 100 units in 40 windows give it within 0.05 and a correlation below 0.01.
	if r.WindowMs != 50 || math.Abs(*x.Fano-1) > 0.1 || math.Abs(*x.Correlation) > 0.02 || e.Fano == nil || *e.Fano > 2 {
		t.Errorf("windows of %v ms, sources %+v, e %+v", r.WindowMs, x, e)
	}
	table, err := os.ReadFile(out + "-rates.csv")
	if rows := strings.Split(string(table), "\n"); err != nil || len(rows) != 42 || rows[0] != "time_ms,e_hz,i_hz,x_hz" || !strings.HasPrefix(rows[1], "50,") {
		t.Errorf("%v: %.80s", err, table)
	}
	archive := contents(t, out+".npz")
	arrays, err := npz.Read(archive)
	if err != nil || len(arrays) != 6 || arrays[0].Name != "e.time_ms" || arrays[0].Shape[0] != e.Spikes || arrays[5].Name != "x.unit" {
		t.Errorf("%v: %d arrays", err, len(arrays))
	}
	for _, name := range []string{"-rates.png", "-rates.svg"} {
		if _, err := os.Stat(out + name); err != nil {
			t.Error(err)
		}
	}
	// The counts in 50 ms of two trains with the correlation 0.2 and moves of 5 ms correlate by nearly that.
	c := simulatedNetwork(t, args(line, "--window", "50ms", "--c", "0.2")...).Populations["x"]
	if math.Abs(*c.Correlation-0.18) > 0.06 || math.Abs(c.RateHz-20) > 2.5 {
		t.Errorf("correlated sources are %+v", c)
	}
	galvani(t, "simulate", "balanced", "--window", "0.01ms").refused(t, exitConfig, "--window is 10µs, shorter than a step of 0.1 ms")
}

// TestRateLimit stops where the rate of a population explodes, and names it.
func TestRateLimit(t *testing.T) {
	needsCPU(t)
	path := own(t, `"25/sqrt(n)*15 mV ms"`, `"2500/sqrt(n)*15 mV ms"`, `"-150/sqrt(n)*15 mV ms"`, `"-1/sqrt(n)*15 mV ms"`)
	line := []string{"simulate", path, "--n", "400", "--for", "200ms"}
	o := galvani(t, line...)
	o.refused(t, exitNumerical, "so that its rate explodes; give it weaker excitation or stronger inhibition, or allow the rate by --rate-limit")
	if !strings.HasSuffix(o.stderr, "by --rate-limit\n") {
		t.Errorf("more follows the remedy: %s", o.stderr)
	}
	galvani(t, args(line, "--rate-limit", "0")...).ok(t)
	galvani(t, args(line, "--rate-limit", "-1")...).refused(t, exitConfig, "--rate-limit is -1 Hz")
}

// TestSet sets variables and currents of some units, before the first step and before a simulation goes on.
func TestSet(t *testing.T) {
	needsCPU(t)
	dir := t.TempDir()
	path, file, out := own(t), filepath.Join(dir, "saved"), filepath.Join(dir, "out")
	volts := func() []string {
		table := contents(t, out+"-voltages.csv")
		return strings.Split(strings.TrimSpace(string(table)), "\n")
	}
	line := []string{path, "--n", "100", "--r-x", "0"}
	simulatedNetwork(t, args(line, "--for", "1ms", "--set", "e.V=-72", "--set", "e.V[1]=-60", "--set", "i.V=-72", "--save", file, "--out", out)...)
	// Without input V at rest stays, but for the exponential, and -60 mV decays by 1/150 in a step.
	if row := strings.Split(volts()[1], ","); !strings.HasPrefix(row[1], "-72") || !strings.HasPrefix(row[2], "-60.0") {
		t.Errorf("V begins with %v", row)
	}
	simulatedNetwork(t, path, "--resume", file, "--for", "2ms", "--set", "e.i[0:1]=-15", "--out", out)
	// A current of -15 mV for one step of 0.1 ms and a membrane of 15 ms lowers V by 0.1 mV.
	before, after := strings.Split(volts()[10], ","), strings.Split(volts()[11], ",")
	a, _ := strconv.ParseFloat(before[1], 64)
	b, _ := strconv.ParseFloat(after[1], 64)
	if math.Abs(b-a+0.1) > 2e-3 {
		t.Errorf("V goes from %v to %v", before, after)
	}
	numbers := func(file string, names ...string) networkState {
		t.Helper()
		return told[networkState](t, args([]string{"networks", "state", file}, names...)...)
	}
	// The state of the file is that of the last step, whose V was recorded.
	if r := numbers(file, "e.V[0:2]", "e.i[1]"); r.Step != 20 || r.Ms != 2 || len(r.State) != 2 || len(r.State[1].Values) != 1 || r.State[0].Unit != "mV" ||
		math.Abs(r.State[0].Values[1]-last(t, volts())) > 1e-4 {
		t.Errorf("the state is %+v after %v", r, volts()[20])
	}
	learns := filepath.Join(dir, "learns")
	simulatedNetwork(t, "isp", "--n", "50", "--p", "0.5", "--for", "1ms", "--save", learns, "--set", "i-to-e.weight=-3", "--set", "i-to-i.weight[1:3]=-7.5", "--set", "e.V=-75", "--set", "i.V=-75")
	r := numbers(learns)
	for _, a := range r.State {
		if name := a.Of + "." + a.Name; name == "i-to-e.weight" && (a.N < 100 || math.Abs(a.Mean+3) > 1e-6 || a.SD > 1e-3) || name == "i-to-i.weight" && (a.Largest > -7 || a.Largest < -8) {
			t.Errorf("%s is %+v", name, a)
		}
	}
	if got := numbers(learns, "i-to-i.weight[0:4]").State[0].Values; math.Abs(got[1]+7.5) > 1e-5 || math.Abs(got[2]+7.5) > 1e-5 || got[3] > -100 {
		t.Errorf("the weights that were set are %v", got)
	}
	if words := galvani(t, "networks", "state", learns).ok(t).stdout; len(r.State) != 14 || !strings.Contains(words, "isp, after 1 ms (step 10)") || !strings.Contains(words, "i-to-e.weight ") {
		t.Errorf("%d arrays, told as %s", len(r.State), words)
	}
	galvani(t, "networks", "state").refused(t, exitUsage, "needs a FILE")
	galvani(t, "networks", "state", filepath.Join(dir, "none")).refused(t, exitData, "none")
	galvani(t, "networks", "state", learns, "e.V[50]").refused(t, exitConfig, "e has the units 0 to 39")
	galvani(t, "networks", "state", learns, "e").refused(t, exitConfig, `"e" is no name of a state`)
	galvani(t, "simulate", "isp", "--for", "1ms", "--n", "50", "--set", "i-to-e.weight=3").refused(t, exitConfig, "3 is no weight from i-to-e, want one of 0 to -")
	for set, want := range map[string]string{
		"e.V":                         "want POPULATION.VARIABLE=NUMBER",
		"x.V=1":                       `unknown population "x"`,
		"e.U=1":                       `unknown variable or synapse "U"`,
		"e.V[90]=1":                   "has the units 0 to 79",
		"e.V[3:3]=1":                  "a range FIRST:END ends before END",
		"e.V=high":                    "high is no finite number",
		"e.V=1e99":                    "1e99 is no finite number",
		"e.V[99999999999999999999]=1": "has the units",
	} {
		galvani(t, args([]string{"simulate"}, args(line, "--for", "1ms", "--set", set)...)...).refused(t, exitConfig, want)
	}
}

// last returns the last number of a table with commas.
func last(t *testing.T, rows []string) float64 {
	t.Helper()
	part := strings.Split(rows[len(rows)-1], ",")
	x, err := strconv.ParseFloat(part[len(part)-1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
