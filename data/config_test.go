package data

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"galvani/engine/cite"
)

// TestFromFiles holds that the tasks that need a folder of files are those that say so.
func TestFromFiles(t *testing.T) {
	for _, e := range All() {
		if _, err := e.New().Open(Env{Seed: 1}); (err != nil) != e.FromFiles() || err != nil && !strings.Contains(err.Error(), "--data-dir") {
			t.Errorf("%s: from files %v, but without a folder: %v", e.Name, e.FromFiles(), err)
		}
	}
}

// TestKeys holds the settings of every task to the rules that the command line relies on:
// documented, bounded, defaults inside their bounds, no name that a model or the engine uses.
func TestKeys(t *testing.T) {
	reserved := []string{"dt", "tau_s", "tau_l", "syn_kernel", "signs", "hidden", "step", "graph", "gamma_max", "learn",
		"epochs", "batch", "lr", "optimizer", "seed", "device", "backend", "clip", "model", "task", "data_dir"}
	for _, e := range All() {
		if e.Doc == "" || e.Source == "" {
			t.Errorf("%s: no doc or no source", e.Name)
		}
		if err := cite.CheckAll(e.Source, e.References); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		c := e.New()
		if err := check(e.Name, c); err != nil {
			t.Errorf("%s: defaults: %v", e.Name, err)
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(c).Elem()) {
			if !f.IsExported() || f.Anonymous {
				continue
			}
			key := f.Tag.Get("toml")
			if key == "" || f.Tag.Get("doc") == "" {
				t.Errorf("%s: field %s has no key or no doc", e.Name, f.Name)
			}
			if slices.Contains(reserved, key) {
				t.Errorf("%s: key %s is taken", e.Name, key)
			}
			v := reflect.ValueOf(c).Elem().FieldByIndex(f.Index)
			if v.Kind() == reflect.Bool {
				continue
			}
			if f.Tag.Get("unit") == "" {
				t.Errorf("%s: key %s has no unit", e.Name, key)
			}
			if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String {
				v = v.Index(0)
			}
			if v.Kind() == reflect.String {
				old := v.String()
				v.SetString("no such word")
				_, err := c.Open(Env{})
				if !errors.Is(err, ErrConfig) {
					t.Errorf("%s: %s outside its words: error is %v, want ErrConfig", e.Name, key, err)
				}
				v.SetString(old)
				continue
			}
			for _, bound := range []string{"min", "max"} {
				text := f.Tag.Get(bound)
				limit, err := strconv.ParseFloat(text, 64)
				if err != nil {
					t.Errorf("%s: key %s has no %s", e.Name, key, bound)
					continue
				}
				old := reflect.ValueOf(v.Interface())
				beyond := math.Nextafter(limit, math.Inf(1))
				if bound == "min" {
					beyond = math.Nextafter(limit, math.Inf(-1))
				}
				if v.Kind() == reflect.Slice {
					v.Set(reflect.ValueOf([]float64{limit, beyond}))
				} else if v.CanInt() {
					v.SetInt(int64(limit) + int64(math.Copysign(1, beyond-limit)))
				} else {
					v.SetFloat(beyond)
				}
				_, err = c.Open(Env{})
				if !errors.Is(err, ErrConfig) {
					t.Errorf("%s: %s beyond its %s: error is %v, want ErrConfig", e.Name, key, bound, err)
				} else {
					wantOneLine(t, err, "data: "+e.Name+": "+key+" is ", ", want "+f.Tag.Get("min")+" to "+f.Tag.Get("max"))
				}
				v.Set(old)
			}
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct {
		task string
		set  func(Config)
		says string
	}{
		{"looming", func(c Config) { c.(*Looming).Coherence = 120 }, "data: looming: coherence is 120, want 0 to 100"},
		{"looming", func(c Config) { c.(*Looming).Background = math.NaN() }, "data: looming: background is NaN, want 0 to 1"},
		{"looming-ttc", func(c Config) { c.(*Looming).LvMin = 90 }, "data: looming-ttc: lv_min is 90, want at most lv_max = 80"},
		{"adding", func(c Config) { c.(*Adding).MinSteps = 101 }, "data: adding: min_steps is 101, want 0 or 2 to steps = 100"},
		{"adding", func(c Config) { c.(*Adding).MinSteps = 1 }, "data: adding: min_steps is 1, want 0 or 2 to steps = 100"},
		{"copy", func(c Config) { c.(*Copy).TestSize = 0 }, "data: copy: test_size is 0, want 1 to 100000000"},
		{"chain", func(c Config) { c.(*Chain).HoldMs = 0.5 }, "data: chain: hold_ms is 0.5, want at least step_ms = 1"},
		{"go-nogo", func(c Config) { c.(*GoNoGo).StimulusMs = 0 }, "data: go-nogo: stimulus_ms is 0, want at least step_ms = 100"},
		{"anti-reach", func(c Config) { c.(*AntiReach).Ring = 5 }, "data: anti-reach: ring is 5, and no channel is opposite to another"},
		{"anti-reach", func(c Config) { c.(*AntiReach).DecisionMs = 9 }, "data: anti-reach: decision_ms is 9"},
		{"interval-discrimination", func(c Config) { c.(*IntervalDiscrimination).StimulusMax = 310 }, "stimulus_max is 310, want a step of step_ms = 80 more than stimulus_min = 300"},
		{"interval-discrimination", func(c Config) { c.(*IntervalDiscrimination).DelayMin = 2000 }, "delay_min is 2000, want at most delay_max = 1500"},
		{"delay-comparison", func(c Config) { c.(*DelayComparison).StimulusMs = 1 }, "data: delay-comparison: stimulus_ms is 1"},
		{"paired-association", func(c Config) { c.(*PairedAssociation).DecisionMs = 1 }, "data: paired-association: decision_ms is 1"},
		{"perceptual", func(c Config) { c.(*Perceptual).Coherences = nil }, "data: perceptual: coherences is [], want at least one value"},
		{"perceptual", func(c Config) { c.(*Perceptual).Coherences[1] = math.NaN() }, "coherences is NaN, want 0 to 100"},
		{"perceptual", func(c Config) { c.(*Perceptual).StimulusMs = 99 }, "data: perceptual: stimulus_ms is 99, want at least step_ms = 100"},
		{"perceptual", func(c Config) { c.(*Perceptual).DecisionMs = 0 }, "data: perceptual: decision_ms is 0, want at least step_ms = 100"},
		{"perceptual", func(c Config) { c.(*Perceptual).StepMs, c.(*Perceptual).DelayMs = 0.1, 1e5 },
			"data: perceptual: a trial is up to 1022000 steps of step_ms = 0.1, want at most 100000"},
		{"context", func(c Config) { c.(*Context).StimulusMs = 50 }, "data: context: stimulus_ms is 50, want at least step_ms = 100"},
		{"context", func(c Config) { c.(*Context).DecisionMs = 50 }, "data: context: decision_ms is 50, want at least step_ms = 100"},
		{"context", func(c Config) { c.(*Context).DelayMin = 3001 }, "data: context: delay_min is 3001, want at most delay_max = 3000"},
		{"dms", func(c Config) { c.(*DelayMatch).SampleMs = 0 }, "data: dms: sample_ms is 0, want at least step_ms = 100"},
		{"dms", func(c Config) { c.(*DelayMatch).TestMs = 0 }, "data: dms: test_ms is 0, want at least step_ms = 100"},
		{"dms", func(c Config) { c.(*DelayMatch).DecisionMs = 0 }, "data: dms: decision_ms is 0, want at least step_ms = 100"},
		{"multisensory", func(c Config) { c.(*Multisensory).StimulusMs = 0 }, "data: multisensory: stimulus_ms is 0, want at least step_ms = 100"},
		{"multisensory", func(c Config) { c.(*Multisensory).DecisionMs = 0 }, "data: multisensory: decision_ms is 0, want at least step_ms = 100"},
		{"ready-set-go", func(c Config) { c.(*ReadySetGo).ReadyMs = 79 }, "data: ready-set-go: ready_ms is 79, want at least step_ms = 80"},
		{"ready-set-go", func(c Config) { c.(*ReadySetGo).SetMs = 79 }, "data: ready-set-go: set_ms is 79, want at least step_ms = 80"},
		{"ready-set-go", func(c Config) { c.(*ReadySetGo).MeasureMin = 1501 }, "data: ready-set-go: measure_min is 1501, want at most measure_max = 1500"},
		{"ready-set-go", func(c Config) { c.(*ReadySetGo).ReadyMs = 900 }, "data: ready-set-go: measure_min is 800, want at least ready_ms = 900"},
		{"ready-set-go", func(c Config) { c.(*ReadySetGo).Gain = 0.05 },
			"data: ready-set-go: the shortest interval to produce is 0 steps, want at least the 1 of set_ms = 83"},
		{"mnist-rows", func(c Config) { c.(*MNIST).TrainLimit = -1 }, "data: mnist-rows: train_limit is -1, want 0 to 100000000"},
		{"mnist-rows", func(c Config) { c.(*MNIST).Collection = "emnist" }, "data: mnist-rows: collection is \"emnist\", want one of auto, mnist, fashion, kmnist"},
		{"mnist-permuted", func(Config) {}, "data: mnist-permuted reads files, and no folder of them is known"},
		{"cifar10-rows", func(Config) {}, "data: cifar10-rows reads files, and no folder of them is known"},
		{"recordings", func(Config) {}, "data: recordings reads files, and no folder of them is known"},
	} {
		e, err := Lookup(c.task)
		if err != nil {
			t.Fatal(err)
		}
		cfg := e.New()
		c.set(cfg)
		_, err = cfg.Open(Env{})
		if !errors.Is(err, ErrConfig) {
			t.Errorf("error is %v, want ErrConfig", err)
		}
		wantOneLine(t, err, c.says)
	}
}

// TestRegistry holds that New gives a configuration of its own each time.
func TestRegistry(t *testing.T) {
	for _, e := range All() {
		if e.New() == e.New() {
			t.Errorf("%s: New gives the same settings twice", e.Name)
		}
	}
}
