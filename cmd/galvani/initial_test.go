package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/engine/safetensors"
)

// TestInitFrom begins with the weights of a module of PyTorch and freezes some: those are the same bits at the
// end, whatever decays, and in a run that was stopped and resumed; the others are learned.
func TestInitFrom(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "module.safetensors")
	fill := func(name string, shape ...int) safetensors.Tensor {
		v := make([]float64, max(1, shape[0]*shape[len(shape)-1]))
		if len(shape) == 1 {
			v = v[:shape[0]]
		}
		for i := range v {
			v[i] = float64(i%7-3) / 16
		}
		return safetensors.Float64(name, shape, v)
	}
	module := []safetensors.Tensor{fill("net.rnn.weight_ih_l0", 8, 9), fill("net.rnn.weight_hh_l0", 8, 8), fill("net.rnn.bias_ih_l0", 8),
		fill("net.rnn.bias_hh_l0", 8), fill("net.fc.weight", 4, 8), fill("net.fc.bias", 4), fill("net.norm.weight", 9)}
	var b bytes.Buffer
	if err := safetensors.Write(&b, module, nil); err != nil {
		t.Fatal(err)
	}
	written(t, file, b.Bytes())
	line := args(tiny, "--model", "rnn", "--init-from", file, "--freeze", "recurrent,bias_ih_l0", "--weight-decay", "0.1", "--decay-on", "all", "--runs-dir", folder)
	o := galvani(t, line...).ok(t)
	for _, want := range []string{"init: cell.weight_hh_l0 [8 8] from net.rnn.weight_hh_l0 of " + file, "init: readout.bias [4] from net.fc.bias",
		"init: not used of " + file + ": net.norm.weight", "frozen: cell.weight_hh_l0, cell.bias_ih_l0"} {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, o.stderr)
		}
	}
	dir := only(t, folder)
	end := latest(t, dir)
	find := func(list []safetensors.Tensor, name string) safetensors.Tensor {
		i := slices.IndexFunc(list, func(x safetensors.Tensor) bool { return x.Name == name })
		if i < 0 {
			t.Fatalf("there is no %s", name)
		}
		return list[i]
	}
	for name, from := range map[string]string{"cell.weight_hh_l0": "net.rnn.weight_hh_l0", "cell.bias_ih_l0": "net.rnn.bias_ih_l0",
		"cell.weight_ih_l0": "net.rnn.weight_ih_l0", "cell.bias_hh_l0": "net.rnn.bias_hh_l0"} {
		same := slices.Equal(find(end, name).Numbers(), find(module, from).Numbers())
		if frozen := strings.Contains(o.stderr, "frozen: ") && (name == "cell.weight_hh_l0" || name == "cell.bias_ih_l0"); same != frozen {
			t.Errorf("%s is as it was in the file: %v, want %v", name, same, frozen)
		}
	}
	if slices.ContainsFunc(end, func(x safetensors.Tensor) bool {
		return strings.HasPrefix(x.Name, "optimizer.") && strings.HasSuffix(x.Name, "cell.weight_hh_l0")
	}) {
		t.Error("the optimiser keeps a slot of what is frozen")
	}
	again := t.TempDir()
	galvani(t, args(line, "--max-steps", "5", "--runs-dir", again)...).ok(t)
	if err := os.Remove(file); err != nil { // it is needed at the beginning alone
		t.Fatal(err)
	}
	galvani(t, "train", "--resume", only(t, again), "--max-steps", "0").ok(t)
	for _, x := range latest(t, only(t, again)) {
		if !bytes.Equal(x.Data, find(end, x.Name).Data) {
			t.Errorf("%s of the resumed run differs", x.Name)
		}
	}
}

// only returns the only run in a folder.
func only(t *testing.T, folder string) string {
	t.Helper()
	runs, err := filepath.Glob(filepath.Join(folder, "20*"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs %v, error %v, want one", runs, err)
	}
	return runs[0]
}

// TestInitFromRun holds that stored weights go only where they act in the same way, and that those that
// galvani export writes go where signs and masks allow them.
func TestInitFromRun(t *testing.T) {
	t.Parallel()
	short := args(tiny, "--model", "rnn", "--max-steps", "1", "-q", "--runs-dir", t.TempDir())
	dale := args(short, "--dale", "--dale-form", "abs")
	dir := strings.TrimSpace(galvani(t, dale...).ok(t).stdout)
	galvani(t, args(dale, "--init-from", dir)...).ok(t)
	galvani(t, args(short, "--init-from", dir)...).refused(t, exitData, "wiring.mask of its network is another than that of this one")
	galvani(t, args(dale, "--dale-form", "relu", "--init-from", dir)...).refused(t, exitData, "dale_form of its network is another")
	galvani(t, "export", dir).ok(t)
	file := filepath.Join(dir, "weights.safetensors")
	galvani(t, args(short, "--init-from", file)...).ok(t)
	galvani(t, "export", dir, "--to", "npz").ok(t)
	for _, from := range []string{file, filepath.Join(dir, "weights.npz")} {
		next := strings.TrimSpace(galvani(t, args(dale, "--dale-form", "relu", "--init-from", from, "--lr", "0")...).ok(t).stdout)
		galvani(t, "export", next).ok(t)
		was, is := tensorsOf(t, file), tensorsOf(t, filepath.Join(next, "weights.safetensors"))
		for name, x := range was {
			if !bytes.Equal(x.Data, is[name].Data) {
				t.Errorf("%s acts in another way than in %s", name, from)
			}
		}
	}
	free := strings.TrimSpace(galvani(t, short...).ok(t).stdout)
	galvani(t, "export", free).ok(t)
	galvani(t, args(dale, "--init-from", filepath.Join(free, "weights.safetensors"))...).refused(t, exitData, "of cell.weight_hh_l0 is ")
}
