package main

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/models"
)

// TestConditionsNameKeys holds that every condition asks for a key that its choice of model and task
// has, with a value that it can take, for a key of another choice, or for a fact.
func TestConditionsNameKeys(t *testing.T) {
	seen := 0
	for _, m := range models.All() {
		for _, k := range data.All() {
			s, err := resolve(layer{pairs: pairs("model", m.Name, "task", k.Name)})
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range s.Keys() {
				for _, c := range key.Needs {
					seen++
					of, err := s.Lookup(c.Key)
					_, isFact := s.Facts[c.Key]
					if err != nil && !isFact && len(s.Elsewhere[c.Key]) == 0 {
						t.Errorf("%s on %s: key %s needs %s, which names no key", m.Name, k.Name, key.Name, c)
					}
					for _, v := range c.Values {
						if err == nil && len(of.OneOf) > 0 && !slices.Contains(of.OneOf, v) {
							t.Errorf("%s on %s: key %s needs %s, which is never so", m.Name, k.Name, key.Name, c)
						}
					}
				}
			}
		}
	}
	if seen == 0 {
		t.Fatal("no key has a condition")
	}
}

// TestFlagsWithoutEffect holds that no flag is taken that changes nothing.
func TestFlagsWithoutEffect(t *testing.T) {
	for _, tt := range []struct {
		flags []config.Pair
		want  string // of the error, empty where there is none
	}{
		{pairs("nesterov", config.Text("true")), `"nesterov" has no effect: it needs optimizer = sgd, and optimizer is adam`},
		{pairs("momentum", config.Text("0.5")), `it needs optimizer = sgd`},
		{pairs("optimizer", config.Text("sgd"), "momentum", config.Text("0"), "nesterov", config.Text("true")), `it needs momentum > 0, and momentum is 0`},
		{pairs("optimizer", config.Text("sgd"), "nesterov", config.Text("true")), ""},
		{pairs("nesterov", config.Text("false")), ""},
		{pairs("optimizer", config.Text("sgd"), "beta1", config.Text("0.5")), `it needs optimizer = adam`},
		{pairs("optimizer", config.Text("adamw"), "beta1", config.Text("0.5")), ""},
		{pairs("rms_alpha", config.Text("0.5")), `it needs optimizer = rmsprop`},
		{pairs("optimizer", config.Text("sgd"), "eps", config.Text("1e-6")), `optimizer is sgd`},
		{pairs("warmup", config.Text("0.2")), `it needs schedule = cosine or onecycle, and schedule is constant`},
		{pairs("lr_final", config.Text("0.2")), `schedule is constant`},
		{pairs("schedule", config.Text("cosine"), "lr_final", config.Text("0.2")), ""},
		{pairs("schedule", config.Text("cosine"), "step_drop", config.Text("0.2")), `it needs schedule = step`},
		{pairs("ei_ratio", config.Text("0.5")), `it needs dale = true, and dale is false`},
		{pairs("dale_form", config.Text("relu")), `it needs dale = true`},
		{pairs("model", "rnn", "dale", config.Text("true"), "ei_ratio", config.Text("0.5")), ""},
		{pairs("wiring_seed", config.Text("4")), `it needs connections = drawn, and connections is all`},
		{pairs("irregular", config.Text("true")), `it needs bin_ms > 0, a key of task recordings`},
		{pairs("task", "recordings", "irregular", config.Text("true")), `it needs bin_ms > 0, and bin_ms is 0`},
		{pairs("task", "recordings", "irregular", config.Text("true"), "bin_ms", config.Text("5")), ""},
		{pairs("stateful", config.Text("true")), `it needs continued = true, a key of task file`},
		{pairs("syn_kernel", config.Text("ema"), "tau_l", config.Text("30")), `it needs syn_kernel != ema or alpha, and syn_kernel is ema`},
		{pairs("graph", config.Text("none"), "g_axial", config.Text("1")), `graph is none`},
		{pairs("model", "rate", "power_gain", config.Text("2")), `it needs activation = power, and activation is tanh`},
		{pairs("model", "rate", "learn", config.Text("none"), "tau_form", config.Text("sigmoid")), `learn is none`},
		{pairs("backend", config.Text("graph"), "threads", config.Text("2")), `backend is graph`},
		{pairs("task", "perceptual", "data_dir", config.Text("files")), `it needs samples = from files, and samples is generated`},
		{pairs("task", "perceptual", "data_dir", config.Text("")), ""},
		{pairs("task", "mnist-rows", "data_dir", config.Text("files")), ""},
	} {
		_, err := resolve(layer{pairs: tt.flags})
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%v: %v, want no error", tt.flags, err)
		case tt.want != "" && (!errors.Is(err, config.ErrConfig) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%v: error %v, want %q", tt.flags, err, tt.want)
		}
	}
}

// TestFilesWithoutEffect holds that the lines of a file that change nothing are told, but for those
// that say what is so anyway.
func TestFilesWithoutEffect(t *testing.T) {
	s, err := resolve(layer{name: "f.toml", pairs: pairs("momentum", 0.9, "nesterov", true, "warmup", 0.1)})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.notes) != 1 || !strings.HasPrefix(s.notes[0], "f.toml: nesterov = true has no effect: it needs optimizer = sgd") {
		t.Errorf("notes %q, want one, on nesterov", s.notes)
	}
	// mnist-rows has a recipe with a warm-up that its lstm with a constant rate does not use.
	s, err = resolve(layer{name: "f.toml", pairs: pairs("task", "mnist-rows", "warmup", 0.3, "schedule", "constant")})
	if err != nil || len(s.notes) > 0 {
		t.Errorf("notes %q, %v; want none on what the recipe says", s.notes, err)
	}
}

// TestConfigsAreLayered holds that a later file overrules an earlier one, and flags both.
func TestConfigsAreLayered(t *testing.T) {
	folder, runs := t.TempDir(), t.TempDir()
	write := func(name, text string) string {
		return written(t, filepath.Join(folder, name), text)
	}
	first := write("a.toml", "model = \"rnn\"\nhidden = 5\nbatch = 4\nlr = 0.5\nnesterov = true\n")
	second := write("b.toml", "hidden = 6\nbatch = 3\n")
	o := galvani(t, args(tiny[:len(tiny):len(tiny)], "--config", first, "--config", second, "--batch", "2", "--max-steps", "1",
		"--runs-dir", runs)...)
	if o.code != exitOK {
		t.Fatal(o.stderr)
	}
	if want := "a.toml: nesterov = true has no effect"; !strings.Contains(o.stderr, want) {
		t.Errorf("stderr lacks %q:\n%s", want, o.stderr)
	}
	text := contents(t, filepath.Join(newest(t, runs), "config.toml"))
	for _, want := range []string{"model = \"rnn\"", "hidden = 8", "batch = 2", "lr = 0.5"} { // tiny says --hidden 8
		if !strings.Contains(string(text), want+"\n") {
			t.Errorf("config.toml lacks %s", want)
		}
	}
	galvani(t, "train", "--config", first, "--config", filepath.Join(folder, "none.toml")).refused(t, exitData, "none.toml")
}
