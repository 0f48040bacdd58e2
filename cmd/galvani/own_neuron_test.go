package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ownNeuron is the file of a neuron with a dendrite, synapses by facets and a reversal potential by region.
const ownNeuron = `start = "-65 mV"

[[section]]
name = "soma"
length = "30 um"
diameter = "30 um"

[[section]]
name = "dend"
region = "dendrite"
parent = "soma"
at = 1
length = "200 um"
diameter = "3 um"
compartments = 2

[membrane]
capacity = "1 uF/cm2"
leak = "0.1 mS/cm2"
rest = "-65 mV"
axial = "100 ohm cm"

[region.soma.channels]
na = "120 mS/cm2"
k = "36 mS/cm2"

[region.dendrite.channels]
k = "1 mS/cm2"

[region.dendrite.reversal]
k = "-90 mV"

[[receptor]]
name = "ampa"
rise = "0.3 ms"
decay = "3 ms"
reversal = "0 mV"

[[receptor]]
name = "gaba"
rise = "5 ms"
decay = "20 ms"
reversal = "-80 mV"

[[input]]
name = "see"
sections = ["dend"]
receptor = "ampa"
weight = "4 nS"
facets = { half = "40 deg" }

[[input]]
name = "hush"
sections = ["soma", "dend"]
receptor = "gaba"
weight = "4 nS"
facets = { half = "40 deg" }
`

// TestOwnNeuron trains the neuron of a file: a run that is stopped and resumed has the bits of one that is not, the run is
// read without the file, and what it has learned is told in numbers of the neuron; the fused scan is held to the graph.
func TestOwnNeuron(t *testing.T) {
	needsCPU(t)
	t.Parallel()
	file := written(t, filepath.Join(t.TempDir(), "mine.toml"), ownNeuron)
	line := []string{"--model", "neuron", "--neuron", file, "--task", "looming", "--facets", "6", "--steps", "20", "--step-ms", "30", "--bin", "30", "--dt", "0.5",
		"--train-size", "64", "--schedule", "constant", "--learn", "g_na,dendrite.e_k"}
	fusedAsGraph(t, "--model", "neuron", "--neuron", file, "--learn", "dendrite.e_k,g_k")
	dir := trained(t, args(line, "--max-steps", "6")...)
	sameResumed(t, "a neuron of one's own", dir, line, "3", "6")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	exports(t, dir, "\ncell.number.e_k,")
	exports(t, dir, "\ncell.number.w_hush,")
	for _, command := range []string{"eval", "trace", "fixedpoints"} {
		more := []string{command, dir}
		if command == "trace" {
			more = append(more, "--out", filepath.Join(t.TempDir(), "trace.safetensors"))
		}
		galvani(t, more...).ok(t)
	}
	r := perturbJSON(t, dir, "--silence", "0.5").Rows
	if r[1].Test.Loss == r[0].Test.Loss {
		t.Error("half of the neuron silent changes nothing")
	}
}

// TestOwnNeuronRefuses holds the lines about files that are no model.
func TestOwnNeuronRefuses(t *testing.T) {
	needsCPU(t)
	dir := t.TempDir()
	refused := func(want, text string, more ...string) {
		t.Helper()
		file := written(t, filepath.Join(dir, "mine.toml"), text)
		inside(args([]string{"train", "--model", "neuron", "--neuron", file, "--runs-dir", filepath.Join(dir, "runs")}, more...)...).refused(t, exitConfig, want)
	}
	refused("no input with facets", strings.ReplaceAll(ownNeuron, "facets = { half = \"40 deg\" }\n", ""))
	refused("channel.more.file cannot be used: a run keeps the neuron as one file; write what more.toml holds into it",
		strings.Replace(ownNeuron, "k = \"1 mS/cm2\"\n", "k = \"1 mS/cm2\"\nmore = \"1 mS/cm2\"\n", 1)+"\n[channel.more]\nfile = \"more.toml\"\n")
	refused("has a channel called rate", strings.Replace(ownNeuron, "k = \"1 mS/cm2\"\n", "k = \"1 mS/cm2\"\nrate = \"1 mS/cm2\"\n", 1)+"\n[channel.rate]\nuse = \"k\"\n")
	refused(`unknown quantity "siz.g_na"; did you mean "soma.g_na"?`, ownNeuron, "--learn", "siz.g_na")
	refused("receptor[1] has no decay", strings.Replace(ownNeuron, "decay = \"20 ms\"\n", "", 1))
	inside("train", "--model", "neuron", "--neuron", "", "--runs-dir", dir).refused(t, exitConfig, "key neuron is empty; name the file of one, or lgmd, lgmd-rake")
	inside("train", "--model", "neuron", "--neuron", filepath.Join(dir, "cell.swc"), "--runs-dir", dir).refused(t, exitConfig, "cell.swc is a morphology, want a neuron")
	inside("train", "--model", "neuron", "--neuron", "hh", "--runs-dir", dir).refused(t, exitConfig, "no input with facets")
	inside("train", "--model", "neuron", "--neuron", filepath.Join(dir, "none.toml"), "--runs-dir", dir).refused(t, exitConfig, "no such file")
}
