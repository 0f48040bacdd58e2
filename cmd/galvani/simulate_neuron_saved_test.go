package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"galvani/kernels/devices/devicetest"
	"galvani/models/neurons"

	"gorgonia.org/tensor"
)

// TestSimulateNeuronSaved: a neuron that is saved and resumed ends with the numbers of one that was not, also where it was
// stopped; what does not fit is refused.
func TestSimulateNeuronSaved(t *testing.T) {
	needsCPU(t)
	dir := t.TempDir()
	name := func(n string) string { return filepath.Join(dir, n) }
	for neuron, settings := range map[string][]string{
		"hh":   {"--current", "step 10 5:30 + ramp 0 20 30:60", "--dt", "0.05"},
		"lgmd": {"--stimulus", "loom", "--l-over-v", "10", "--collision", "30", "--facet-spacing", "6", "--seed", "3"},
	} {
		file := name(neuron)
		whole := simulated(t, args([]string{neuron}, args(settings, "--for", "70ms", "--out", name("whole"))...)...)
		simulated(t, args([]string{neuron}, args(settings, "--for", "33ms", "--save", file)...)...)
		parts := simulated(t, args([]string{neuron}, args(settings, "--resume", file, "--for", "70ms", "--out", name("parts"))...)...)
		if !reflect.DeepEqual(parts.Spikes, whole.Spikes) || !reflect.DeepEqual(parts.VEnd, whole.VEnd) || !reflect.DeepEqual(parts.Stimulus, whole.Stimulus) || len(whole.Spikes[0]) == 0 {
			t.Errorf("%s in two parts: %+v, want %+v", neuron, parts, whole)
		}
		a, errA := os.ReadFile(name("whole.csv"))
		b, errB := os.ReadFile(name("parts.csv"))
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("%s: traces differ, errors %v, %v", neuron, errA, errB)
		}
	}
	for _, c := range []struct {
		line []string
		code int
		want string
	}{
		{[]string{"hh", "--resume", name("hh")}, exitConfig, "is at 70 ms already; give a longer --for"},
		{[]string{"hh", "--resume", name("hh"), "--dt", "0.1"}, exitConfig, `--dt belongs to the simulation in`},
		{[]string{"hh", "--resume", name("hh"), "--seed", "2"}, exitConfig, `--seed is not of the simulation in`},
		{[]string{"cable", "--resume", name("hh")}, exitConfig, "is of neuron hh as it was"},
		{[]string{"hh", "--save", name("hh")}, exitConfig, "is there already"},
		{[]string{"hh", "--save", name("new"), "--sweep", "g_na=0.1:0.2:2"}, exitConfig, "leave out --sweep"},
		{[]string{"balanced", "--resume", name("hh")}, exitData, "holds a neuron"},
		{[]string{"hh", "--resume", name("whole.csv")}, exitData, "whole.csv"},
		{[]string{"hh", "--save", "/nonexistent/x"}, exitIO, "/nonexistent: no such file"},
	} {
		galvani(t, append([]string{"simulate"}, c.line...)...).refused(t, c.code, c.want)
	}
	wave := func(text string) {
		if err := os.WriteFile(name("wave.csv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wave("0,5\n9,5\n")
	simulated(t, "hh", "--current", name("wave.csv"), "--for", "1ms", "--save", name("waved"))
	wave("0,5\n9,6\n")
	galvani(t, "simulate", "hh", "--resume", name("waved"), "--for", "2ms").refused(t, exitConfig, "wave.csv was changed after the simulation was saved")
	wave("0,5\n9,5\n")
	simulated(t, "hh", "--resume", name("waved"), "--for", "2ms")
	stoppedNeuron(t, name("stopped"))
}

// stoppedNeuron stops a simulation in its second stretch and holds what it saves and says.
func stoppedNeuron(t *testing.T, file string) {
	n, err := neurons.Load("hh")
	if err != nil {
		t.Fatal(err)
	}
	dev := devicetest.CPU(t, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	trace, err := n.Resume(ctx, dev, tensor.Float64, neurons.Options{}, nil, 5000, neurons.Stimulus{}, func(done int) {
		if done > 1000 {
			cancel(errStopped)
		}
	})
	if !errors.Is(err, errStopped) || trace.Steps() != 2000 {
		t.Fatalf("a run that is stopped ends with %v, %d steps", err, trace.Steps())
	}
	f := &neuronFlags{save: file, dt: n.Dt, length: 125 * time.Millisecond, now: &savedNeuron{Neuron: "hh"}}
	if err := f.stopped(err, trace, "hh"); !errors.Is(err, errStopped) || !strings.Contains(err.Error(), "50 of 125 ms are saved; go on with: galvani simulate hh --resume "+file) {
		t.Errorf("of a simulation that was stopped is said: %v", err)
	}
	old := &savedNeuron{}
	var step int64
	if _, err := openSaved(file, savedNeuronFormat, old, &step); err != nil || step != 2000 || old.Length != f.length {
		t.Errorf("%+v of step %d is saved, error %v", old, step, err)
	}
}
