package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	points "galvani/kernels/neurons"
	"galvani/models/circuits"
	"galvani/models/neurons"
)

// TestNeuronsShow: what there is to know of a neuron is shown, in words and as JSON.
func TestNeuronsShow(t *testing.T) {
	list := inside("neurons", "list").ok(t).stdout
	for _, name := range neurons.Names() {
		if !strings.Contains(list, "\n"+name+" ") {
			t.Errorf("the list lacks %s:\n%s", name, list)
		}
		inside("neurons", "show", name).ok(t)
	}
	text := inside("neurons", "show", "hh").ok(t).stdout
	for _, want := range []string{"cm·dV/dt = g_leak·(e_leak − V) + I_na + I_k + I", "I_na = g_na·m³·h·(e_na − V)", "m: α = u/(1 − exp(−u)), u = (V + 40)/10; β = 4·exp(−(V + 65)/18)",
		"β = 1/(1 + exp(−(V + 35)/10))", "CHANNELS mS/cm²", "na 120, k 36", "g_na (mS/cm²)", "Hodgkin and Huxley (1952)", "1 uA/cm2", "-54.387",
		"β = beta.a·exp((V − beta.v)/beta.k)\n", " alpha.a 1 1/ms, alpha.v -40 mV,", "DIAMETER µm", "15.92", "such as k.n.beta.k",
		"Steps of 0.025 ms: gates go exactly", "2.51 ms, five time constants of gate na.m"} {
		if !strings.Contains(text, want) {
			t.Errorf("neurons show hh lacks %q:\n%s", want, text)
		}
	}
	help, key := inside("neurons", "--help").ok(t).stdout, regexp.MustCompile(`(\w+) = `)
	for _, name := range append(neurons.Names(), neurons.ChannelNames()...) {
		text, err := neurons.Text(name)
		if err != nil {
			t.Fatal(err)
		}
		named := false // keys are channels
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "[") {
				named = strings.HasSuffix(line, ".channels]\n")
			}
			for _, found := range key.FindAllStringSubmatch(line, -1) {
				if !named && !strings.Contains(help, found[1]) {
					t.Errorf("neurons --help lacks the key %s of %s", found[1], name)
				}
			}
		}
	}
	channels := inside("neurons", "channels").ok(t).stdout
	for _, name := range neurons.ChannelNames() {
		if !strings.Contains(channels, "\n"+name+" ") {
			t.Errorf("the list lacks %s:\n%s", name, channels)
		}
		if out := inside("neurons", "show", name).ok(t).stdout; !strings.Contains(out, "I = g_"+name) {
			t.Errorf("show tells of channel %s\n%s", name, out)
		}
	}
	file := filepath.Join(t.TempDir(), "mine.toml")
	written(t, file, "reversal = \"-80 mV\"\n[[gate]]\nname = \"n\"\npower = 2\nsteady = { weight = \"0.2 /mV\", bias = 8 }\ntime = { form = \"constant\", tau = \"2 ms\" }\n")
	if out := inside("neurons", "show", file).ok(t).stdout; !strings.Contains(out, "I = g_mine·n²·(e_mine − V), e_mine = -80 mV") || !strings.Contains(out, "n∞ = 1/(1 + exp(−(V + 40)/5)); τ = 2") || strings.Contains(out, "\n\n  I") {
		t.Errorf("show tells of the file of a channel\n%s", out)
	}
	written(t, file, "reversal = \"-80 mS\"\n")
	inside("neurons", "show", file).refused(t, exitConfig, "mine.toml: line 1: reversal is")
	r := told[neuronReport](t, "neurons", "show", "lgmd")
	if r.Calcium == nil || r.Calcium.Start != 1.2e-3 || r.Calcium.Tau != 400 {
		t.Errorf("JSON holds calcium %+v", r.Calcium)
	}
	if len(r.Regions) != 3 || len(r.Channels) != 9 || r.Regions[0].Channels["na"] != 0.45 || r.Channels[0].Gates[0].Numbers["alpha.a"] != 26 ||
		len(r.Inputs) != 6 || r.Inputs[2].Receptor != "excitation" || len(r.Learnable) < 50 {
		t.Errorf("JSON holds %+v", r)
	}
	for _, h := range pointNeurons() {
		out := inside("neurons", "show", h.Name).ok(t).stdout
		if !strings.Contains(list, "\n"+h.Name+" ") || !strings.Contains(out, "tau_m V' = ") || !strings.Contains(out, "--v-th") {
			t.Errorf("the list is\n%s\nand %s\n%s", list, h.Name, out)
		}
		path := filepath.Join(t.TempDir(), "mine.toml")
		written(t, path, inside("neurons", "show", h.Name, "--toml").ok(t).stdout)
		inside("networks", "check", path).ok(t)
	}
	if out := inside("neurons", "show", "hh").ok(t).stdout; len(points.All()) > 0 && (!strings.Contains(out, `As units of a network, by neuron = "hh"`) || !strings.Contains(out, "k_Na")) {
		t.Errorf("neurons show hh does not tell of the units of networks:\n%s", out)
	}
	inside("neurons", "show", "hhh").refused(t, exitConfig, `unknown neuron or channel "hhh"; did you mean "hh"?`)
	none := inside("neurons", "show", "nonsense")
	none.refused(t, exitConfig, `unknown neuron or channel "nonsense"; known: `)
	for _, name := range slices.Concat(neurons.Names(), neurons.ChannelNames(), circuits.Singles()) {
		if !strings.Contains(none.stderr, " "+name) {
			t.Errorf("%s is not named in %s", name, none.stderr)
		}
	}
	inside("neurons", "show").refused(t, exitUsage, "needs NAME")
}

