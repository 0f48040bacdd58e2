package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCorrespond: the charged RNN of a neuron is a run that eval, trace and train --resume take, also where another
// folder is the working one.
func TestCorrespond(t *testing.T) {
	needsCPU(t)
	t.Chdir(t.TempDir())
	r := told[correspondReport](t, "correspond", "lgmd", "--current", "step 0.3 5:15", "--for", "20ms", "--settle", "10", "--dt", "0.1")
	if r.Units != 9 || len(r.Stages) != 8 || r.Stages[0].RMS != 0 || r.Stages[6].RMS > 3 || len(r.Merged) != 6 || r.Inputs["current"] == "" {
		t.Errorf("the report is %+v", r)
	}
	for _, name := range []string{"correspond.json", "graph.txt", "plots/correspond.png", "plots/correspond.svg"} {
		if info, err := os.Stat(filepath.Join(r.Run, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := inside("runs", "list").ok(t)
	if !strings.Contains(o.stdout, "made from neuron lgmd, not trained yet") {
		t.Errorf("runs list: %s", o.stdout)
	}
	if err := os.Rename(r.Run, "moved"); err != nil {
		t.Fatal(err)
	}
	inside("trace", "moved", "--out", "traced").ok(t)
	inside("train", "--resume", "moved", "--max-steps", "1", "--plots", "none", "--quiet").ok(t)
	inside("eval", "moved").ok(t)
	inside("correspond", "moved").refused(t, exitConfig, "moved is a run")
	text := inside("correspond", "hh", "--for", "20ms", "--settle", "10", "--task", "adding").ok(t).stdout
	for _, want := range []string{"quasi-steady gates", "soma", "go on with: galvani train --resume", "U_exc and U_inh are drawn"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}

// TestCorrespondRefuses wants one line, and no folder left behind.
func TestCorrespondRefuses(t *testing.T) {
	needsCPU(t)
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{}, "takes one neuron, 0 are given"},
		{[]string{"hhh"}, `did you mean "hh"?`},
		{[]string{"hh", "--task", "loming"}, "looming"},
		{[]string{"hh", "--dt", "5"}, "--dt is 5 ms, too long for gate na.m of hh"},
		{[]string{"hh", "--near", "0"}, "--near is 0 mV, want 0.1 to 1000"},
		{[]string{"hh", "--settle", "10", "--step-ms", "0.03"}, "want a multiple"},
		{[]string{"hh", "--stimulus", "loom"}, "neuron hh sees nothing"},
	} {
		inside(append([]string{"correspond"}, c.args...)...).refused(t, exitConfig, c.want)
	}
	inside("correspond", "hh", "--task", "mnist", "--data-dir", "nowhere", "--for", "10ms", "--settle", "10").refused(t, exitData, "train-images-idx3-ubyte.gz: the file is missing")
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
