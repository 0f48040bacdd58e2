package circuits

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/models/description"
)

// TestSources reads regular sources and trains of a file, and names what is wrong with them.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(sources string) (*Blueprint, error) {
		n, err := Read(write("net.toml", ""), []byte(sources))
		if err != nil {
			return nil, err
		}
		return n.Blueprint(n.Step)
	}
	write("all.csv", "time_ms,population,unit\r0.3,e,1\r0.1,e,0\r0.31,e,1\r2,i,7\r") // as old programs end lines
	write("bare.csv", "\ufeffunit, time_ms\r\n2.0, 0.5\r\n")                         // as some programs write tables
	write("wide.csv", "\xff\xfeu\x00n\x00i\x00t\x00")
	write("bad.csv", "unit,time_ms\n3,0.5\n")
	b, err := read(`[population.a]
neuron = "regular"
rate = "20 Hz"
first = "5 ms"
[population.e]
neuron = "trains"
n = 3
file = "all.csv"
spikes = false
[population.b]
neuron = "trains"
n = 3
file = "bare.csv"
[population.c]
neuron = "correlated"
rate = "20 Hz"
correlation = 0.25
jitter = "5 ms"
[population.d]
neuron = "correlated"
rate = "20 Hz"
correlation = 0
jitter = "5 ms"
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range b.Populations {
		want := map[string]kernels.Population{
			"a": {Name: "a", Header: kernels.Regular, N: 1, Params: []float64{20, 5}},
			"e": {Name: "e", Header: kernels.Trains, N: 3, Trains: [][]int64{{1}, {3}, nil}, Unrecorded: true},
			"b": {Name: "b", Header: kernels.Trains, N: 3, Trains: [][]int64{nil, nil, {5}}},
			"c": {Name: "c", Header: kernels.Correlated, N: 1, Params: []float64{20, 0.25, 5}},
			"d": {Name: "d", Header: kernels.Poisson, N: 1, Params: []float64{20}},
		}[p.Name]
		if merged := map[string]int{"e": 1}[p.Name]; p.Merged != merged { // 0.3 and 0.31 ms of unit 1
			t.Errorf("%d spikes of %s are one with another, want %d", p.Merged, p.Name, merged)
		}
		if !reflect.DeepEqual(p.Population, want) {
			t.Errorf("population %+v, want %+v", p.Population, want)
		}
	}
	for text, want := range map[string]string{
		"neuron = \"regular\"":                                                             "rate",
		"neuron = \"trains\"\nfile = \"wide.csv\"":                                         "it is in UTF-16: not a text in UTF-8; save it as UTF-8",
		"neuron = \"trains\"":                                                              "file",
		"neuron = \"trains\"\nfile = \"none.csv\"":                                         "cannot be read",
		"neuron = \"trains\"\nfile = \"bad.csv\"":                                          "line 2 has time \"0.5\" and unit \"3\", want ms from 0 on and a unit below 1",
		"neuron = \"trains\"\nfile = \"all.csv\"":                                          "no spikes of a population \"p\"",
		"neuron = \"trains\"\nfile = \"net.toml\"":                                         "no table",
		"neuron = \"regular\"\nrate = \"20000 Hz\"":                                        "rate",
		"neuron = \"events\"\nrate = \"20 Hz\"":                                            `unknown neuron "events"`,
		"neuron = \"correlated\"\nrate = \"20 Hz\"":                                        "has no correlation",
		"neuron = \"correlated\"\nrate = \"20 Hz\"\ncorrelation = 0.1":                     "has no jitter",
		"neuron = \"correlated\"\nrate = \"20 Hz\"\ncorrelation = 1.1\njitter = \"1 ms\"":  "correlation is 1.1, want a number of 0 to 1",
		"neuron = \"correlated\"\nrate = \"20 Hz\"\ncorrelation = 1e-4\njitter = \"1 ms\"": "a process of 200000 Hz, want at most a spike per step, 10000 Hz",
		"neuron = \"correlated\"\nrate = \"20 Hz\"\ncorrelation = 0.1\njitter = \"1 s\"":   "jitter is 1000 ms, want at most 655.36 ms",
	} {
		_, err := read("[population.p]\n" + text + "\n")
		var m *description.Mistake
		if !errors.As(err, &m) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want an error with %q, got %v", text, want, err)
		}
	}
}
