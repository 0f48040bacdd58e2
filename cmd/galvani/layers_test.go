package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/models"
)

// TestLayersTrain trains two layers of every model, of some on every backend: the same bits on three threads,
// with states recomputed to save memory, and after a stop as in a run that was not stopped.
func TestLayersTrain(t *testing.T) {
	for _, m := range models.All() {
		if ownUnits(m.Name) {
			continue // has one layer
		}
		several := slices.Contains([]string{"crnn", "lstm"}, m.Name) // planes of states
		for _, backend := range backends() {
			if backend == "graph" && hasScan() && !several {
				continue // which package models tries with layers of every cell
			}
			choice := []string{"--model", m.Name, "--layers", "2", "--backend", backend, "--max-steps", "4"}
			whole, what := trained(t, choice...), m.Name+", "+backend
			if backend == "scan" && several {
				sameWeights(t, what+", three threads", trained(t, args(choice, "--threads", "3")...), whole)
				sameWeights(t, what+", little memory", trained(t, args(choice, "--memory", "20000")...), whole)
			}
			sameResumed(t, what, whole, choice, "2", "4")
		}
	}
}

// TestLayersAreSeen looks at a run of two layers with every command that takes a run.
func TestLayersAreSeen(t *testing.T) {
	runs := t.TempDir()
	o := galvani(t, args(tiny, "--model", "gru", "--layers", "2", "--max-steps", "2", "--runs-dir", runs)...).ok(t)
	if !strings.Contains(o.stderr, "gru (2 layers of 8 units, ") {
		t.Errorf("train does not tell the layers: %s", o.stderr)
	}
	found, err := filepath.Glob(filepath.Join(runs, "*"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	dir, out := found[0], t.TempDir()
	galvani(t, "eval", dir).ok(t)
	galvani(t, "fixedpoints", dir, "--starts", "2", "--sequences", "2", "--iterations", "3").ok(t)
	galvani(t, "trace", dir, "--out", filepath.Join(out, "trace.safetensors")).ok(t)
	exports(t, dir, "\ncell.weight_ih_l1,23,7,")
	galvani(t, "train", "--resume", dir, "--layers", "1").refused(t, exitConfig, `key "layers" belongs to the run`)
	show := galvani(t, "models", "show", "lstm", "--layers", "3").ok(t).stdout
	for _, want := range []string{"cell.weight_hh_l2", "\nc_l1 ", "\nc "} {
		if !strings.Contains(show, want) {
			t.Errorf("models show lacks %q: %s", want, show)
		}
	}
	galvani(t, "gradcheck", "rate", "--layers", "2").ok(t)
	galvani(t, "gradcheck", "lstm", "--layers", "3", "--steps", "2").ok(t) // whose curvature is large beside a small gradient
	galvani(t, args(tiny, "--model", "rnn", "--layers", "2", "--dale")...).refused(t, exitConfig, "Dale's law holds within one layer")
	galvani(t, args(tiny, "--layers", "0")...).refused(t, exitConfig, "layers")
	galvani(t, "models", "show", "rnn", "--layers", "0").refused(t, exitConfig, "--layers is 0, want 1 to 64")
}

// TestLayerSizes trains layers of different sizes: the graph close to the scan, the same bits after a stop, names and shapes,
// a state that is learned, and every command takes the run.
func TestLayerSizes(t *testing.T) {
	sizes := []string{"--model", "lstm", "--hidden", "12,8", "--h0", "learned", "--layer-norm", "--max-steps", "6"}
	dir := trained(t, sizes...)
	for _, tensor := range latest(t, dir) {
		shapes := map[string][]int{"cell.weight_hh_l0": {48, 12}, "cell.weight_ih_l1": {32, 12}, "cell.weight_hh_l1": {32, 8},
			"cell.norm.weight_l1": {12}, "cell.h0": {12, 2}, "cell.h0_l1": {8, 2}}
		if shape, ok := shapes[tensor.Name]; ok && !slices.Equal(tensor.Shape, shape) {
			t.Errorf("%s is %v, want %v", tensor.Name, tensor.Shape, shape)
		}
	}
	resumesAsGraph(t, dir, sizes)
	plain, out := trained(t, "--model", "gru", "--hidden", "12,8", "--layers", "2", "--max-steps", "2"), t.TempDir()
	if o := galvani(t, "eval", plain).ok(t); !strings.Contains(o.stdout, "gru") {
		t.Errorf("eval: %s", o.stdout)
	}
	galvani(t, "fixedpoints", plain, "--starts", "2", "--sequences", "2", "--iterations", "3").ok(t)
	galvani(t, "analyse", plain, "--sequences", "8").ok(t)
	galvani(t, "report", plain).ok(t)
	galvani(t, "export", plain, "--to", "onnx", "--out", filepath.Join(out, "w.onnx")).ok(t)
	galvani(t, args(tiny, "--model", "gru", "--hidden", "12,8", "--max-steps", "1", "--init-from", plain, "--runs-dir", out)...).ok(t)
	loss := func(more ...string) float64 { return perturbJSON(t, plain, more...).Rows[1].Test.Loss }
	if all, last := loss("--silence", "1"), loss("--silence", "1", "--units", "12-19"); all != last {
		t.Errorf("silence of the last layer gives loss %v, of all units %v", last, all)
	}
	if usual := loss("--state-noise", "0"); loss("--state-noise", "0.5", "--units", "11") == usual || loss("--state-noise", "0.5", "--units", "19") == usual {
		t.Error("noise on the last unit of a layer changes nothing")
	}
	if r := perturbJSON(t, plain, "--scale", "2", "--units", "I", "--ei-ratio", "0.75"); !slices.Equal(r.Units, []int{9, 10, 11, 18, 19}) {
		t.Errorf("a quarter of each layer is units %v", r.Units)
	}
	if show := galvani(t, "models", "show", "gru", "--hidden", "12,8").ok(t).stdout; !strings.Contains(show, "[24 12]") || !strings.Contains(show, "H_l0") {
		t.Errorf("models show: %s", show)
	}
	galvani(t, args(tiny, "--model", "rnn", "--hidden", "")...).refused(t, exitConfig, `key "hidden" is [], want at least one value`)
	galvani(t, args(tiny, "--model", "rnn", "--hidden", "12,8", "--layer-cells", "lstm,gru")...).refused(t, exitConfig, "hidden gives the sizes of 2 layers, and there are 3")
	galvani(t, args(tiny, "--model", "rnn", "--hidden", "12,8", "--dale")...).refused(t, exitConfig, "Dale's law holds within one layer")
}

// TestPerturbLayers: units of the first layer act through the second alone, and those of the second on the
// read-out. Silence of both layers is that of all units.
func TestPerturbLayers(t *testing.T) {
	dir := trained(t, "--model", "lstm", "--layers", "2")
	loss := func(more ...string) float64 { return perturbJSON(t, dir, more...).Rows[1].Test.Loss }
	all := loss("--silence", "1")
	if got := loss("--silence", "1", "--units", "8-15"); got != all {
		t.Errorf("silence of the last layer gives loss %v, of all units %v", got, all)
	}
	if got := loss("--silence", "1", "--units", "0-7"); got == all {
		t.Errorf("silence of the first layer gives the loss of all, %v", all)
	}
	usual := perturbJSON(t, dir, "--state-noise", "0").Rows[1].Test.Loss
	for _, units := range []string{"0-7", "8-15"} {
		if got := loss("--state-noise", "0.5", "--units", units); got == usual {
			t.Errorf("noise on units %s changes nothing", units)
		}
	}
	if r := perturbJSON(t, dir, "--scale", "2", "--units", "I", "--ei-ratio", "0.75"); !slices.Equal(r.Units, []int{6, 7, 14, 15}) {
		t.Errorf("a quarter of each layer is units %v", r.Units)
	}
	galvani(t, "perturb", dir, "--silence", "1", "--units", "16").refused(t, exitConfig, "ranges of 0 to 15")
}

// resumesAsGraph holds the run of a line with --max-steps 6 to one that is stopped in the middle and resumed, which ends with
// the same tensors, and to the losses of the graph, which are close.
func resumesAsGraph(t *testing.T, dir string, line []string) {
	t.Helper()
	sameResumed(t, line[1], dir, line, "3", "6")
	graph := losses(t, trained(t, args(line, "--backend", "graph")...))
	for i, loss := range losses(t, dir) {
		if loss < 0.999*graph[i] || loss > 1.001*graph[i] {
			t.Errorf("update %d: the scan has the loss %v, the graph %v", i, loss, graph[i])
		}
	}
}

// TestLayerCells trains layers of different cells with normalised inputs: the graph close to the scan, the same bits
// after a stop, and every command takes the run.
func TestLayerCells(t *testing.T) {
	stack := []string{"--model", "rate", "--layer-cells", "lstm,crnn-simple", "--layer-norm", "--dropout", "0.2", "--rec-noise", "0.1", "--max-steps", "6"}
	dir := trained(t, stack...)
	want := newestTensors(t, dir)
	for _, name := range []string{"cell.weight_hh_l1", "cell.norm.weight_l1", "cell.norm.bias_l2", "cell.W_l2"} {
		if want[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
	resumesAsGraph(t, dir, stack)
	galvani(t, "perturb", dir, "--state-noise", "0.5", "--units", "12,20").ok(t)
	galvani(t, "export", dir, "--to", "npz", "--out", filepath.Join(t.TempDir(), "w.npz")).ok(t)
	galvani(t, "export", dir, "--to", "onnx").refused(t, exitConfig, "layer_cells, layer_norm and bidirectional")
	for _, c := range [][]string{
		{"--layer-cells", "lstn", `unknown model "lstn"`},
		{"--layer-cells", "lstm", "--layers", "2", "it needs layers = 1"},
		{"--layer-norm", "it needs number of layers > 1"},
		{"--layer-cells", "lstm", "--dale", "Dale's law holds within one layer"},
		{"--layer-cells", "lgmd", "reads events of facets"},
	} {
		galvani(t, args(tiny, args([]string{"--model", "rnn"}, c[:len(c)-1]...)...)...).refused(t, exitConfig, c[len(c)-1])
	}
}

// TestBidirectional trains two layers in both directions: the graph close to the scan, the same bits after a stop, PyTorch's
// names, and one line where a command or a task needs steps in time.
func TestBidirectional(t *testing.T) {
	both := []string{"--model", "lstm", "--layers", "2", "--bidirectional", "--max-steps", "6"}
	dir := trained(t, both...)
	want := newestTensors(t, dir)
	for _, name := range []string{"cell.weight_ih_l0_reverse", "cell.bias_hh_l1_reverse"} {
		if want[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
	resumesAsGraph(t, dir, both)
	galvani(t, "eval", dir).ok(t)
	galvani(t, "report", dir).ok(t)
	galvani(t, "trace", dir, "--out", filepath.Join(t.TempDir(), "t.safetensors")).ok(t)
	galvani(t, "export", dir).ok(t)
	galvani(t, "export", dir, "--to", "onnx").refused(t, exitConfig, "bidirectional")
	for _, command := range []string{"fixedpoints", "analyse", "perturb"} {
		galvani(t, args([]string{command, dir}, map[string][]string{"perturb": {"--silence", "0.5"}}[command]...)...).refused(t, exitConfig, "in both directions")
	}
	galvani(t, args(tiny, "--model", "rnn", "--bidirectional", "--dale")...).refused(t, exitConfig, "both")
	galvani(t, "train", "--task", "perceptual", "--model", "rnn", "--bidirectional", "--runs-dir", t.TempDir()).refused(t, exitConfig, "asks at every step")
}
