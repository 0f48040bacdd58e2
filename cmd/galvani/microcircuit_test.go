package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/models/rules"
)

// TestMicrocircuit trains the cortical circuit on bars by both of its rules: neurons that look ahead learn the task at
// presentations of twice their time constant, others do not. A run in two parts has the bits of one, also with
// low-passed changes of weights and with spikes; and the commands on a trained network tell of it.
func TestMicrocircuit(t *testing.T) {
	t.Parallel()
	runs := t.TempDir()
	train := func(more ...string) string {
		given := []string{"train", "--model", "microcircuit", "--task", "bars", "--runs-dir", runs, "--plots", "none", "--quiet", "--eval-every", "1600", "--checkpoint-every", "1600"}
		return strings.TrimSpace(galvani(t, append(given, more...)...).ok(t).stdout)
	}
	last := func(dir, name string) float64 {
		rows := metricsOf(t, dir)
		return rows[len(rows)-1].Values[name]
	}
	ahead := train("--rule", "latent-equilibrium", "--epochs", "200", "--seed", "3")
	if a := last(ahead, "test_accuracy"); a != 1 {
		t.Errorf("by latent-equilibrium %.0f %% of the bars are told apart, want all", 100*a)
	}
	if a := last(train("--rule", "sacramento", "--epochs", "200", "--seed", "3"), "test_accuracy"); a > 0.7 {
		t.Errorf("by sacramento %.0f %% of the bars are told apart, want most of them wrong", 100*a)
	}
	for _, more := range [][]string{{"--tau-w", "30", "--rate-pi", "0.1", "--self-predicting=false"}, {"--batch", "3", "--tau-in", "1"},
		{"--t-pres", "2", "--gamma", "250", "--population", "10", "--refractory", "1", "--reads", "spikes", "--delay", "0.5", "--tau-syn", "2", "--sigma", "0.1"}} {
		more = append(more, "--epochs", "3", "--rule", "sacramento")
		whole, parts := train(more...), train(append(more, "--max-steps", "5")...)
		galvani(t, "train", "--resume", parts, "--max-steps", "0", "--quiet").ok(t)
		sameWeights(t, strings.Join(more, " "), parts, whole)
	}
	if v := last(ahead, "self_apical_layer1"); v <= 0 {
		t.Errorf("the last evaluation tells an apical potential of %v", v)
	}
	if o := galvani(t, "eval", ahead, "--json").ok(t); !strings.Contains(strings.ReplaceAll(o.stdout, " ", ""), `"accuracy":1}`) {
		t.Errorf("eval --json tells another accuracy: %s", o.stdout)
	}
	exports(t, ahead, "layer1.pi,")
	galvani(t, "trace", ahead, "--out", filepath.Join(t.TempDir(), "t.safetensors")).ok(t)
	galvani(t, "fixedpoints", ahead).refused(t, exitConfig, "model microcircuit has none")
}

// TestLeaky trains leaky units on bars by both of their rules, with the same outcome as of circuits, holds that a run goes
// on from a checkpoint bit for bit, and that eval and trace read it.
func TestLeaky(t *testing.T) {
	t.Parallel()
	runs := t.TempDir()
	train := func(more ...string) string {
		given := []string{"train", "--model", "leaky", "--task", "bars", "--runs-dir", runs, "--plots", "none", "--quiet", "--eval-every", "200", "--checkpoint-every", "200"}
		return strings.TrimSpace(galvani(t, append(given, more...)...).ok(t).stdout)
	}
	whole, parts := train("--epochs", "5", "--batch", "3"), train("--epochs", "5", "--batch", "3", "--max-steps", "7")
	galvani(t, "train", "--resume", parts, "--max-steps", "0", "--quiet").ok(t)
	sameWeights(t, "resumed", parts, whole)
	for rule, want := range map[string]bool{"latent-equilibrium": true, "predictive-coding": false} {
		dir := train("--rule", rule, "--seed", "3")
		if o := galvani(t, "eval", dir, "--json").ok(t); strings.Contains(strings.ReplaceAll(o.stdout, " ", ""), `"accuracy":1}`) != want {
			t.Errorf("%s: all bars are told apart: %t, want %t: %s", rule, !want, want, o.stdout)
		}
		galvani(t, "trace", dir, "--out", filepath.Join(t.TempDir(), "t.safetensors")).ok(t)
	}
}

