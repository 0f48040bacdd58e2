package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCopies holds that a run of a graph from a file goes on, is read and is begun anew by its own copy of the
// file, wherever it lies, and that its config.toml keeps the name that was given.
func TestCopies(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	inFolder := func(line ...string) outcome {
		c := program(line...)
		c.Dir = folder
		return finish(t, c)
	}
	edges := "0 1\n1 2 0.5\n"
	written(t, filepath.Join(folder, "edges"), edges)
	o := inFolder(args(tiny, "--graph", "edges", "--epochs", "1", "-q")...).ok(t)
	dir := filepath.Join(folder, strings.TrimSpace(o.stdout))
	if err := os.Remove(filepath.Join(folder, "edges")); err != nil {
		t.Fatal(err)
	}
	galvani(t, "eval", dir).ok(t)
	galvani(t, "train", "--resume", dir, "--epochs", "2").ok(t)
	galvani(t, "train", "-q", "--config", filepath.Join(dir, configName), "--runs-dir", t.TempDir()).ok(t)
	for name, want := range map[string]string{copyName("graph"): edges, configName: "\ngraph = \"edges\"\n"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Contains(text, []byte(want)) {
			t.Errorf("%s is %s (%v), want %q in it", name, text, err, want)
		}
	}
}
