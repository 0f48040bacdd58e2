package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pythonWith returns a Python that has some modules, or skips the test.
func pythonWith(t *testing.T, modules string) string {
	t.Helper()
	for _, name := range []string{os.Getenv("GALVANI_TEST_PYTHON"), "python3"} {
		if name != "" && exec.Command(name, "-c", "import "+modules).Run() == nil {
			return name
		}
	}
	t.Skipf("no Python with %s here; install it, and name that Python in GALVANI_TEST_PYTHON", modules)
	return ""
}

// python runs a script, a file of bench/examples or the text of one, and returns what it prints.
func python(t *testing.T, name, script string, more ...string) string {
	t.Helper()
	line := append([]string{"-c", script}, more...)
	if strings.HasSuffix(script, ".py") {
		line = append([]string{filepath.Join("..", "..", "bench", "examples", script)}, more...)
	}
	out, err := exec.Command(name, line...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// runCells runs the code of a notebook, cell by cell.
const runCells = `
import json, sys
names = {}
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        exec("".join(cell["source"]), names)
`

// TestReadRun lets the notebook read a run as its first lines say.
func TestReadRun(t *testing.T) {
	with := pythonWith(t, "numpy, pandas")
	dir := strings.TrimSpace(galvani(t, "train", "--task", "perceptual", "--model", "rate", "--dale", "--hidden", "10", "--train-size", "64", "--test-size", "16",
		"--batch", "16", "--epochs", "2", "--stimulus-ms", "500", "--plots", "none", "--quiet", "--runs-dir", t.TempDir()).ok(t).stdout)
	galvani(t, "export", dir, "--to", "npz").ok(t)
	galvani(t, "analyse", dir).ok(t)
	notebook, err := filepath.Abs(filepath.Join("..", "..", "bench", "examples", "read_run.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	written(t, "run.txt", dir+"\n")
	out := python(t, with, runCells, notebook)
	for _, want := range []string{"8 updates, 2 evaluations", "phase: completed - seed: 1", "recurrent (10, 10)", "8 units excite, 2 inhibit", "courses (2, ", "selectivity"} {
		if !strings.Contains(out, want) {
			t.Errorf("the example prints\n%swant %q", out, want)
		}
	}
}

// spikeFiles writes spikes in HDF5 as the Spiking Heidelberg Digits have them, the test set as it is downloaded: of class k,
// units 20k to 20k+19 spike.
const spikeFiles = `
import gzip, sys, h5py, numpy as np
rng = np.random.default_rng(1)
for part, n in (("train", 96), ("test", 32)):
    labels = np.arange(n) % 3
    counts = rng.integers(30, 60, n)
    with h5py.File(f"{sys.argv[1]}/digits_{part}.h5", "w") as f:
        for name, kind, draw in (("times", "f2", lambda k, m: np.sort(rng.random(m) * 0.4)), ("units", "u2", lambda k, m: 20 * k + rng.integers(0, 20, m))):
            d = f.create_dataset(f"spikes/{name}", (n,), h5py.vlen_dtype(np.dtype(kind)))
            for i, (k, m) in enumerate(zip(labels, counts)):
                d[i] = draw(k, m).astype(kind)
        f["labels"] = labels.astype("u2")
        f["extra/keys"] = np.array([b"null", b"eins", b"zwei"])
        f["extra/speaker"] = (np.arange(n) % 12).astype("u2")
        for name, value in (("age", b"28"), ("body_height", b"172"), ("gender", b"female")):
            f[f"extra/meta_info/{name}"] = np.array([value] * 12)
path = f"{sys.argv[1]}/digits_test.h5"
gzip.open(path + ".gz", "wb").write(open(path, "rb").read())
__import__("os").remove(path)
with h5py.File(f"{sys.argv[2]}/train.h5", "w") as f:
    f["labels"] = np.zeros(3, "u2")
open(f"{sys.argv[2]}/test.h5", "w").write("no HDF5")
`

// TestConvertSpikes trains on spikes in HDF5 by way of the example that converts them.
func TestConvertSpikes(t *testing.T) {
	with := pythonWith(t, "numpy, h5py")
	from, bad, to := t.TempDir(), t.TempDir(), t.TempDir()
	python(t, with, spikeFiles, from, bad)
	for folder, want := range map[string]string{bad: "it has no spikes/times", to: "0 files end in train.h5 or train.h5.gz"} {
		out, err := exec.Command(with, filepath.Join("..", "..", "bench", "examples", "convert_spikes.py"), folder, to).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("want one line with %q: %v, %s", want, err, out)
		}
	}
	if out := python(t, with, "convert_spikes.py", from, to, "--bin-ms", "20", "--pool", "5"); !strings.Contains(out, "train.npz: 96 sequences, ") || !strings.Contains(out, " steps, 12 inputs") {
		t.Errorf("the example prints %s", out)
	}
	dir := strings.TrimSpace(galvani(t, "train", "--task", "file", "--data-dir", to, "--model", "lif", "--hidden", "16", "--lr", "1e-2", "--batch", "16", "--epochs", "5",
		"--plots", "none", "--quiet", "--runs-dir", t.TempDir()).ok(t).stdout)
	r := told[evalReport](t, "eval", dir)
	if strings.Join(r.Classes, " ") != "null eins zwei" || *r.Test.Accuracy < 0.9 {
		t.Errorf("classes %v, accuracy %v, want three that are told apart", r.Classes, *r.Test.Accuracy)
	}
}

// barFiles writes pictures of upright and lying bars as the files of MNIST.
const barFiles = `
import sys, numpy as np
for part, n in (("train", 64), ("t10k", 16)):
    x, label = np.zeros((n, 28, 28), np.uint8), (np.arange(n) % 2).astype(np.uint8)
    for k in range(n):
        at = 8 + k % 10
        x[(k, slice(4, 24), slice(at, at + 3)) if label[k] else (k, slice(at, at + 3), slice(4, 24))] = 255
    for name, kind, shape, data in (("images-idx3", 2051, x.shape, x), ("labels-idx1", 2049, label.shape, label)):
        open(f"{sys.argv[1]}/{part}-{name}-ubyte", "wb").write(np.array([kind, *shape], ">i4").tobytes() + data.tobytes())
`

// TestMNISTRecordings trains a spiking network on recordings that the example makes of pictures.
func TestMNISTRecordings(t *testing.T) {
	with := pythonWith(t, "numpy")
	from, to := t.TempDir(), t.TempDir()
	python(t, with, barFiles, from)
	if out := python(t, with, "mnist_to_recordings.py", from, to, "--train", "64", "--test", "16"); !strings.Contains(out, "Train: 64 recordings, ") {
		t.Errorf("the example prints %s", out)
	}
	dir := strings.TrimSpace(galvani(t, "train", "--task", "recordings", "--data-dir", to, "--model", "lif", "--hidden", "24", "--lr", "1e-2", "--batch", "16", "--epochs", "6",
		"--plots", "none", "--quiet", "--runs-dir", t.TempDir()).ok(t).stdout)
	if r := told[evalReport](t, "eval", dir); strings.Join(r.Classes, " ") != "0 1" || *r.Test.Accuracy < 0.9 {
		t.Errorf("classes %v, accuracy %v, want two that are told apart", r.Classes, *r.Test.Accuracy)
	}
}

// TestNeuroGym trains on a data set of NeuroGym by way of the example that writes it: the largest class is most of the steps,
// and the network decides better than that.
func TestNeuroGym(t *testing.T) {
	with, to := pythonWith(t, "neurogym"), t.TempDir()
	out := python(t, with, "neurogym_to_npz.py", "PerceptualDecisionMaking-v0", to)
	at := strings.Index(out, "test.npz: 256 sequences of 100 steps, 3 inputs; ")
	if at < 0 {
		t.Fatalf("the example prints %s", out)
	}
	var zero float64
	if _, err := fmt.Sscanf(out[at:], "test.npz: 256 sequences of 100 steps, 3 inputs; %f%%", &zero); err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(galvani(t, "train", "--task", "file", "--data-dir", to, "--model", "lstm", "--hidden", "32", "--lr", "1e-2", "--batch", "32", "--epochs", "4",
		"--plots", "none", "--quiet", "--runs-dir", t.TempDir()).ok(t).stdout)
	r := told[evalReport](t, "eval", dir)
	if a := 100 * *r.Test.Accuracy; !(zero > 50 && a > zero+(100-zero)/4) {
		t.Errorf("accuracy %v %%, and %v %% of the steps are of class 0", a, zero)
	}
}

// TestONNXRuntime holds logits and h that onnxruntime computes from an export to those of a trace.
func TestONNXRuntime(t *testing.T) {
	with := pythonWith(t, "numpy, onnxruntime")
	for _, line := range [][]string{{"lstm", "--hidden", "12,8", "--h0", "learned"}, {"gru"}, {"rnn", "--layers", "2"}} {
		asONNX(t, with, trained(t, append([]string{"--model"}, line...)...))
	}
	for _, line := range [][]string{{"--hidden", "7,5", "--activation", "tanh"}, {"--hidden", "6", "--rule", "feedback-alignment"}} {
		asONNX(t, with, strings.TrimSpace(galvani(t, append(line, "train", "--model", "mlp", "--task", "bars", "--batch", "8", "--max-steps", "3", "--plots", "none", "--quiet",
			"--runs-dir", t.TempDir())...).ok(t).stdout))
	}
}

// asONNX compares a run's export with its trace.
func asONNX(t *testing.T, with, dir string) {
	t.Helper()
	out := t.TempDir()
	model, trace := filepath.Join(out, "w.onnx"), filepath.Join(out, "t.safetensors")
	galvani(t, "export", dir, "--to", "onnx", "--out", model).ok(t)
	galvani(t, "trace", dir, "--out", trace).ok(t)
	python(t, with, `
import sys, numpy as np, onnxruntime
sys.path.append("../../bench/peers")
import tensors
seen, _ = tensors.load(sys.argv[2])
session = onnxruntime.InferenceSession(sys.argv[1])
if len(session.get_inputs()[0].shape) == 2: # of a network without steps
    got, = session.run(["logits"], {"x": seen["x"][0]})
    assert np.abs(got - seen["logits"]).max() < 1e-5 and got.shape == seen["logits"].shape, got - seen["logits"]
    sys.exit()
logits, h = session.run(["logits", "h"], {"x": seen["x"]})
got = logits if logits.shape == seen["logits"].shape else logits[-1]
assert np.abs(got - seen["logits"]).max() < 1e-5 and np.abs(h - seen["h"]).max() < 1e-5 and h.shape == seen["h"].shape, (got - seen["logits"], h.shape)
`, model, trace)
}
