package main

import (
	"bytes"
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
