package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/data"
	"galvani/engine/safetensors"
	"galvani/engine/setting"

	"github.com/spf13/pflag"
)

// TestWrongCommandLines holds the exit code and the words of what is refused: one line on stderr that
// names what is wrong, nothing on stdout, no stack, no usage, and no run directory.
func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := func(name, text string) string {
		return written(t, filepath.Join(folder, name), text)
	}
	first, second := file("first.toml", "lr = 0.1\n"), file("second.toml", "lr = \"much\"\n")
	mask := file("mask.txt", "0 1\n1 2\n")
	run := copyOfRun(t)
	arrays := arrayFiles(t, safetensors.Float32("x", []int{2, 4, 1}, make([]float32, 8)), safetensors.Int64("label", []int{3}, make([]int64, 3)))
	train := func(more ...string) []string { return append([]string{"train", "--max-steps", "1"}, more...) }
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		// The line itself.
		{[]string{"trian"}, exitUsage, `unknown command "trian"; did you mean "train"?`},
		{[]string{"models", "lst"}, exitUsage, `unknown command "lst"; did you mean "list"?`},
		{[]string{"help", "trian"}, exitUsage, `unknown command "trian"; did you mean "train"?`},
		{[]string{"help", "models", "lst"}, exitUsage, `unknown command "lst"; did you mean "list"?`},
		{[]string{"completion", "fihs"}, exitUsage, `unknown command "fihs"; did you mean "fish"?`},
		{[]string{"simulate", "hh", "--for", "2"}, exitUsage, `--for is "2", want a time with its unit, such as 500ms or 2s`},
		{[]string{"simulate", "balanced", "--r-x", "-5"}, exitConfig, "--r-x is -5, want 0 to 1000"},
		{[]string{"simulate", "hh", "--current", "step 10"}, exitConfig, "times in ms"},
		{[]string{"gradcheck", "lstm", "--batch", "99999999"}, exitConfig, "B=99999999"},
		{[]string{"data", "events", "looming", "--out", "x", "--threshold", "0"}, exitConfig, "--threshold: data: threshold of change 0 is 0"},
		{[]string{"data", "events", "looming", "--out", filepath.Join(folder, "none", "x")}, exitIO, "there is no folder " + filepath.Join(folder, "none")},
		{train("--runs-dir", ""), exitConfig, `key "runs_dir" is empty`},
		{[]string{"models", "show"}, exitUsage, "galvani models show needs NAME"},
		{[]string{"eval"}, exitUsage, "galvani eval needs RUN"},
		{[]string{"version", "now"}, exitUsage, `unexpected argument "now"`},
		{[]string{"version", "--jsn"}, exitUsage, `unknown flag "--jsn"; did you mean "--json"?`},
		{[]string{"version", "-x"}, exitUsage, "unknown shorthand flag"},
		{[]string{"version", "--json=perhaps"}, exitUsage, `--json is "perhaps", want true or false`},
		{train("--lr"), exitUsage, "flag needs an argument: --lr"},
		{train("looming"), exitUsage, `unexpected argument "looming"; is --task looming meant?`},
		{train("lr=0.1"), exitUsage, `unexpected argument "lr=0.1"; is --lr 0.1 meant?`},
		{[]string{"perturb", run}, exitUsage, "needs one of --silence"},
		// Names.
		{[]string{"models", "show", "crn"}, exitConfig, `unknown model "crn"; did you mean "crnn"?`},
		{[]string{"tasks", "show", "ading"}, exitConfig, `unknown task "ading"; did you mean "adding"?`},
		{[]string{"data", "fetch", "mnst"}, exitConfig, `unknown data set "mnst"; did you mean "mnist"?`},
		{train("--model", "crn"), exitConfig, `unknown model "crn"; did you mean "crnn"?`},
		{train("--model", "rnn", "--tau-s", "3"), exitConfig, `unknown key "tau_s"`},
		{train("--model", "crnn", "--l2", "recurrent=1"), exitConfig, `l2 names recurrent, and this model learns none of them; leave it out, or name some of cell.U_exc`},
		{train("--task", "cifar"), exitConfig, `unknown task "cifar"; did you mean "cifar10"?`},
		{train("--task", "zebra"), exitConfig, `unknown task "zebra"; known: adding, `},
		{train("--weight-decay", "0.1", "--decay-on", "gama"), exitConfig, `decay_on names "gama", want matrices, all or some of cell.U_exc`},
		// Names of other programs.
		{train("--batch-size", "8"), exitUsage, `unknown flag "--batch-size"; here it is "--batch"`},
		{train("--N_rec", "8"), exitUsage, `unknown flag "--N_rec"; here it is "--hidden"`},
		{train("--task", "PerceptualDecisionMaking-v0"), exitConfig, `unknown task "PerceptualDecisionMaking-v0"; here it is "perceptual"`},
		{train("--model", "nn.LSTM"), exitConfig, `unknown model "nn.LSTM"; here it is "lstm"`},
		{train("--config", file("lightning.toml", "max_epochs = 3\n")), exitConfig, `unknown key "max_epochs"; here it is "epochs"`},
		{[]string{"predict", run}, exitUsage, `unknown command "predict"; here it is "trace"`},
		// Values.
		{[]string{"models", "show", "crnn", "--hidden", "0"}, exitConfig, "--hidden is 0, want 1 to 65536"},
		{[]string{"models", "show", "lstm", "--layers", "999999999"}, exitConfig, "--layers is 999999999, want 1 to 64"},
		{[]string{"models", "show", "lstm", "--inputs", "999999999"}, exitConfig, "--inputs is 999999999"},
		{[]string{"gradcheck", "crnn", "--batch", "0"}, exitConfig, "B=0, want at least 1"},
		{train("--hidden", "-3"), exitConfig, `key "hidden" is -3, want 1 to 65536`},
		{train("--schedule", "cosin"), exitConfig, `key "schedule" is "cosin", want one of constant`},
		{train("--validation", "1"), exitConfig, `key "validation" is 1, want 0 to 0.9`},
		{train("--memory", "8 parsecs"), exitConfig, `key "memory" is "8 parsecs"`},
		{train("--model", "rnn", "--dale", "--ei-ratio", "1.5"), exitConfig, `key "ei_ratio" is 1.5, want 0 to 1`},
		// Values that do not go together.
		{train("--nesterov"), exitConfig, `key "nesterov" has no effect: it needs optimizer = sgd`},
		{train("--optimizer", "sgd", "--beta1", "0.5"), exitConfig, `key "beta1" has no effect`},
		{train("--warmup", "0.3"), exitConfig, `key "warmup" has no effect: it needs schedule = cosine or onecycle`},
		{train("--ei-ratio", "0.5"), exitConfig, `key "ei_ratio" has no effect: it needs dale = true`},
		{train("--irregular"), exitConfig, `key "irregular" has no effect: it needs bin_ms > 0`},
		{[]string{"trian", "--epochs", "3"}, exitUsage, `unknown command "trian"; did you mean "train"?`},
		{train("--stateful"), exitConfig, `key "stateful" has no effect: it needs continued = true, a key of task file`},
		{train("--decay-on", "all"), exitConfig, `key "decay_on" has no effect: it needs weight_decay > 0`},
		{train("--dale"), exitConfig, "crnn has no dense recurrent matrix"},
		{train("--model", "rnn", "--rec-mask", "nowhere.txt"), exitData, "rec_mask: stat nowhere.txt: no such file or directory"},
		{[]string{"gradcheck", "--model", "rnn"}, exitUsage, `unknown flag "--model"; known: --batch, `},
		{train("--model", "rnn", "--hidden", "2", "--rec-mask", mask), exitConfig, `line 2: "2", want 0 or 1`},
		{train("--model", "rnn", "--dale", "--ei-ratio", "0", "--readout-from", "E"), exitConfig, "makes none of 64 units excitatory"},
		{train("--device", "cuda", "--backend", "graph"), exitConfig, "computes on the CPU"},
		{train("--config", first, "--config", second), exitConfig, `second.toml: bad configuration: key "lr" is "much"`},
		{[]string{"train", "--resume", run, "--config", first}, exitConfig, "leave out --config"},
		{[]string{"train", "--resume", run, "--validation", "0.2"}, exitConfig, `key "validation" belongs to the run and cannot change`},
		{train("--freeze", "recurent"), exitConfig, `no parameter "recurent", want all, cell, input, recurrent`},
		{train("--freeze", "cell,readout"), exitConfig, "all parameters are frozen"},
		{train("--init-parts", "cell"), exitConfig, `key "init_parts" has no effect: it needs a value of init_from, which is empty`},
		{train("--init-from", run, "--init-parts", "cells"), exitConfig, `init_parts: models: crnn has no parameter "cells"`},
		{train("--init-from", run, "--init-map", "fc.weight"), exitConfig, `init_map holds "fc.weight", want PARAMETER=TENSOR`},
		{train("--init-from", run, "--hidden", "7"), exitData, "of the network is ["},
		{train("--init-from", run, "--model", "gru"), exitData, "there is no tensor for cell.weight_ih_l0"},
		{train("--init-from", first), exitData, "first.toml is to be a safetensors file, which PyTorch writes with"},
		// Layers, curricula, sweeps, exports, analyses.
		{train("--model", "rnn", "--hidden", "12,8", "--layers", "3"), exitConfig, "hidden gives the sizes of 2 layers, and there are 3; give a size for each, or one for all"},
		{train("--model", "rnn", "--hidden", "12,"), exitConfig, `key "hidden" is "", want an integer`},
		{train("--model", "rnn", "--layer-cells", "lstn"), exitConfig, `key "layer_cells": unknown model "lstn"`},
		{train("--model", "rnn", "--layer-cells", "lstm", "--layers", "2"), exitConfig, `key "layer_cells" has no effect: it needs layers = 1`},
		{train("--model", "rnn", "--layer-norm"), exitConfig, `key "layer_norm" has no effect: it needs number of layers > 1`},
		{train("--model", "rnn", "--dropout", "0.2"), exitConfig, `key "dropout" has no effect: it needs number of layers > 1`},
		{train("--model", "rnn", "--bidirectional", "--task", "perceptual"), exitConfig, "asks at every step; leave out bidirectional"},
		{train("--task", "perceptual", "--curriculum", "500"), exitConfig, `level 1 of the curriculum, "500": bad configuration: a value without a key, want KEY=VALUE`},
		{train("--task", "perceptual", "--curriculum", "dely_ms=0"), exitConfig, `unknown key "dely_ms"; did you mean "delay_ms"?`},
		{train("--task", "adding", "--curriculum", "steps=20"), exitConfig, "give the loss that ends a level of the curriculum with --curriculum-threshold"},
		{train("--task", "perceptual", "--curriculum", "delay_ms=0", "--curriculum-threshold", "90"), exitConfig, "and an accuracy is at most 1"},
		{train("--curriculum-threshold", "0.8"), exitConfig, `key "curriculum_threshold" has no effect: it needs a value of curriculum`},
		{[]string{"sweep", file("no-values.toml", "[grid]\nlr = []\n"), "--out", folder}, exitConfig, "grid: lr has no values, want a list such as [1, 2]"},
		{[]string{"sweep", file("empty.toml", ""), "--out", folder}, exitConfig, "it varies nothing; add a table [grid]"},
		{[]string{"sweep", file("unknown.toml", "[gird]\nlr = [1]\n"), "--out", folder}, exitConfig, `"gird"`},
		{[]string{"sweep", file("random.toml", "[random]\nsamples = 2\nlr = [2, 1, \"log\"]\n"), "--out", folder}, exitConfig, "lr is from 2 to 1"},
		{[]string{"export", run, "--to", "hdf5"}, exitConfig, `--to is "hdf5", want one of`},
		{[]string{"export", run, "--to", "onnx"}, exitConfig, "not a network that ONNX has an operator for; want one of gru, irnn, lstm, mlp, rnn"},
		{[]string{"analyse", run, "--by", "size"}, exitUsage, `--by is "size", want one of class, coherence, task`},
		{[]string{"analyse", run, "--perturb", "-1"}, exitUsage, "--perturb holds -1, want factors of 0 or more"},
		{[]string{"analyse", run, "--against", filepath.Join(folder, "none")}, exitConfig, "none"},
		{[]string{"report", filepath.Join(folder, "none")}, exitData, "none"},
		{[]string{"watch", run, "--port", "70000"}, exitUsage, "--port is 70000, want 0 to 65535"},
		// What is not there.
		{train("--init-from", filepath.Join(folder, "none")), exitData, "none: no such file"},
		{train("--init-from", folder), exitConfig, "has no folder checkpoints"},
		{[]string{"train", "--resume", filepath.Join(folder, "none")}, exitConfig, "none"},
		{[]string{"eval", folder}, exitConfig, filepath.Base(folder)},
		{train("--task", "mnist-rows", "--data-dir", folder), exitData, "galvani data fetch mnist"},
		{[]string{"eval", run, "--checkpoint", first}, exitData, "first.toml"},
		{train("--task", "file", "--data-dir", folder), exitData, "train.npz: the file is missing, want train.npz"},
		{train("--task", "file", "--data-dir", first), exitIO, "first.toml/data.toml: not a directory; give a folder"},
		{train("--task", "file", "--test-part", "2"), exitConfig, `key "test_part" is 2, want 0 to 0.9`},
		{train("--task", "file", "--data-dir", arrays), exitData, "array label is [3], want [2,4] or [2], as x is [2,4,1]; sequences come first"},
		{train("--device", "cuda:7"), exitDevice, "use --device cpu"},
		{train("--runs-dir", filepath.Join(first, "runs")), exitIO, "first.toml"},
	} {
		t.Run(strings.ReplaceAll(strings.Join(tt.args, " "), folder, ""), func(t *testing.T) {
			runs, line := t.TempDir(), tt.args
			if line[0] == "train" && !strings.Contains(strings.Join(line, " "), "--runs-dir") && line[1] != "--resume" {
				line = append([]string{"train", "--runs-dir", runs}, line[1:]...)
			}
			o := galvani(t, line...)
			o.refused(t, tt.code, tt.want)
			if o.stdout != "" || strings.Count(o.stderr, "\n") != 1 {
				t.Errorf("stdout %q, stderr %q; want one line on stderr alone", o.stdout, o.stderr)
			}
			if left, _ := os.ReadDir(runs); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// TestElsewhere: what other programs call otherwise stands for a command, a flag of train, a model or a task.
func TestElsewhere(t *testing.T) {
	known := map[string]bool{}
	for _, c := range newRoot(nil).Commands() {
		known[c.Name()] = true
		if c.Name() == "train" {
			c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		}
	}
	for _, name := range slices.Concat(modelNames(), data.Names()) {
		known[name] = true
	}
	for theirs, ours := range setting.Elsewhere {
		if !known[ours] || known[theirs] {
			t.Errorf("%s stands for %s, want a name that is not here for one that is", theirs, ours)
		}
	}
}
