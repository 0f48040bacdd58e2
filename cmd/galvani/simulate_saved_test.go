package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"galvani/models/circuits"
)

// TestSimulateResumes wants a simulation that is saved and resumed twice, on other numbers of threads, to
// tell and to write what one without a stop does.
func TestSimulateResumes(t *testing.T) {
	needsCPU(t)
	dir := t.TempDir()
	run := func(more ...string) (r simulation, csv string) {
		t.Helper()
		name := filepath.Join(t.TempDir(), "spikes")
		r = simulatedNetwork(t, args([]string{"balanced", "--out", name}, more...)...)
		text := contents(t, name+".csv")
		r.Seconds, r.Device = 0, ""
		return r, string(text)
	}
	network := []string{"--n", "500", "--p", "0.2", "--seed", "7", "--step", "0.05"}
	want, csv := run(args(network, "--for", "150ms")...)
	file, other := filepath.Join(dir, "run.safetensors"), filepath.Join(dir, "other.safetensors")
	run(args(network, "--for", "61ms", "--save", file, "--threads", "1")...)
	run("--resume", file, "--for", "100ms", "--save", other, "--threads", "2")
	for range 2 { // what was resumed into another file stays as it was
		got, text := run("--resume", other, "--for", "150ms", "--save", filepath.Join(t.TempDir(), "end"))
		if !reflect.DeepEqual(got, want) || text != csv {
			t.Errorf("resumed %+v, want %+v; the spikes are the same: %v", got, want, text == csv)
		}
	}
	if got, text := run("--resume", file, "--for", "150ms", "--threads", "3"); !reflect.DeepEqual(got, want) || text != csv {
		t.Errorf("resumed %+v, want %+v; the spikes are the same: %v", got, want, text == csv)
	}
	drawn, text := run(args(network, "--for", "150ms", "--storage", "procedural")...)
	run(args(network, "--for", "61ms", "--storage", "procedural", "--save", filepath.Join(dir, "drawn"))...)
	if got, again := run("--resume", filepath.Join(dir, "drawn"), "--for", "150ms", "--threads", "2"); !reflect.DeepEqual(got, drawn) || again != text || text == csv || got.Storage != "procedural" {
		t.Errorf("of connections drawn again resumed %+v, want %+v", got, drawn)
	}
	galvani(t, "simulate", "stdp", "--storage", "procedural").refused(t, exitConfig, "no connections of the network can be drawn again")
	if longer, _ := run("--resume", file, "--for", "160ms"); longer.Milliseconds != 160 {
		t.Errorf("went on to %v ms, want 160: the file is kept up to date", longer.Milliseconds)
	}
}

// TestPlasticResumes wants weights that change, and their course, to be those of a simulation without a stop.
func TestPlasticResumes(t *testing.T) {
	needsCPU(t)
	dir := t.TempDir()
	network := filepath.Join(dir, "learns.toml")
	text, err := circuits.Text("stdp")
	if err != nil {
		t.Fatal(err)
	}
	written(t, network, strings.Replace(string(text), `every = "10 s"`, `every = "30 ms"`, 1))
	run := func(more ...string) (r simulation, files string) {
		t.Helper()
		name := filepath.Join(t.TempDir(), "out")
		r = simulatedNetwork(t, args([]string{network, "--out", name}, more...)...)
		for _, ending := range []string{".csv", ".npz", ".png", ".svg"} {
			b := contents(t, name+"-weights"+ending)
			files += string(b)
		}
		r.Seconds, r.Device = 0, ""
		return r, files
	}
	line := []string{"--n", "70", "--inputs", "100", "--g-max", "0.1", "--r-x", "30"}
	want, files := run(args(line, "--for", "200ms")...)
	file := filepath.Join(dir, "run.safetensors")
	run(args(line, "--for", "95ms", "--save", file, "--threads", "1")...)
	if got, after := run(args(line, "--resume", file, "--for", "200ms", "--threads", "2")...); !reflect.DeepEqual(got, want) || after != files {
		t.Errorf("resumed %+v, want %+v; the files are the same: %v", got, want, after == files)
	}
	w := want.Weights[0]
	if w.From != "x" || w.To != "post" || w.Rule != "stdp" || w.Unit != "ms" || w.Start.N != 7000 || w.Start.Mean == w.End.Mean || w.Start.Middle == nil || *w.End.Middle == *w.Start.Middle {
		t.Errorf("the weights are reported as %+v", w)
	}
	if rows := strings.Split(files, "\n"); rows[0] != "time_ms,from,to,unit,mean,sd" || !strings.HasPrefix(rows[7], "180,x,post,ms,") || strings.HasPrefix(rows[8], "210") {
		t.Errorf("the course of the weights is %.300s", files)
	}
}

// TestSimulateRefusesFiles wants one line for what cannot be resumed, nor saved to, and the files as they
// were.
func TestSimulateRefusesFiles(t *testing.T) {
	needsCPU(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "run.safetensors")
	galvani(t, "simulate", "balanced", "--n", "100", "--for", "10ms", "--save", file).ok(t)
	whole := contents(t, file)
	write := func(name string, b []byte) string {
		return written(t, filepath.Join(dir, name), b)
	}
	damaged := append([]byte(nil), whole...)
	damaged[len(damaged)-1]++
	renamed := strings.Replace(string(whole), `\"n\":\"100\"`, `\"n\":\"101\"`, 1)
	if renamed == string(whole) {
		t.Fatal("the settings are not in the header")
	}
	for _, c := range []struct {
		line []string
		code int
		says string
	}{
		{[]string{"--save", file}, exitConfig, "is there already; go on with it by --resume"},
		{[]string{"--save", filepath.Join(dir, "none", "run")}, exitIO, "--save "},
		{[]string{"--resume", filepath.Join(dir, "none")}, exitData, "no such file"},
		{[]string{"--resume", dir}, exitData, "is a folder"},
		{[]string{"--resume", file}, exitConfig, "is at 10 ms already; give a longer --for"},
		{[]string{"--resume", file, "--for", "10ms"}, exitConfig, "give a longer --for"},
		{[]string{"--resume", file, "--for", "20ms", "--n", "101"}, exitConfig, "--n belongs to the simulation"},
		{[]string{"--resume", file, "--for", "20ms", "--seed", "2"}, exitConfig, "--seed belongs to the simulation"},
		{[]string{"--resume", file, "--for", "20ms", "--save", file}, exitConfig, "is there already"},
		{[]string{"--resume", write("cut", whole[:len(whole)-5]), "--for", "20ms"}, exitData, "corrupt file"},
		{[]string{"--resume", write("damaged", damaged), "--for", "20ms"}, exitData, "was changed after it was saved"},
		{[]string{"--resume", write("renamed", []byte(renamed)), "--for", "20ms"}, exitData, "was changed after it was saved"},
		{[]string{"--resume", write("text", []byte("spikes")), "--for", "20ms"}, exitData, "corrupt file"},
	} {
		galvani(t, args([]string{"simulate", "balanced"}, c.line...)...).refused(t, c.code, c.says)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(whole) {
		t.Errorf("the saved simulation has changed (%v)", err)
	}
}

// TestStoppedUnsaved wants a simulation that is stopped without a file to say that nothing is saved.
func TestStoppedUnsaved(t *testing.T) {
	err := (&simulateFlags{}).stopped(errStopped, nil, nil)
	if !errors.Is(err, errStopped) || !strings.Contains(err.Error(), "nothing is saved") || !strings.Contains(err.Error(), "--save FILE") {
		t.Errorf("says %v", err)
	}
}
