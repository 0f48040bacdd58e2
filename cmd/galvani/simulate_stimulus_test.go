package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSimulateStimulus: the lgmd fires at a loom, and what is told of the peak is in the spikes; others than
// a loom have their own account of the collision; the seed decides the rest.
func TestSimulateStimulus(t *testing.T) {
	needsCPU(t)
	name := filepath.Join(t.TempDir(), "loom")
	run := func(more ...string) neuronTrace {
		t.Helper()
		return simulated(t, args([]string{"lgmd", "--dt", "0.1", "--facet-spacing", "4", "--collision", "300"}, more...)...)
	}
	loom := run("--stimulus", "loom", "--l-over-v", "20", "--out", name)
	s := loom.Stimulus
	if s == nil || s.Kind != "loom" || s.Events < 500 || s.Events > 625 || loom.Milliseconds != 800 || len(loom.Spikes[0]) < 3 || s.Peak == nil || s.Before == nil {
		t.Fatalf("report is %+v, %+v", loom, s)
	}
	if first, last := loom.Spikes[0][0], loom.Spikes[0][len(loom.Spikes[0])-1]; *s.Peak < first || *s.Peak > last || math.Abs(*s.Before-(300-*s.Peak)) > 1e-9 {
		t.Errorf("the rate of spikes from %v to %v ms peaks at %v ms, %v ms before the collision", first, last, *s.Peak, *s.Before)
	}
	if tau := max(0, *s.Before); math.Abs(*s.Angle-2*math.Atan2(20, tau)*180/math.Pi) > 1e-9 {
		t.Errorf("the object subtends %v deg at the peak", *s.Angle)
	}
	for _, ending := range []string{".csv", ".npz", ".png", ".svg"} {
		if _, err := os.Stat(name + ending); err != nil {
			t.Error(err)
		}
	}
	svg, err := os.ReadFile(name + ".svg")
	if err != nil || !strings.Contains(string(svg), "angular size (deg)") || !strings.Contains(string(svg), "rate (Hz)") {
		t.Errorf("the picture lacks the angular size or the rate, %v", err)
	}
	if again := run("--stimulus", "loom", "--l-over-v", "20", "--seed", "2"); again.VEnd[0] == loom.VEnd[0] {
		t.Error("another seed changes nothing")
	}
	if pass := run("--stimulus", "translate", "--for", "400ms").Stimulus; pass.Before != nil || pass.Angle != nil {
		t.Errorf("a translation has a collision: %+v", pass)
	}
	if away := run("--stimulus", "recede", "--for", "400ms").Stimulus; away.Peak != nil && *away.Before > 0 {
		t.Errorf("a recession from 300 ms on peaks %v ms before", *away.Before)
	}
	t.Chdir(t.TempDir())
	o := inside("simulate", "lgmd", "--stimulus", "scrambled", "--collision", "200", "--for", "300ms", "--dt", "0.1").ok(t)
	if !strings.Contains(o.stdout, "stimulus scrambled") || !strings.Contains(o.stdout, "l/|v| = 40 ms, collision at 200 ms,") || !strings.Contains(o.stdout, "coherence 0 %") {
		t.Errorf("it tells\n%s", o.stdout)
	}
}

// TestSimulateStimulusWrong: what cannot be seen is refused before anything is computed.
func TestSimulateStimulusWrong(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"lgmd|--stimulus|lom", `unknown stimulus "lom"; did you mean "loom"?`},
		{"lgmd|--stimulus|scrambled|--coherence|50", "of a scrambled loom no facet keeps its place"},
		{"hh|--stimulus|loom", "neuron hh sees nothing; add an [[input]] with facets"},
		{"lgmd|--l-over-v|40", "--l-over-v belongs to a stimulus; add one, such as --stimulus loom"},
		{"lgmd|--stimulus|loom|--l-over-v|-3", "l/|v| is -3 ms, want 0.1 to 10000"},
		{"lgmd|--stimulus|loom|--coherence|101", "--coherence is 101, want 0 to 100 %"},
		{"lgmd|--stimulus|loom|--collision|0", "--collision is 0 ms, want more than 0"},
		{"lgmd|--stimulus|loom|--for|1s", "--collision is 2000 ms, want 0 to the time that is simulated, 1000 ms; give another one, or a longer --for"},
		{"lgmd|--stimulus|loom|--facet-spacing|0", "spacing of facets is 0 deg"},
	} {
		o := inside(args([]string{"simulate"}, strings.Split(c.line, "|")...)...)
		if o.code != exitConfig || !strings.Contains(o.stderr, c.want) || strings.Count(strings.TrimSpace(o.stderr), "\n") > 0 || o.stdout != "" {
			t.Errorf("%s: code %d, stderr %q, want %q", c.line, o.code, o.stderr, c.want)
		}
	}
}
