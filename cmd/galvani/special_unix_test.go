//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSpecialFiles gives every reader of an input file a pipe that nobody writes to, a device and a
// folder. None may wait.
func TestSpecialFiles(t *testing.T) {
	run, dir := copyOfRun(t), t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	link := filepath.Join(dir, "link")
	for _, name := range []string{"pipe", "mnist/train-images-idx3-ubyte", "mnist/train-labels-idx1-ubyte", "cifar10/data_batch_1.bin"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for path, what := range map[string]string{pipe: " is a pipe", link: " is a pipe", os.DevNull: " is a device", dir: " is a folder"} {
		for _, c := range []struct {
			code int
			args []string
		}{
			{exitConfig, []string{"train", "--config", path}},
			{exitConfig, []string{"train", "--model", "crnn-simple", "--rec-mask", path}},
			{exitConfig, []string{"train", "--model", "crnn", "--graph", path}},
			{exitData, []string{"trace", run, "--out", "x", "--input", path}},
			{exitData, []string{"eval", run, "--checkpoint", path}},
		} {
			galvani(t, c.args...).refused(t, c.code, path+what+", want a regular file")
		}
	}
	for task, file := range map[string]string{"mnist-rows": "train-labels-idx1-ubyte", "cifar10-rows": "data_batch_1.bin"} {
		galvani(t, "train", "--task", task, "--data-dir", dir).refused(t, exitData, file+" is a pipe")
	}
	recordings := twoEvents(t)
	for _, name := range []string{"Train/near/00.csv", "Test/far/00.csv"} {
		path := filepath.Join(recordings, name)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		galvani(t, "train", "--task", "recordings", "--data-dir", recordings).refused(t, exitData, filepath.FromSlash(name)+" is a pipe")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"config.toml", "status.json", "checkpoints/best.safetensors"} {
		path := filepath.Join(run, name)
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if o := galvani(t, "eval", run); o.code == 0 && name != "status.json" || strings.Count(o.stderr, "\n") > 1 {
			t.Errorf("%s is a pipe: exit code %d, stderr %q", name, o.code, o.stderr)
		}
	}
}
