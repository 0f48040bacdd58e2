package main

import (
	"bytes"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"galvani/engine/npz"
	"galvani/engine/safetensors"
)

// arrayFiles writes train.npz and test.npz of the same arrays.
func arrayFiles(t *testing.T, tensors ...safetensors.Tensor) string {
	t.Helper()
	dir := t.TempDir()
	var b bytes.Buffer
	if err := npz.Write(&b, tensors); err != nil {
		t.Fatal(err)
	}
	for _, half := range []string{"train.npz", "test.npz"} {
		written(t, filepath.Join(dir, half), b.Bytes())
	}
	return dir
}

// TestOwnFiles trains on arrays of one's own: a network learns to tell which of two inputs is larger, and the run says
// with names from data.toml what it found.
func TestOwnFiles(t *testing.T) {
	t.Parallel()
	const n, steps = 40, 6
	x, label := make([]float32, n*steps*2), make([]int64, n*steps)
	for k := range n {
		for s := range steps {
			x[(k*steps+s)*2+k%2] = 1
			if s >= 4 {
				label[k*steps+s] = int64(1 + k%2)
			}
		}
	}
	dir := arrayFiles(t, safetensors.Float32("x", []int{n, steps, 2}, x), safetensors.Int64("label", []int{n, steps}, label))
	written(t, filepath.Join(dir, "data.toml"), "classes = [\"wait\", \"left\", \"right\"]\nmetric = \"trials\"\n")
	o := galvani(t, "train", "--task", "file", "--data-dir", dir, "--model", "rnn", "--hidden", "8", "--batch", "8", "--epochs", "20", "--lr", "0.02",
		"--runs-dir", t.TempDir(), "-q").ok(t)
	eval := galvani(t, "eval", strings.TrimSpace(o.stdout)).ok(t)
	if !strings.Contains(eval.stdout, "decisions   100.0 % of 40 trials right") || !strings.Contains(eval.stdout, "left") {
		t.Errorf("eval says\n%s", eval.stdout)
	}
}

// TestNegativeConductances: where inputs are conductances of a neuron and a number that is not finite comes up, a negative
// one is named as its cause; in other networks it is none.
func TestNegativeConductances(t *testing.T) {
	t.Parallel()
	const n, steps, inputs = 8, 6, 9
	x := make([]float32, n*steps*inputs)
	for i := range x {
		x[i] = 40 * float32(i%3-1)
	}
	dir := arrayFiles(t, safetensors.Float32("x", []int{n, steps, inputs}, x), safetensors.Int64("label", []int{n}, []int64{0, 1, 0, 1, 0, 1, 0, 1}))
	const says = "input x holds -40 at element 0, and to this model each input is a conductance, of events: shift or rectify the data"
	line := []string{"train", "--task", "file", "--data-dir", dir, "--batch", "4", "--epochs", "1", "--plots", "none", "-q", "--runs-dir", t.TempDir()}
	o := galvani(t, args(line, "--model", "lgmd", "--dt", "1")...)
	if o.code != exitNumerical || !strings.Contains(o.stderr, says) {
		t.Errorf("exit code %d, stderr %s", o.code, o.stderr)
	}
	o = galvani(t, args(line, "--model", "crnn", "--hidden", "8")...)
	if strings.Contains(o.stderr, "conductance") {
		t.Errorf("crnn: %s", o.stderr)
	}
}

// TestContinued trains on a recording in pieces, whose state goes on from one to the next: eval gives each part of it that a
// column goes through the loss and outputs of this part in one piece.
func TestContinued(t *testing.T) {
	t.Parallel()
	const n, steps, batch = 12, 5, 2
	var x, y []float32
	for k := range n * steps {
		x = append(x, float32(math.Sin(float64(k*k))))
		y = append(y, x[max(0, k-7)])
	}
	recording := func(pieces int) string {
		return arrayFiles(t, safetensors.Float32("x", []int{pieces, n * steps / pieces, 1}, x), safetensors.Float32("y", []int{pieces, n * steps / pieces, 1}, y))
	}
	train := func(more ...string) (dir string) {
		return strings.TrimSpace(galvani(t, args([]string{"train", "--task", "file", "--data-dir", recording(n), "--model", "rnn", "--hidden", "8", "--batch", "2",
			"--epochs", "9", "--validation", "0", "--runs-dir", t.TempDir(), "-q"}, more...)...).ok(t).stdout)
	}
	dir := train("--continued", "--stateful")
	told := func(run, data string) (r evalReport) {
		galvani(t, "eval", run, "--data-dir", data, "--json").ok(t).tells(t, &r)
		return r
	}
	pieces, parts, apart := told(dir, recording(n)), told(dir, recording(batch)), told(train("--continued"), recording(n))
	same := func(a, b float64) bool { return math.Abs(a-b) < 1e-6*b }
	if !same(pieces.Test.Loss, parts.Test.Loss) || !same(pieces.Outputs[0].MSE, pieces.Test.Loss) || same(apart.Test.Loss, pieces.Test.Loss) {
		t.Errorf("loss %v and error %v in pieces, %v in parts, %v without the state", pieces.Test.Loss, pieces.Outputs[0].MSE, parts.Test.Loss, apart.Test.Loss)
	}
	galvani(t, "train", "--task", "file", "--data-dir", recording(n), "--stateful").refused(t, exitConfig, "it needs continued = true, and continued is false")
}