// TestLeakySequences holds that leaky units learn by generalised latent equilibrium what a chain of others makes of a signal,
// which units that pass on at once cannot; that a run of sequences goes on from a checkpoint bit for bit, with time
// constants that are learned; and what is refused.
func TestLeakySequences(t *testing.T) {
	t.Parallel()
	runs := t.TempDir()
	short := []string{"train", "--model", "leaky", "--task", "chain", "--runs-dir", runs, "--plots", "none", "--steps", "100", "--train-size", "160", "--test-size", "20"}
	train := func(more ...string) string {
		given := append(slices.Clone(short), "--quiet", "--eval-every", "10", "--checkpoint-every", "10", "--epochs", "5")
		return strings.TrimSpace(galvani(t, append(given, more...)...).ok(t).stdout)
	}
	loss := func(dir string) float64 {
		rows := metricsOf(t, dir)
		return rows[len(rows)-1].Values["test_loss"]
	}
	whole, parts := train("--schedule", "constant"), train("--schedule", "constant", "--max-steps", "25")
	galvani(t, "train", "--resume", parts, "--max-steps", "0", "--quiet").ok(t)
	sameWeights(t, "resumed", parts, whole)
	lags, atOnce := loss(whole), loss(train("--schedule", "constant", "--prospective", "1", "--lag-out=false"))
	if lags > atOnce/3 {
		t.Errorf("the error is %.3g, and %.3g of units that pass on at once: want less than a third", lags, atOnce)
	}
	galvani(t, "trace", whole, "--out", filepath.Join(t.TempDir(), "t.safetensors")).ok(t)
	galvani(t, append(short, "--rule", "latent-equilibrium")...).refused(t, exitConfig, "reads its input in one step, and task chain has 100")
	galvani(t, "train", "--model", "leaky", "--task", "perceptual", "--rule", "generalised-latent-equilibrium").refused(t, exitConfig, "those of task perceptual are trials")
	galvani(t, append(short, "--tau-max", "1")...).refused(t, exitConfig, "tau_max is 1 ms, want at least tau_m")
	o := galvani(t, "rules", "show", "generalised-latent-equilibrium").ok(t)
	for _, want := range []string{"procedures are registered for patent protection", "--task chain --rule generalised-latent-equilibrium"} {
		if !strings.Contains(strings.Join(strings.Fields(o.stdout), " "), want) {
			t.Errorf("rules show lacks %q:\n%s", want, o.stdout)
		}
	}
}

// TestMicrocircuitRefuses holds the lines about what does not fit a circuit.
func TestMicrocircuitRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"--t-pres 0.04":                 "t_pres is 0.04 ms, shorter than a step of dt = 0.1 ms",
		"--rule two-sweeps --t-pres 5":  `key "t_pres" has no effect: it needs rule != two-sweeps`,
		"--dt 10":                       "take dt of at most",
		"--rate-up 1,2,3":               "rate_up has 3 values, want 1, or one for each of 2 layers",
		"--rule backprop":               `key "rule" is "backprop", want one of latent-equilibrium, sacramento, two-sweeps`,
		"--optimizer sgd":               `key "optimizer" has no effect: it needs updates = by gradient`,
		"--hessian 5":                   `key "hessian" has no effect: it needs updates = by gradient`,
		"--gamma 250 --activation tanh": "rates of tanh may be negative, and neurons cannot fire at those",
		"--population 3":                `key "population" has no effect: it needs gamma > 0`,
		"--onset 10":                    "ends before weights change",
		"--weight-decay 0.1":            `key "weight_decay" has no effect`,
		"--shards 2":                    "take shards = 1",
		"--feedback-scale 0.1":          "it belongs to model mlp",
	} {
		galvani(t, append([]string{"train", "--model", "microcircuit", "--task", "bars", "--runs-dir", t.TempDir()}, strings.Fields(args)...)...).refused(t, exitConfig, want)
	}
	galvani(t, "train", "--model", "leaky", "--task", "bars", "--t-pres", "0.04").refused(t, exitConfig, "t_pres is 0.04 ms, shorter than a step of dt = 0.1 ms")
	galvani(t, "train", "--model", "leaky", "--task", "bars", "--activation", "relu", "--lr", "1000", "--epochs", "1", "--plots", "none", "--runs-dir", t.TempDir()).refused(t, exitNumerical, "layer1.u holds")
	galvani(t, "train", "--model", "mlp", "--task", "bars", "--rule", "sacramento").refused(t, exitConfig, `key "rule" is "sacramento", want one of backprop`)
	o := galvani(t, "rules", "show", "latent-equilibrium").ok(t)
	if !strings.Contains(strings.Join(strings.Fields(o.stdout), " "), "procedures are registered for patent protection") {
		t.Errorf("rules show latent-equilibrium does not speak of the patent:\n%s", o.stdout)
	}
}

// TestRulesLearnAsShown runs what rules show offers for each rule of networks that are stepped in time, and holds that the network
// learns its task.
func TestRulesLearnAsShown(t *testing.T) {
	t.Parallel()
	for _, r := range rules.All() {
		if r.Models[0] == "mlp" {
			continue // these learn mnist, whose files a test need not have
		}
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			_, line, found := strings.Cut(galvani(t, "rules", "show", r.Name).ok(t).stdout, "Train with it: galvani ")
			if !found {
				t.Fatal("no command is shown")
			}
			more := append(strings.Fields(line), "--runs-dir", t.TempDir(), "--plots", "none", "--quiet", "--threads", "1")
			rows := metricsOf(t, strings.TrimSpace(galvani(t, more...).ok(t).stdout))
			last := rows[len(rows)-1].Values
			if a, classes := last["test_accuracy"]; classes && a != 1 {
				t.Errorf("%s: accuracy %.0f %%, want all of the bars", line, 100*a)
			}
			if loss := last["test_loss"]; r.Temporal && !(loss > 0 && loss < 0.187/10) {
				t.Errorf("%s: loss %v, want less than a tenth of that of the best constant", line, loss)
			}
		})
	}
}
