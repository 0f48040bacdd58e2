package main

import (
	"archive/zip"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/models/neurons"
)

// simulated simulates a neuron by a line of simulate and returns its report.
func simulated(t *testing.T, line ...string) neuronTrace {
	t.Helper()
	var r neuronTrace
	inside(args([]string{"simulate"}, args(line, "--json")...)...).ok(t).tells(t, &r)
	return r
}

// TestSimulateNeuron: the spikes of hh, its files, and that what is simulated is what is asked for.
func TestSimulateNeuron(t *testing.T) {
	needsCPU(t)
	t.Chdir(t.TempDir())
	name := "hh"
	run := func(more ...string) neuronTrace { t.Helper(); return simulated(t, more...) }
	r := run("hh", "--current", "step 10 10:100", "--for", "120ms", "--json", "--out", name)
	if len(r.Spikes) != 1 || len(r.Spikes[0]) != 7 || math.Abs(r.Spikes[0][0]-11.9) > 0.05 || len(r.VEnd) != 1 || r.Precision != "fp64" || r.DtMs != 0.025 || r.Milliseconds != 120 {
		t.Errorf("report is %+v", r)
	}
	text := contents(t, name+".csv")
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 4802 || lines[0] != "time_ms,v_soma_mv,input_current" || lines[1] != "0,-65,0" || !strings.HasSuffix(lines[401], ",0") || !strings.HasSuffix(lines[402], ",10") {
		t.Errorf("%d lines: %q, around the step %q", len(lines), lines[:2], lines[400:403])
	}
	z, err := zip.OpenReader(name + ".npz")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var arrays []string
	for _, f := range z.File {
		arrays = append(arrays, f.Name)
	}
	if got := strings.Join(arrays, " "); got != "time_ms.npy v_mv.npy input.npy spikes_ms.npy" {
		t.Errorf("the archive holds %s", got)
	}
	for _, ending := range []string{".png", ".svg"} {
		if _, err := os.Stat(name + ending); err != nil {
			t.Error(err)
		}
	}
	single := run("hh", "--current", "step 10 10:100", "--for", "120ms", "--json", "--precision", "fp32")
	if len(single.Spikes[0]) != 7 || math.Abs(single.Spikes[0][5]-r.Spikes[0][5]) > 0.01 || single.Spikes[0][5] == r.Spikes[0][5] {
		t.Errorf("in float32 spikes are at %v ms, in float64 at %v", single.Spikes, r.Spikes)
	}
	second := run("hh", "--current", "constant 10", "--for", "60ms", "--json", "--second-order")
	if math.Abs(second.Spikes[0][3]-second.Spikes[0][2]-14.645) > 0.03 {
		t.Errorf("with steps of second order spikes are at %v ms", second.Spikes[0])
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 } // a file holds 9 digits
	for _, neuron := range []string{"hh", "lif"} {                  // what was written is put in again
		seen := filepath.Join(t.TempDir(), neuron)
		was := run(neuron, "--current", "step 20.5 5.1:40 + ramp 0 10 20:50", "--for", "60ms", "--json", "--out", seen)
		if now := run(neuron, "--current", seen+".csv", "--for", "60ms", "--json"); len(was.Spikes[0]) == 0 || !slices.EqualFunc(now.Spikes[0], was.Spikes[0], near) {
			t.Errorf("%s spikes at %v ms by its file, before at %v", neuron, now.Spikes, was.Spikes)
		}
	}
	loud := run("lgmd", "--current", "siz=constant 5", "--events", "excitation=3,4,5", "--for", "20ms", "--json")
	if len(loud.Inputs) != 2 || len(loud.Places) != 3 || len(loud.Spikes[0]) == 0 {
		t.Errorf("report is %+v", loud)
	}
	vain := run("lgmd", "--current", "siz=step 5 20:30", "--events", "excitation=3,19.9,20,90", "--for", "20ms", "--json").Inputs
	if e := vain["excitation"]; !strings.Contains(vain["siz"], "0 in all of these 20 ms") || !strings.Contains(e, " of 4 arrive after the end at 20 ms") {
		t.Errorf("of inputs behind the end is told %q", vain)
	}
	for _, neuron := range neurons.Names() {
		if r := run(neuron, "--for", "1ms"); len(r.Spikes[0]) > 0 {
			t.Errorf("at rest %s spikes at %v ms", neuron, r.Spikes)
		}
	}
	if _, err := os.Stat("runs"); err == nil {
		t.Error("with --json there is a picture, too")
	}
	if o := inside("simulate", "hh", "--for", "1ms").ok(t); !strings.Contains(o.stdout, "0 spikes") || !strings.Contains(o.stdout, "The picture is runs/simulate-hh.png and .svg") {
		t.Errorf("at rest hh tells\n%s", o.stdout)
	}
	for _, ending := range []string{".png", ".svg"} {
		if _, err := os.Stat("runs/simulate-hh" + ending); err != nil {
			t.Error(err)
		}
	}
}

