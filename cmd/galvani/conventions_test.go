package main

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"galvani/models"
)

// TestModelsShowConventions holds that what a reader of a model has to know beside its equations is
// shown: every plane with its start, and the conventions, in lines of bounded length.
func TestModelsShowConventions(t *testing.T) {
	for name, wants := range map[string][]string{
		"crnn": {"p_inh", "-0.5", "tau_l tau_s / (tau_l - tau_s) (q' - p')", "p' = d_s (p + q)", "(i-1)/2, rounded down", "always stepped by euler",
			"exp(-1/tau)", "graph ring joins"},
		"crnn-simple":  {"-W_ij", "autapses = no", "halves rounded up", "u B / n, rounded down"},
		"cond-fixed":   {"h of a trace is r", "r at f(0)"},
		"cond-varying": {"A_E Σ |W_ij| r_j"},
		"rate":         {"synaptic current", "tau >= dt"},
		"lif":          {"before the reset", "The gradient goes through the reset, too"},
		"lstm":         {"memory", "torch.nn.LSTM"},
		"gru":          {"mask 0, behind the end", "W[post,pre]"},
	} {
		o := galvani(t, "models", "show", name).ok(t)
		for _, want := range wants {
			if flat := strings.Join(strings.Fields(o.stdout), " "); !strings.Contains(flat, want) {
				t.Errorf("models show %s lacks %q", name, want)
			}
		}
		_, notes, _ := strings.Cut(o.stdout, "\nConventions\n")
		for line := range strings.SplitSeq(notes, "\n") {
			if utf8.RuneCountInString(line) > noteWidth+4 {
				t.Errorf("models show %s: a note of %d letters: %s", name, utf8.RuneCountInString(line), line)
			}
		}
	}
	r := told[modelReport](t, "models", "show", "crnn")
	if len(r.State) != 5 || r.State[0].Start != -0.5 || len(r.Notes) <= len(models.Conventions) || r.Wiring != nil {
		t.Errorf("JSON holds the state %+v, %d notes and the wiring %v of a cell without a recurrent matrix", r.State, len(r.Notes), r.Wiring)
	}
}

// TestLiteralSignsRecordTheirStep holds that config.toml says by which rule a run is stepped, that
// another rule is refused on the command line, and that the file of an older run is taken.
func TestLiteralSignsRecordTheirStep(t *testing.T) {
	short := []string{"train", "--model", "crnn", "--task", "adding", "--steps", "4", "--hidden", "4", "--train-size", "8", "--test-size", "4",
		"--epochs", "1", "--dt", "0.1", "--signs", "literal", "--quiet", "--runs-dir", t.TempDir()}
	dir := strings.TrimSpace(galvani(t, short...).ok(t).stdout)
	path := filepath.Join(dir, "config.toml")
	text := contents(t, path)
	if !strings.Contains(string(text), "\nstep = \"euler\"") {
		t.Errorf("config.toml does not record the step euler:\n%s", text)
	}
	galvani(t, args(short, "--step", "euler")...).ok(t)
	galvani(t, args(short, "--step", "implicit")...).refused(t, exitConfig, `key "step" is implicit, but signs = literal is always stepped by euler`)
	older := filepath.Join(t.TempDir(), "older.toml")
	written(t, older, "model = \"crnn\"\nsigns = \"literal\"\nstep = \"exp\"\n")
	s, err := resolve(mustRead(t, older))
	if err != nil || s.cell.(*models.CRNN).Stepping != "euler" || len(s.notes) != 1 || !strings.Contains(s.notes[0], "step = exp gives way to euler") {
		t.Errorf("settings %+v with notes %v, error %v", s.cell, s.notes, err)
	}
}

func mustRead(t *testing.T, path string) layer {
	t.Helper()
	l, err := readLayer(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
