package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/data"
	"galvani/engine/safetensors"
)

// TestWithoutHome: generated tasks need no folder of data files, and those that do say so.
func TestWithoutHome(t *testing.T) {
	run := func(home []string, args ...string) outcome {
		c := program(args...)
		c.Env = slices.DeleteFunc(c.Env, func(v string) bool {
			return strings.HasPrefix(v, "HOME=") || strings.HasPrefix(v, "XDG_CACHE_HOME=")
		})
		c.Env = append(c.Env, home...)
		return finish(t, c)
	}
	for _, home := range [][]string{nil, {"XDG_CACHE_HOME=relative"}} {
		run(home, args(tiny, "--max-steps", "1", "--runs-dir", t.TempDir())...).ok(t)
		run(home, "data", "events", "adding", "--out", filepath.Join(t.TempDir(), "x")).ok(t)
		run(home, "train", "--task", "mnist-rows").refused(t, exitConfig, "name one with --data-dir")
		run(home, "data", "list").refused(t, exitConfig, "name a folder with --data-dir")
		run(home, "data", "fetch", "mnist").refused(t, exitConfig, "name a folder with --data-dir")
		run(home, "data", "list", "--data-dir", "x").ok(t)
		if o := run(home, "tasks", "show", "mnist-rows").ok(t); !strings.Contains(o.stdout, "T=28 steps, I=28 inputs, O=10 outputs") {
			t.Errorf("stdout %q, want the shape", o.stdout)
		}
	}
}

// TestTasksShowConventions: mask and loss of every task, and the shape without its files.
func TestTasksShowConventions(t *testing.T) {
	for _, e := range data.All() {
		r := told[taskReport](t, "tasks", "show", e.Name, "--data-dir", "nowhere")
		if e.Name == "file" { // its files may have any shape
			if r.Shape != nil || !strings.Contains(r.Files, "[N,T,I]") || !strings.Contains(r.Missing, "want train.npz") {
				t.Errorf("%s: report %+v", e.Name, r)
			}
			continue
		}
		if r.Shape == nil || r.Shape.T < 1 || r.Shape.I < 1 || r.Shape.Mask == "" || r.Shape.Loss == "" || (r.Missing == "") != (r.Shape.Train > 0) {
			t.Errorf("%s: report %+v", e.Name, r)
		}
	}
	for task, want := range map[string]string{
		"context":    "Mask: mask [T,B] is 1 up to the end of a sequence and 0 behind it, where the state is held",
		"adding":     "Loss: mean squared error Σ w Σ_o (x_o − y_o)² / (O Σ w), over b of B",
		"dms":        "Loss: softmax cross-entropy Σ w (log Σ_o exp x_o − x_y) / Σ w, over (t,b) of T·B",
		"recordings": "an output for each class of the files",
	} {
		if o := galvani(t, "tasks", "show", task, "--data-dir", "nowhere").ok(t); !strings.Contains(o.stdout, want) {
			t.Errorf("%s: stdout %q, want %q", task, o.stdout, want)
		}
	}
}

// TestTrainSaysWhatItLeavesOut: events after the last step, for people and as JSON.
func TestTrainSaysWhatItLeavesOut(t *testing.T) {
	command := []string{"train", "--task", "recordings", "--data-dir", twoEvents(t), "--width", "1", "--height", "1",
		"--steps", "4", "--step-ms", "10", "--batch", "8", "--hidden", "4", "--max-steps", "1", "--runs-dir", t.TempDir()}
	const want = "32 of 128 events in 64 training recordings come after the last step, which ends at 40 ms, and are left out"
	if o := galvani(t, command...).ok(t); !strings.Contains(o.stderr, "data: "+want) {
		t.Errorf("stderr %q, want %q", o.stderr, want)
	}
	o := galvani(t, append(command, "--json")...).ok(t)
	var start event
	if err := json.Unmarshal([]byte(strings.SplitN(o.stdout, "\n", 2)[0]), &start); err != nil || len(start.Notes) != 2 || !strings.Contains(start.Notes[0], want) {
		t.Errorf("start is %+v, error %v", start, err)
	}
}

// TestTraceTakesAnyType: tensors of other types than float32 give the same trace.
func TestTraceTakesAnyType(t *testing.T) {
	dir, folder := copyOfRun(t), t.TempDir()
	out := func(name string, x, y safetensors.Tensor) []byte {
		in, traced := filepath.Join(folder, name), filepath.Join(folder, name+"-out")
		if err := writeTensors(in, []safetensors.Tensor{x, y}, nil); err != nil {
			t.Fatal(err)
		}
		galvani(t, "trace", dir, "--out", traced, "--input", in).ok(t)
		raw := contents(t, traced)
		return raw
	}
	shape := []int{1, 1, 9}
	ones := slices.Repeat([]float32{1}, 9)
	y := safetensors.Int64("y", []int{1}, []int64{2})
	want := out("f32", safetensors.Float32("x", shape, ones), y)
	for _, x := range []safetensors.Tensor{
		{Name: "x", DType: safetensors.F16, Shape: shape, Data: slices.Repeat([]byte{0, 0x3c}, 9)},
		{Name: "x", DType: safetensors.BF16, Shape: shape, Data: slices.Repeat([]byte{0x80, 0x3f}, 9)},
		{Name: "x", DType: safetensors.Bool, Shape: shape, Data: slices.Repeat([]byte{1}, 9)},
	} {
		if got := out(string(x.DType), x, safetensors.Tensor{Name: "y", DType: safetensors.I16, Shape: []int{1}, Data: []byte{2, 0}}); string(got) != string(want) {
			t.Errorf("%s: another trace", x.DType)
		}
	}
}