// TestNeuronsCheck: a file of one's own, with a morphology beside it, and its mistakes.
func TestNeuronsCheck(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		return written(t, filepath.Join(dir, name), text)
	}
	const text = `start = "-65 mV"
[morphology]
file = "cell.swc"
[membrane]
capacity = "1 uF/cm2"
leak = "0.3 mS/cm2"
rest = "-54.387 mV"
axial = "100 ohm cm"
[region.soma.channels]
na = "120 mS/cm2"
k = "36 mS/cm2"
[region.dendrite]
`
	write("cell.swc", "1 1 0 0 0 10 -1\n2 3 10 0 0 1 1\n3 3 110 0 0 1 2\n")
	path := write("my.toml", text)
	out := inside("neurons", "check", path).ok(t).stdout
	if !strings.Contains(out, "2 sections") || !strings.Contains(out, "taken as micrometres") {
		t.Errorf("check tells\n%s", out)
	}
	var r checkReport
	if err := json.Unmarshal([]byte(inside("neurons", "check", path, "--json").ok(t).stdout), &r); err != nil || len(r.Regions) != 2 || len(r.Notes) < 2 {
		t.Errorf("JSON holds %+v, error %v", r, err)
	}
	inside("neurons", "show", path).ok(t)
	for _, name := range []string{"lgmd", "hh", "na"} {
		inside("neurons", "check", write("copy.toml", inside("neurons", "show", name, "--toml").ok(t).stdout)).ok(t)
	}
	inside("neurons", "show", "hh", "--toml", "--json").refused(t, exitUsage, "leave one out")
	inside("neurons", "show", path, "--toml").refused(t, exitUsage, "is a file already; copy it")
	const channel = "reversal = \"-80 mV\"\n[[gate]]\nname = \"n\"\npower = 4\nsteady = { v = \"-40 mV\", k = \"5 mV\" }\ntime = { form = \"constant\", tau = \"3 ms\" }\n"
	own := write("own.toml", channel)
	if out := inside("neurons", "check", own).ok(t).stdout; !strings.Contains(out, "is a channel, I = g_own·n⁴·(e_own − V)") {
		t.Errorf("check tells of a channel\n%s", out)
	}
	inside("simulate", own).refused(t, exitConfig, `own.toml: describes a channel, want a neuron; name the file in one`)
	inside("neurons", "check", write("own.toml", strings.Replace(channel, "3 ms", "3 mV", 1))).refused(t, exitConfig, `own.toml: line 6: gate[0].time.tau is "3 mV", in an unknown unit`)
	wrong := write("wrong.toml", strings.Replace(text, "36 mS/cm2", "36 mS", 1))
	inside("neurons", "check", wrong).refused(t, exitConfig, `wrong.toml: line 11: region.soma.channels.k is "36 mS", in an unknown unit; want one of S/cm2`)
	write("cell.swc", "1 1 0 0 0 10 -1\n2 3 10 0 0 0 1\n")
	inside("neurons", "check", path).refused(t, exitConfig, "cell.swc: line 2: radius is 0")
	for _, command := range [][]string{{"neurons", "check"}, {"simulate"}, {"correspond"}} {
		inside(append(command, "some/cell.swc")...).refused(t, exitConfig, `some/cell.swc is a morphology, want a neuron: a file with [morphology], file = "cell.swc"`)
	}
	inside("neurons", "check", filepath.Join(dir, "none.toml")).refused(t, exitData, "no such file")
}
