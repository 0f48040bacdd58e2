package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// suggest returns what a shell is told to complete a line with, and its directive.
func suggest(t *testing.T, line ...string) (words []string, directive string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(append([]string{cobra.ShellCompNoDescRequestCmd}, line...), &out, &errs); code != 0 {
		t.Fatalf("%v: code %d: %s", line, code, errs.String())
	}
	all := strings.Split(strings.TrimSpace(out.String()), "\n")
	return all[:len(all)-1], all[len(all)-1]
}

func TestCompletion(t *testing.T) {
	const noFiles, noSpace, files, dirs = ":4", ":6", ":0", ":16"
	for _, tt := range []struct {
		line      string
		want      []string // some of the words
		directive string
	}{
		{"train --optimizer ", []string{"adam", "adamw", "rmsprop", "sgd"}, noFiles},
		{"train --schedule ", []string{"constant", "cosine", "step", "onecycle"}, noFiles},
		{"train --device ", []string{"auto", "cpu", "cuda", "cuda:0"}, noFiles},
		{"train --precision ", []string{"fp32", "tf32", "bf16"}, noFiles},
		{"train --backend ", []string{"auto", "graph", "scan"}, noFiles},
		{"eval --backend ", []string{"auto", "graph", "scan"}, noFiles},
		{"train --model ", []string{"crnn", "rate"}, noFiles},
		{"train --task ", []string{"adding", "looming"}, noFiles},
		{"train --step ", []string{"exp", "implicit", "euler"}, noFiles},
		{"train --dale-form ", []string{"abs", "relu", "clamp"}, noFiles},
		{"train --dale=", []string{"true", "false"}, noFiles},
		{"train --hidden ", nil, noFiles},
		{"train --data-dir ", nil, dirs},
		{"train --config ", nil, files},
		{"train --graph ", []string{"ring", "none"}, files},
		{"train ", nil, noFiles},
		{"eval --checkpoint ", []string{"best", "last"}, files},
		{"bench matrix --models crnn,", []string{"crnn,lstm"}, noSpace},
		{"bench matrix --precision ", []string{"tf32"}, noFiles},
		{"bench events --models ", []string{"crnn", "crnn-simple"}, noSpace},
		{"bench neurons --parts ", []string{"forward", "gradient", "thread", "first"}, noSpace},
		{"experiment range --models rnn,", []string{"rnn,gru"}, noSpace},
		{"experiment learning --tasks ", []string{"adding-100", "mnist-rows"}, noSpace},
		{"experiment learning --models ", []string{"lstm"}, noSpace},
		{"experiment a-relaxation --task ", []string{"mnist-rows"}, noFiles},
		{"experiment bounds --networks ", nil, noFiles},
		{"experiment ", []string{"bounds", "looming"}, noFiles},
		{"models show ", []string{"crnn"}, noFiles},
		{"networks show ", []string{"balanced"}, files},
		{"data fetch ", []string{"mnist"}, noFiles},
		{"gradcheck ", []string{"lstm"}, noFiles},
	} {
		words, directive := suggest(t, strings.Split(tt.line, " ")...)
		for _, w := range tt.want {
			if !slices.Contains(words, w) {
				t.Errorf("%s: %q, want %s among them", tt.line, words, w)
			}
		}
		if tt.want == nil && len(words) > 0 {
			t.Errorf("%s: %q, want nothing", tt.line, words)
		}
		if directive != tt.directive {
			t.Errorf("%s: directive %s, want %s", tt.line, directive, tt.directive)
		}
	}
}

// TestCompletionLeavesOut names no model twice in a list, and no models that a command refuses.
func TestCompletionLeavesOut(t *testing.T) {
	if words, _ := suggest(t, "bench", "matrix", "--models", "crnn,lstm,"); slices.Contains(words, "crnn,lstm,crnn") {
		t.Errorf("%q has crnn twice", words)
	}
	if words, _ := suggest(t, "bench", "events", "--models", ""); slices.Contains(words, "lstm") {
		t.Errorf("%q has lstm, which has no events", words)
	}
}

// TestCompletionOfRuns completes the argument RUN with the runs that there are.
func TestCompletionOfRuns(t *testing.T) {
	t.Chdir(t.TempDir())
	if words, directive := suggest(t, "eval", ""); len(words) > 0 || directive != ":32" {
		t.Errorf("without runs: %q %s, want files in order", words, directive)
	}
	if code := run([]string{"train", "-q", "--max-steps", "1", "--train-size", "4", "--test-size", "4", "--steps", "8", "--hidden", "4"}, new(bytes.Buffer), new(bytes.Buffer)); code != 0 {
		t.Fatal(code)
	}
	for _, line := range [][]string{{"eval", ""}, {"trace", "runs/"}, {"perturb", ""}, {"fixedpoints", ""}, {"train", "--resume", ""}} {
		words, _ := suggest(t, line...)
		if len(words) == 0 || !strings.HasSuffix(words[len(words)-1], "-crnn-looming") {
			t.Errorf("%v: %q, want the run", line, words)
		}
	}
}

// TestVersionFlag holds that --version says what version says.
func TestVersionFlag(t *testing.T) {
	var flag, command, errs bytes.Buffer
	if code := run([]string{"--version"}, &flag, &errs); code != 0 {
		t.Fatalf("code %d: %s", code, errs.String())
	}
	run([]string{"version"}, &command, &errs)
	if flag.String() != command.String() || !strings.HasPrefix(flag.String(), "galvani ") {
		t.Errorf("--version says %q, version %q", flag.String(), command.String())
	}
}
