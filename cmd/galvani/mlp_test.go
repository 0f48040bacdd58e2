package main

import (
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"galvani/models/rules"
)

// digits writes files of MNIST's format with random pictures, and returns their folder.
func digits(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(5, 6))
	for half, n := range map[string]int{"train": 40, "t10k": 10} {
		images, labels := binary.BigEndian.AppendUint32(nil, 0x803), binary.BigEndian.AppendUint32(nil, 0x801)
		for _, v := range []uint32{uint32(n), 28, 28} {
			images = binary.BigEndian.AppendUint32(images, v)
		}
		labels = binary.BigEndian.AppendUint32(labels, uint32(n))
		for i := range n {
			labels = append(labels, byte(i%10))
			for range 28 * 28 {
				images = append(images, byte(r.IntN(256)))
			}
		}
		for name, data := range map[string][]byte{"-images-idx3-ubyte": images, "-labels-idx1-ubyte": labels} {
			written(t, filepath.Join(dir, half+name), data)
		}
	}
	return dir
}

// TestMLP trains a layered network by every rule, and holds what a run leaves: angles and curvature at every
// evaluation, settings, a checkpoint from which it goes on bit for bit; and what the commands on a trained network say of it.
func TestMLP(t *testing.T) {
	t.Parallel()
	data, runs := digits(t), t.TempDir()
	train := func(more ...string) string {
		given := []string{"train", "--model", "mlp", "--task", "mnist", "--hidden", "6,5", "--data-dir", data, "--runs-dir", runs, "--batch", "8", "--plots", "none", "--quiet"}
		return strings.TrimSpace(galvani(t, append(given, more...)...).ok(t).stdout)
	}
	for _, rule := range rules.For("mlp") {
		dir := train("--rule", rule, "--epochs", "2", "--device", "cpu", "--hessian", "3")
		angles, bent := 0, 0
		for _, row := range metricsOf(t, dir) {
			if a, ok := row.Values["angle_layer1"]; ok && a >= 0 && row.Values["norm_ratio_layer1"] > 0 {
				angles++
			}
			if v, ok := row.Values["hessian_largest"]; ok && v > row.Values["hessian_smallest"] {
				bent++
			}
		}
		if bent != 2 {
			t.Errorf("%s: %d evaluations tell the ends of the spectrum of the Hessian, want 2", rule, bent)
		}
		if want := map[bool]int{true: 0, false: 2}[rule == "backprop"]; angles != want {
			t.Errorf("%s: %d evaluations tell the angle of layer 1, want %d", rule, angles, want)
		}
	}
	// A run of weight-mirror draws noise at every update; in two parts it has the bits of one, at a rate that does
	// not follow how long the run is to be.
	whole := train("--rule", "weight-mirror", "--epochs", "3", "--schedule", "constant")
	parts := train("--rule", "weight-mirror", "--epochs", "3", "--schedule", "constant", "--max-steps", "7")
	galvani(t, "train", "--resume", parts, "--max-steps", "0", "--quiet").ok(t)
	sameWeights(t, "resumed", parts, whole)
	galvani(t, "train", "--resume", parts, "--rule", "backprop").refused(t, exitConfig, `key "rule" belongs to the run and cannot change`)
	if o := galvani(t, "eval", whole, "--json").ok(t); !strings.Contains(o.stdout, `"confusion"`) {
		t.Errorf("eval --json has no confusion matrix: %s", o.stdout)
	}
	exports(t, whole, "layer2.feedback,")
	galvani(t, "trace", whole, "--out", filepath.Join(t.TempDir(), "t.safetensors")).ok(t)
	galvani(t, "fixedpoints", whole).refused(t, exitConfig, "looks at the state of recurrent cells, and model mlp has none")
	galvani(t, "perturb", whole, "--silence", "0.5").refused(t, exitConfig, "model mlp has none")
}

// TestMLPRefuses holds the lines about what does not fit a layered network.
func TestMLPRefuses(t *testing.T) {
	for _, c := range []struct {
		args string
		want string
	}{
		{"--model mlp --task adding", "model mlp reads its input in one step, and task adding has"},
		{"--model microcircuit --task copy", `key "delay" belongs to model microcircuit and to task copy; take a task of one step`},
		{"--model microcircuit --task perceptual", `key "sigma" belongs to model microcircuit and to task perceptual; take a task of one step`},
		{"--model mlp --task mnist --rule hebb", `key "rule" is "hebb", want one of backprop`},
		{"--model rnn --task adding --rule backprop", `unknown key "rule" for this choice; it belongs to model leaky, model microcircuit, model mlp`},
		{"--model mlp --task mnist --layers 2", `it belongs to recurrent cells`},
		{"--model mlp --task mnist --dale", `it belongs to wiring`},
		{"--model mlp --task mnist --hidden 500,0", `key "hidden" is 0, want 1 to 65536`},
		{"--model rnn --task adding --layers 3 --hidden 5,5", `hidden gives the sizes of 2 layers, and there are 3; give a size for each, or one for all`},
		{"--model mlp --task mnist --symmetry usf", "it needs rule = sign-symmetry"},
		{"--model mlp --task mnist --rule weight-mirror --optimizer adam --mirror-rate 2", "it needs optimizer = sgd"}, // others divide it away
		{"--model mpl --task mnist", `unknown model "mpl"; known: cond-fixed`},
	} {
		galvani(t, append([]string{"train", "--runs-dir", t.TempDir()}, strings.Fields(c.args)...)...).refused(t, exitConfig, c.want)
	}
	galvani(t, "rules", "show", "feedback-alignmnt").refused(t, exitConfig, `unknown rule "feedback-alignmnt"; did you mean "feedback-alignment"?`)
	galvani(t, "gradcheck", "mlp").refused(t, exitConfig, "model mlp is no recurrent cell")
}

// TestRulesShow holds that every rule tells its equations, what each synapse reads, and its source.
func TestRulesShow(t *testing.T) {
	for _, name := range rules.Names() {
		r := told[ruleReport](t, "rules", "show", name)
		if len(r.Audits) != len(r.Models) || r.Equations == "" || len(r.Reads) < 2 || r.Source == "" || r.Doc == "" {
			t.Errorf("rule %s lacks something: %+v", name, r)
		}
		if o := galvani(t, "rules", "show", name).ok(t); !strings.Contains(o.stdout, "What a synapse reads") {
			t.Errorf("rules show %s:\n%s", name, o.stdout)
		}
	}
}