// TestSimulateFile: the file of a neuron takes the place of a name.
func TestSimulateFile(t *testing.T) {
	needsCPU(t)
	t.Chdir(t.TempDir())
	const path = "my.toml"
	written(t, "runs", "")
	const text = `start = "-65 mV"
[[section]]
name = "soma"
length = "20 um"
diameter = "20 um"
[region.soma]
capacity = "1 uF/cm2"
leak = "0.3 mS/cm2"
rest = "-54.387 mV"
[region.soma.channels]
na = "120 mS/cm2"
k = "36 mS/cm2"
[[input]]
name = "i"
weight = "1 nA"
`
	write := func(text string) {
		t.Helper()
		written(t, path, text)
	}
	write(text)
	const wave = "wave.csv"
	written(t, wave, "time_ms,nA\n0,0\n5,0.5\n50,0.5\n")
	if o := inside("simulate", path, "--current", wave, "--for", "50ms").ok(t); !strings.Contains(o.stdout, "my, 50 ms") || !strings.Contains(o.stdout, "spikes at soma") || !strings.Contains(o.stdout, "There is no picture") {
		t.Errorf("it tells\n%s", o.stdout)
	}
	write(strings.Replace(text, `k = "36`, `kk = "36`, 1))
	inside("simulate", path).refused(t, exitConfig, `my.toml: line 12: region.soma.channels.kk is no channel`)
}

// TestSimulateSweep wants of each value what a run with it alone gives.
func TestSimulateSweep(t *testing.T) {
	needsCPU(t)
	t.Chdir(t.TempDir())
	args := []string{"--current", "step 10 2:40", "--for", "40ms"}
	all := told[neuronTrace](t, append([]string{"simulate", "hh", "--sweep", "g_k=30:50:5", "--out", "k"}, args...)...)
	written(t, "one.toml", "like = \"hh\"\n[numbers]\ng_k = 0.045\n")
	one := told[neuronTrace](t, append([]string{"simulate", "one.toml"}, args...)...)
	galvani(t, "simulate", "one.toml", "--thread", "2").refused(t, exitUsage, `unknown flag "--thread"`)
	if s := all.Sweep; s == nil || len(s.Values) != 5 || s.Values[3] != 45 || s.Unit != "mS/cm²" || len(all.Spikes) != 5 || !slices.Equal(all.Spikes[3], one.Spikes[0]) || s.VEnd[3][0] != one.VEnd[0] {
		t.Errorf("%+v with %v, want %v and %v", all.Sweep, all.Spikes, one.VEnd, one.Spikes)
	}
	text, err := os.ReadFile("k.csv")
	if err != nil || len(strings.Split(strings.TrimSpace(string(text)), "\n")) != 6 {
		t.Errorf("%s: %v", text, err)
	}
	for _, name := range []string{"k.png", "k.svg"} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	usual := told[neuronTrace](t, "simulate", "hh", "--sweep", "g_na=100:140:32", "--current", "step 10 100:600")
	for i := 1; i < 32; i++ {
		if before, now := usual.Spikes[i-1], usual.Spikes[i]; len(now) < len(before) || len(now) == 0 || !(now[0] < before[0] && now[0] > 100) {
			t.Fatalf("with more sodium than %g mS/cm² the first of %d spikes is at %v ms, before at %v", usual.Sweep.Values[i-1], len(now), now[0], before[0])
		}
	}
	if own := usual.Spikes[16]; len(own) < 30 { // of 120.6 mS/cm²
		t.Errorf("close to its own sodium hh spikes at %v ms", own)
	}
	for _, far := range []string{"g_na=100000:140000:2", "g_na=0.1:0.14:2"} {
		o := inside("simulate", "hh", "--sweep", far, "--for", "1ms").ok(t)
		if !strings.Contains(o.stdout, "g_na is 120 mS/cm² in hh, and the largest value ") || !strings.Contains(o.stdout, "runs/simulate-hh.png") {
			t.Errorf("a sweep far away tells\n%s", o.stdout)
		}
	}
}

