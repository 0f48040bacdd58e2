package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadRun lets the example read a run as its first lines say, where there is a Python with NumPy and pandas.
func TestReadRun(t *testing.T) {
	python := ""
	for _, name := range []string{os.Getenv("GALVANI_TEST_PYTHON"), "python3"} {
		if name != "" && exec.Command(name, "-c", "import numpy, pandas").Run() == nil {
			python = name
			break
		}
	}
	if python == "" {
		t.Skip("no Python with numpy and pandas here; install them, and name that Python in GALVANI_TEST_PYTHON")
	}
	dir := strings.TrimSpace(galvani(t, "train", "--task", "perceptual", "--model", "rate", "--dale", "--hidden", "10", "--train-size", "64", "--test-size", "16",
		"--batch", "16", "--epochs", "2", "--stimulus-ms", "500", "--plots", "none", "--quiet", "--runs-dir", t.TempDir()).ok(t).stdout)
	galvani(t, "export", dir, "--to", "npz").ok(t)
	galvani(t, "analyse", dir).ok(t)
	out, err := exec.Command(python, filepath.Join("..", "..", "bench", "examples", "read_run.py"), dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"8 updates, 2 evaluations", "phase: completed - seed: 1", "recurrent (10, 10)", "8 units excite, 2 inhibit", "courses (2, ", "selectivity"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the example prints\n%swant %q", out, want)
		}
	}
}
