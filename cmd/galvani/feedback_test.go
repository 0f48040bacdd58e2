package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/models"
)

// TestFeedback trains by each way of feedback, on the unrolled graph and on the fused scan. The copy of the
// read-out's weights gives the bits of backprop; fixed weights give others, stay as they were drawn, are
// part of the checkpoint, and go on after a stop as in a run that was not stopped.
func TestFeedback(t *testing.T) {
	t.Parallel()
	choices := map[string][]string{}
	for _, backend := range backends() {
		choices[backend] = []string{"--backend", backend}
		if backend == "graph" && hasScan() {
			continue // package models has the wiring on graphs
		}
		choices[backend+" with Dale's law"] = []string{"--backend", backend, "--model", "rnn", "--dale"}
	}
	for name, choice := range choices {
		run := func(more ...string) string { return trained(t, args(choice, more...)...) }
		backprop, fixedRun, signRun := run(), run("--feedback", "fixed"), run("--feedback", "sign")
		sameWeights(t, name+": a copy of the weights", run("--feedback", "transpose"), backprop)
		usual, fixed := newestTensors(t, backprop), newestTensors(t, fixedRun)
		start := newestTensors(t, run("--feedback", "fixed", "--max-steps", "1"))
		const own = "readout.feedback"
		switch {
		case len(fixed[own]) == 0 || !slices.Equal(fixed[own], start[own]):
			t.Errorf("%s: %s is missing or has changed", name, own)
		case slices.Equal(fixed["readout.weight"], usual["readout.weight"]), slices.Equal(fixed[own], start["readout.weight"]):
			t.Errorf("%s: fixed feedback is that of backprop", name)
		case len(fixed) != len(usual)+1:
			t.Errorf("%s: %d tensors, want one more than %d", name, len(fixed), len(usual))
		}
		signs := newestTensors(t, signRun)
		if len(signs) != len(usual) || slices.Equal(signs["readout.weight"], usual["readout.weight"]) {
			t.Errorf("%s: feedback by signs has %d tensors of %d, or gives the weights of backprop", name, len(signs), len(usual))
		}
		half := sameResumed(t, name+": fixed", fixedRun, args(choice, "--feedback", "fixed"), "5", "0")
		galvani(t, "train", "--resume", half, "--feedback", "backprop").refused(t, exitConfig, `key "feedback" belongs to the run`)
	}
	for way, work := range map[string]string{"fixed": "lillicrap2016random", "sign": "liao2016how"} {
		dir := trained(t, "--feedback", way, "--max-steps", "1")
		if text, err := os.ReadFile(filepath.Join(dir, "references.bib")); err != nil || !strings.Contains(string(text), work) {
			t.Errorf("references.bib does not name %s (%v)", work, err)
		}
		galvani(t, "eval", dir).ok(t)
		galvani(t, "export", dir, "--out", filepath.Join(t.TempDir(), "x.safetensors")).ok(t)
		galvani(t, args(tiny, "--feedback", way, "--readout-scale", "0")...).refused(t, exitConfig, "take a larger readout_scale")
	}
	galvani(t, args(tiny, "--feedback", "random")...).refused(t, exitConfig, `want one of backprop, transpose, fixed, sign`)
}

// TestFeedbackNames holds the names of the setting against those of package models.
func TestFeedbackNames(t *testing.T) {
	s, err := resolve()
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.Lookup("feedback")
	if err != nil || strings.Join(k.OneOf, " ") != strings.Join(models.Feedbacks, " ") {
		t.Errorf("the setting has %v (%v), want %v", k.OneOf, err, models.Feedbacks)
	}
}