func TestSimulateNeuronRefuses(t *testing.T) {
	needsCPU(t)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"hh|--current|step 10", exitConfig, `"step 10" has 1 parts behind its name, not 2; want constant A`},
		{"hh|--current|x=constant 1", exitConfig, `--current: unknown input "x"; known: current`},
		{"hh|--current|none.csv", exitData, "none.csv"},
		{"hh|--events|a=1", exitConfig, "neuron hh has no input with a receptor"},
		{"lgmd|--events|excitation", exitConfig, "want NAME=T1,T2"},
		{"lgmd|--events|excitation=1,x", exitConfig, `"x" is no time in ms`},
		{"lgmd|--current|excitation=constant 1", exitConfig, `unknown input "excitation"; known: current, siz`},
		{"hh|--dt|-1", exitConfig, "--dt is -1 ms, want"},
		{"hh|--dt|nan", exitConfig, "--dt is NaN ms, want"},
		{"hh|--dt|5", exitConfig, "--dt is 5 ms, too long for gate na.m of hh, as V is held while gates move; want at most 2.5"},
		{"hh|--for|0s", exitConfig, "--for is 0s"},
		{"hh|--for|100h", exitConfig, "want 1 to 4194304"},
		{"hh|--precision|fp16", exitConfig, "want auto, fp32 or fp64"},
		{"hh|--out|/nonexistent/x", exitIO, "/nonexistent: no such file"},
		{"hh|--current|constant 1e9", exitNumerical, "V of soma is 2.458e+07 mV at 0.025 ms, beyond 10000 mV; the largest current there is"},
		{"hh|--current|constant 1e9|--sweep|g_na=0.1:0.2:3", exitNumerical, "V of soma of neuron 1 is 2.4"},
		{"hh|--sweep|g_na=1", exitConfig, "want NAME=LO:HI:COUNT"},
		{"hh|--sweep|g_na=1:x:3", exitConfig, "want NAME=LO:HI:COUNT with two numbers"},
		{"hh|--sweep|g_na=-1:1:3", exitConfig, "takes g_na from -1 to 1 mS/cm², want 0 to +Inf"},
		{"hh|--sweep|soma.cm=0:1:3", exitConfig, "takes soma.cm from 0 to 1 µF/cm², want 0.001 to +Inf"},
		{"hh|--sweep|g_na=0.1:0.2:1", exitConfig, "has 1 values, want 2 to"},
		{"hh|--sweep|g_nx=0.1:0.2:4", exitConfig, `unknown quantity "g_nx"; did you mean "g_na"?`},
		{"hh|--for|100s|--sweep|g_na=0.1:0.2:4096", exitConfig, "take fewer values or a shorter --for"},
		{"hhh", exitUsage, `did you mean "hh"?`},
		{"none.toml", exitData, "no such file"},
	} {
		inside(append([]string{"simulate"}, strings.Split(c.args, "|")...)...).refused(t, c.code, c.want)
	}
}

// TestPassive: a passive cable has no spikes, however far a current drives it, but for those who give a threshold; the
// places stand in the legend in the order of the table.
func TestPassive(t *testing.T) {
	needsCPU(t)
	dir := t.TempDir()
	name := filepath.Join(dir, "cable")
	r := simulated(t, "cable", "--current", "constant 1", "--for", "20ms", "--out", name)
	if len(r.Spikes) != 1 || len(r.Spikes[0]) != 0 || r.VEnd[0] < 100 {
		t.Errorf("spikes at %v ms, V at the end %v mV, want none and far above 0", r.Spikes, r.VEnd)
	}
	svg := string(contents(t, name+".svg"))
	if near, far := strings.Index(svg, ">near<"), strings.Index(svg, ">far<"); near < 0 || far < near {
		t.Errorf("the legend has near at %d and far at %d of the picture", near, far)
	}
	sweep := simulated(t, "cable", "--current", "constant 1", "--for", "20ms", "--sweep", "cable.e_leak=-70:-60:2")
	for i, rate := range sweep.Sweep.Rates {
		if rate != 0 || len(sweep.Spikes[i]) != 0 {
			t.Errorf("along a sweep the cable fires at %v Hz", sweep.Sweep.Rates)
		}
	}
	text, err := neurons.Text("cable")
	if err != nil {
		t.Fatal(err)
	}
	own := written(t, filepath.Join(dir, "own.toml"), "threshold = \"0 mV\"\n"+string(text))
	if r := simulated(t, own, "--current", "constant 1", "--for", "20ms"); len(r.Spikes[0]) != 1 {
		t.Errorf("with a threshold in the file crossings are at %v ms, want one", r.Spikes)
	}
}
