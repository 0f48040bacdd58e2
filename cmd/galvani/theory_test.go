package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/models/circuits"
)

// TestTheory: the fixed points of networks, in words and as JSON, and the rates of a run beside them.
func TestTheory(t *testing.T) {
	theoryOf := func(line string) theory {
		t.Helper()
		return told[theory](t, args([]string{"theory"}, strings.Fields(line)...)...)
	}
	is := func(x *float64, want float64) bool { return x != nil && math.Abs(*x-want) < 1e-5 }
	r := theoryOf("balanced --n 5000 --for 0s")
	if e := r.Populations["e"]; !r.Exists || !is(e.Balanced, 99./17) || !is(r.Populations["i"].Iterated, 270./17) || e.Simulated != nil || len(r.SemiBalanced) != 1 {
		t.Errorf("balanced: %+v", r)
	}
	r = theoryOf("semi-balanced --d 1 --for 0s")
	if r.Exists || !is(r.Populations["e2"].Balanced, -4.176471) || len(r.SemiBalanced) != 1 || strings.Join(r.SemiBalanced[0].Active, " ") != "e1 i" ||
		!is(r.Populations["e1"].Iterated, 13.545455) || !r.SemiBalanced[0].Stable || !(r.SemiBalanced[0].Inputs["e2"] < -1) {
		t.Errorf("semi-balanced: %+v", r)
	}
	if r := theoryOf("feed-forward --for 0s"); len(r.Notes) != 2 || r.Rests || r.Populations["post"].Balanced != nil {
		t.Errorf("feed-forward: %+v", r)
	}
	if r := theoryOf("isp --for 0s"); len(r.Notes) != 2 || !strings.Contains(r.Notes[0], "from i to e change (isp); the theory is of those at the start") {
		t.Errorf("of weights that change: %+v", r.Notes)
	}
	if words := galvani(t, "theory", own(t), "--r-x", "20", "--for", "0s").ok(t).stdout; !strings.Contains(words, "e 11.6471 Hz (input 0 mV), i 31.7647") {
		t.Errorf("of a file theory tells %s", words)
	}
	out := filepath.Join(t.TempDir(), "circle")
	if c := theoryOf("semi-balanced --d 0 --for 0s --circle 0.8 --out " + out).Circle; c == nil || c.Sets < 3 || len(c.Arcs) < 4 || strings.Join(c.Populations, " ") != "e1 e2" {
		t.Errorf("the circle is %+v", c)
	}
	if table, err := os.ReadFile(out + ".csv"); err != nil || strings.Count(string(table), "\n") != circleStimuli+1 || !strings.HasPrefix(string(table), "degrees,fixed_points,stable,e1_hz,") {
		t.Errorf("%v: %.80s", err, table)
	}
	for line, want := range map[string]string{"--circle -1": "--circle is -1", "--out x": "belong to --circle", "--circle 1 --circle-of e1,e": `unknown population "e"`, "--circle 1 --circle-of i": "want two populations"} {
		galvani(t, append([]string{"theory", "semi-balanced", "--for", "0s"}, strings.Fields(line)...)...).refused(t, exitConfig, want)
	}
	galvani(t, "theory", "coba", "--for", "0s").refused(t, exitConfig, "population e has conductances")
	galvani(t, "theory", "hh").refused(t, exitUsage, `unknown command "hh"; known: `+circuits.Names()[0])
	galvani(t, "theory", "none.toml").refused(t, exitData, "no such file")
	needsCPU(t)
	r = theoryOf("balanced --n 500 --for 200ms")
	e := r.Populations["e"]
	if e.Simulated == nil || e.Input == nil || e.Exact == nil || !(*e.Simulated > 1 && *e.Simulated < 8 && *e.Input > 0 && *e.Input < 10) || r.Milliseconds != 200 {
		t.Errorf("beside a simulation: %+v", e)
	}
}
