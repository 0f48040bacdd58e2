package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/engine/rundir"
)

// TestFit fits two conductances of a neuron of a file, stops, goes on, and wants what one run gives; and
// the fitted neuron to do what was recorded.
func TestFit(t *testing.T) {
	needsCPU(t)
	t.Chdir(t.TempDir())
	written(t, "mine.toml", "like = \"hh\"\n[numbers]\ng_na = [0.11]\ng_k = 0.033\n")
	stimulus := []string{"--current", "step 10 2:9", "--for", "10ms"}
	inside(append([]string{"simulate", "mine.toml", "--out", "seen"}, stimulus...)...).ok(t)
	fit := []string{"fit", "hh", "--to", "seen.csv", "--learn", "g_na,soma.g_k", "--starts", "3", "--json"}
	whole := inside(append(fit, "--out", "whole", "--updates", "24", "--threads", "1")...).ok(t)
	inside(append(fit, "--out", "parts", "--updates", "9", "--threads", "2")...).ok(t)
	fit[3] = "seen.npz"
	fit[5] = "g_na, soma.g_k"
	out := told[fitReport](t, append(fit, "--updates", "1", "--bounds", "g_na=50:200")...).Out
	lock, err := rundir.LockFolder(out)
	if err != nil {
		t.Fatal(err)
	}
	inside("fit", "--resume", out).refused(t, exitConfig, out+": folder is in use: by process")
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	inside("fit", "--resume", out, "--updates", "1").ok(t)
	folders := map[string]bool{out: true}
	for range 3 { // within one second, as a rule
		folders[told[fitReport](t, append(fit, "--updates", "1")...).Out] = true
	}
	if len(folders) != 4 {
		t.Errorf("four fits have the folders %v", folders)
	}
	if a, err := os.ReadFile("seen.npz"); err != nil || !strings.HasPrefix(out, "runs/") || !strings.HasSuffix(out, "-fit-hh") {
		t.Errorf("the folder is %s, %v", out, err)
	} else if b, err := os.ReadFile(out + "/recording-1.npz"); err != nil || string(a) != string(b) {
		t.Errorf("the copy of an NPZ file is another: %v", err)
	}
	inside("fit", "--resume", "parts", "--updates", "15", "--memory", "1MB").ok(t)
	for _, name := range []string{fitFile, "fitted.toml"} {
		a, err := os.ReadFile(filepath.Join("whole", name))
		b, err2 := os.ReadFile(filepath.Join("parts", name))
		if err != nil || err2 != nil || string(a) != string(b) {
			t.Errorf("%s of a fit in parts is not that of the whole: %v, %v", name, err, err2)
		}
	}
	var r fitReport
	whole.tells(t, &r)
	for i, want := range []float64{110, 33} {
		if n := r.Numbers[i]; n.Unit != "mS/cm²" || math.Abs(n.Fitted-want) > 0.005*want || n.Least > n.Fitted || n.Most < n.Fitted {
			t.Errorf("%+v, want %g; error %g mV", n, want, r.Error)
		}
	}
	seen, fitted := simulated(t, args([]string{"mine.toml"}, stimulus...)...), simulated(t, args([]string{"whole/fitted.toml"}, stimulus...)...)
	if len(seen.Spikes[0]) != 1 || len(fitted.Spikes[0]) != 1 || math.Abs(seen.Spikes[0][0]-fitted.Spikes[0][0]) > 0.02 {
		t.Errorf("spikes of the fitted neuron: %v, want %v", fitted.Spikes, seen.Spikes)
	}
	for _, name := range []string{"traces-1.png", "traces-1.svg", "errors.png", "errors.svg"} {
		if info, err := os.Stat(filepath.Join("whole", name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFitBegun wants a fit that ends before its first update to be there, and one whose neuron has changed since not to go on.
func TestFitBegun(t *testing.T) {
	needsCPU(t)
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("mine.toml", "like = \"hh\"\n[numbers]\ng_k = 0.03\n")
	write("seen.csv", "time,voltage\n0,-65\n1,-65\n2,-65\n3,-65\n")
	inside("fit", "mine.toml", "--to", "seen.csv", "--learn", "g_na", "--starts", "1", "--updates", "1", "--out", "x").ok(t)
	write("mine.toml", "like = \"hh\"\n[numbers]\ng_k = 0.04\n")
	inside("fit", "--resume", "x").refused(t, exitConfig, "mine.toml has other numbers than when the fit was begun")
	write("huge.csv", "time,voltage,current\n0,-65,0\n1,-65,1e12\n2,-65,1e12\n3,-65,1e12\n")
	inside("fit", "hh", "--to", "huge.csv", "--learn", "g_na", "--starts", "1", "--updates", "1", "--out", "y").refused(t, exitNumerical, "V of soma is")
	inside("fit", "--resume", "y", "--updates", "1").refused(t, exitNumerical, "V of soma is")
}

// TestFitRefuses wants one line, and no folder left behind.
func TestFitRefuses(t *testing.T) {
	needsCPU(t)
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"good.csv": "time,voltage\n0,-65\n1,-65\n2,-65\n3,-65\n", "short.csv": "time,voltage\n0,1\n",
		"uneven.csv": "time,voltage\n0,-65\n1,-65\n2,-65\n4,-65\n", "other.csv": "time,voltage\n0,-65\n2,-65\n4,-65\n6,-65\n", "bad.npz": "PK\x03\x04 and no more"} {
		written(t, name, text)
	}
	refuses(t, []string{"fit"}, []refusal{
		{"hh", exitConfig, "fit needs --to"},
		{"hh --to none.csv --learn g_na --out x", exitData, "none.csv"},
		{"hh --to short.csv --learn g_na --out x", exitConfig, "has 2 rows"},
		{"hh --to uneven.csv --learn g_na --out x", exitConfig, "line 5: a step of 2 ms"},
		{"hh --to good.csv,other.csv --learn g_na --out x", exitConfig, "want the same"},
		{"hhh --to good.csv --learn g_na --out x", exitConfig, `did you mean "hh"?`},
		{"hh --to good.csv --learn g_nx --out x", exitConfig, `did you mean "g_na"?`},
		{"hh --to good.csv --learn g_na --starts 0 --out x", exitConfig, "0 starts"},
		{"hh --to good.csv --learn g_na --within 1 --out x", exitConfig, "within 1"},
		{"hh --to good.csv --learn g_na --bounds g_na=1 --out x", exitConfig, "want NAME=LO:HI"},
		{"hh --to good.csv --learn g_na --bounds g_na=2:1 --out x", exitConfig, "want NAME=LO:HI with LO below HI"},
		{"hh --to bad.npz --learn g_na --out x", exitConfig, "bad.npz: "},
		{"hh --to good.csv --learn g_na --bounds g_na=1:2 --out x", exitConfig, "soma.g_na is 120 mS/cm² and its bounds are 1 and 2, want it between"},
		{"hh --to good.csv --learn g_na --bounds g_k=0:2 --out x", exitConfig, "which is not learned"},
		{"hh --to good.csv --learn g_na,g_k,g_na --out x", exitConfig, "--learn has g_na twice"},
		{"hh --to good.csv --learn , --out x", exitConfig, "and --learn with a name or more"},
		{"hh --to good.csv --learn g_na --updates 0 --out x", exitConfig, "--updates is 0, want 1 to"},
		{"hh --to good.csv --learn g_na --dt 5 --out x", exitConfig, "--dt is 5 ms, too long for gate na.m of hh, as V is held while gates move; want at most 2.5"},
		{"hh --to good.csv --learn g_na --dt nan --out x", exitConfig, "--dt is NaN ms"},
		{"hh --to good.csv --learn g_na --out a/b", exitIO, "no such file"},
		{"hh --to good.csv --learn g_na --memory much --out x", exitConfig, "want an amount of memory"},
		{"hh --to good.csv --learn g_na --memory 64B --out x", exitDevice, "at least"},
		{"lif --to good.csv --learn tau_m --out x", exitConfig, "lif is a unit without compartments and channels, which galvani simulate lif takes; want one of cable, hh"},
		{"--resume none", exitData, "none"},
		{"hh --resume none", exitConfig, "leave hh away"},
	})
	if _, err := os.Stat("x"); err == nil {
		t.Error("a fit that is refused leaves a folder")
	}
	if err := os.Mkdir("there", 0o700); err != nil {
		t.Fatal(err)
	}
	inside("fit", "hh", "--to", "good.csv", "--learn", "g_na", "--out", "there").refused(t, exitConfig, "there already")
	written(t, "there/fit.json", "{")
	inside("fit", "--resume", "there").refused(t, exitConfig, "is not that of a fit")
	written(t, "there/fit.json", `{"neuron":"hh","recordings":[]}`)
	inside("fit", "--resume", "there").refused(t, exitConfig, "no recording")
}
