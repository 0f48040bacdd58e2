package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/models/circuits"
	"galvani/models/plasticity"

	"github.com/spf13/pflag"
)

// TestNetworksShow: what there is to know of a network is shown, in words and as JSON, and its file is one.
func TestNetworksShow(t *testing.T) {
	list := galvani(t, "networks", "list").ok(t).stdout
	path := filepath.Join(t.TempDir(), "my.toml")
	for _, name := range circuits.Names() {
		if !strings.Contains(list, "\n"+name+" ") {
			t.Errorf("the list lacks %s:\n%s", name, list)
		}
		words := galvani(t, "networks", "show", name).ok(t).stdout
		for _, want := range []string{"Source: ", "Populations", "Projections", "synapses"} {
			if !strings.Contains(words, want) {
				t.Errorf("networks show %s lacks %q:\n%s", name, want, words)
			}
		}
		written(t, path, galvani(t, "networks", "show", name, "--toml").ok(t).stdout)
		if out := galvani(t, "networks", "check", path).ok(t).stdout; !strings.Contains(out, "my.toml is a network of ") {
			t.Errorf("check of %s says %s", name, out)
		}
	}
	r := told[networkReport](t, "networks", "show", "balanced")
	if len(r.Populations) != 3 || len(r.Projections) != 6 || len(r.Settings) != 4 || *r.Populations[2].RateHz != 10 || r.Synapses != 1000*1200*0.1 {
		t.Errorf("JSON holds %+v", r)
	}
	galvani(t, "networks", "show", "balance").refused(t, exitConfig, `unknown network "balance"; did you mean "balanced"?`)
	galvani(t, "networks", "show", "balanced", "--toml", "--json").refused(t, exitUsage, "leave one out")
	galvani(t, "networks", "check", filepath.Join(t.TempDir(), "none.toml")).refused(t, exitData, "no such file")
}

// TestNetworksPlasticity: every rule is shown with all of its parameters, in words and as JSON.
func TestNetworksPlasticity(t *testing.T) {
	words := galvani(t, "networks", "plasticity").ok(t).stdout
	all := told[[]plasticityReport](t, "networks", "plasticity")
	if len(all) != len(plasticity.All()) {
		t.Fatalf("JSON holds %d rules", len(all))
	}
	for i, r := range plasticity.All() {
		if all[i].Name != r.Name || len(all[i].Parameters) != len(r.Params) || !strings.Contains(words, r.Equations[:20]) {
			t.Errorf("%s is shown as %+v", r.Name, all[i])
		}
	}
	if p := all[2].Parameters; all[2].Name != "stdp" || !p[4].Needed || p[4].Value != nil || p[0].Value != 0.01 || p[5].Value != "asymmetric" {
		t.Errorf("stdp has the parameters %+v", p)
	}
}

// own is a network of one's own: the balanced one, with two voltages that are recorded.
func own(t *testing.T, change ...string) (path string) {
	t.Helper()
	text, err := circuits.Text("balanced")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "my network.toml")
	all := strings.NewReplacer(change...).Replace(string(text)) + "\n[[record]]\npopulation = \"e\"\nunits = 2\n"
	return written(t, path, all)
}

// TestOwnNetwork: a file is simulated as what is built in is, with its settings as flags; a mistake in it is
// told with its line, whatever the flags.
func TestOwnNetwork(t *testing.T) {
	wrong := own(t, `probability = "p"`, `probability = "2"`)
	for _, line := range [][]string{{"simulate", wrong, "--r-y", "3"}, {"networks", "check", wrong}, {"networks", "show", wrong}} {
		galvani(t, line...).refused(t, exitConfig, `my network.toml: line 59: projection[0].probability is "2", which is 2, want a number of 0 to 1`)
	}
	galvani(t, "simulate", own(t), "--r-y", "3").refused(t, exitUsage, `unknown flag "--r-y"; did you mean "--r-x"?`)
	galvani(t, "simulate", own(t), "--n", "3").refused(t, exitConfig, "--n is 3, want 10 to")
	if words, _ := suggest(t, "simulate", own(t), "--"); !slices.Contains(words, "--r-x") {
		t.Errorf("the shell is told %v", words)
	}
	needsCPU(t)
	dir := t.TempDir()
	file, name := filepath.Join(dir, "run"), filepath.Join(dir, "out")
	line := []string{"--n", "400", "--r-x", "20", "--for", "60ms"}
	want := simulatedNetwork(t, args([]string{"balanced"}, line...)...)
	path := own(t)
	got := simulatedNetwork(t, args([]string{path, "--out", name}, line...)...)
	if got.SHA256 != want.SHA256 || got.Network != "my network" {
		t.Errorf("%+v, want the spikes of %+v", got, want)
	}
	volts := contents(t, name+"-voltages.csv")
	if rows := strings.Split(string(volts), "\n"); len(rows) != 602 || rows[0] != "time_ms,e_0_mv,e_1_mv" || !strings.HasPrefix(rows[1], "0.1,-") {
		t.Errorf("%d rows of voltages begin with %.80q", len(rows), volts)
	}
	simulatedNetwork(t, path, "--n", "400", "--r-x", "20", "--for", "27ms", "--save", file)
	galvani(t, "simulate", own(t, `"25/sqrt`, `"26/sqrt`), "--resume", file, "--for", "60ms").refused(t, exitConfig, "was changed after the simulation in")
	galvani(t, "simulate", "balanced", "--resume", file, "--for", "60ms").refused(t, exitConfig, "go on with: galvani simulate "+path)
	moved := filepath.Join(dir, "moved.toml")
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	if r := simulatedNetwork(t, moved, "--resume", file, "--for", "60ms", "--out", name); r.SHA256 != want.SHA256 {
		t.Errorf("resumed %+v, want the spikes of %+v", r, want)
	}
	if again, err := os.ReadFile(name + "-voltages.csv"); err != nil || string(again) != string(volts) {
		t.Errorf("the voltages of a simulation with a stop differ (%v)", err)
	}
}

// TestTaken wants no setting of a network to be called as a flag of the commands that take one.
func TestTaken(t *testing.T) {
	n, err := circuits.Load("balanced")
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{"help", savedStep}
	newSimulateNetwork(n, n.Name).Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, strings.ReplaceAll(f.Name, "-", "_")) })
	for _, k := range n.Keys {
		flags = slices.DeleteFunc(flags, func(name string) bool { return name == k.Name })
	}
	if slices.Sort(flags); !slices.Equal(flags, circuits.Taken) {
		t.Errorf("flags %v, taken %v", flags, circuits.Taken)
	}
}
