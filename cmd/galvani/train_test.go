package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"galvani/engine/rundir"
	"galvani/engine/safetensors"
	"galvani/kernels/devices"
	"galvani/models"

	"github.com/google/go-cmp/cmp"
)

func TestTrainLeavesRun(t *testing.T) {
	dir := trained(t, "--plots", "both")
	for _, name := range []string{"config.toml", "env.json", "status.json", "metrics.jsonl", "references.bib",
		"checkpoints/best.safetensors", "checkpoints/step-000000000012.safetensors",
		"plots/loss.png", "plots/loss.svg", "plots/accuracy.png", "plots/accuracy.svg",
		"plots/gradient.png", "plots/gradient.svg", "plots/response.png", "plots/response.svg"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s is missing or empty: %v", name, err)
		}
	}
	if p := phase(t, dir); p != rundir.Completed {
		t.Errorf("status is %q, want %q", p, rundir.Completed)
	}
}

// TestConfigRepeatsRun holds that config.toml gives the same network bit for bit.
func TestConfigRepeatsRun(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"crnn", "lstm"} {
		dir := trained(t, "--model", model, "--lr", "0.02")
		o := galvani(t, "train", "--quiet", "--config", filepath.Join(dir, "config.toml"), "--runs-dir", t.TempDir()).ok(t)
		if d := cmp.Diff(latest(t, dir), latest(t, strings.TrimSpace(o.stdout))); d != "" {
			t.Errorf("%s: a repeated run differs:\n%.500s", model, d)
		}
	}
}

// TestResumeIsBitEqual stops a run after 5 of 12 steps, in the middle of an epoch, and goes
// on with it.
func TestResumeIsBitEqual(t *testing.T) {
	t.Parallel()
	for _, backend := range []string{"graph", "auto"} {
		want := latest(t, trained(t, "--backend", backend))
		dir := trained(t, "--backend", backend, "--max-steps", "5")
		galvani(t, "train", "--quiet", "--resume", dir, "--max-steps", "0").ok(t)
		if d := cmp.Diff(want, latest(t, dir)); d != "" {
			t.Errorf("backend %s: the resumed run differs:\n%.500s", backend, d)
		}
	}
}

// TestSignalSavesAndResumes stops endless training and goes on with it.
func TestSignalSavesAndResumes(t *testing.T) {
	runs := t.TempDir()
	for _, s := range stopping {
		o := interrupt(t, args(tiny, "--json", "--epochs", "1000000", "--runs-dir", runs), s, 200*time.Millisecond)
		o.refused(t, exitStopped, "galvani train --resume ")
		if !strings.Contains(o.stderr, `"outcome":"stopped"`) {
			t.Errorf("%v: no event of the end in %s", s, o.stderr)
		}
		dir := newest(t, runs)
		if p := phase(t, dir); p != rundir.Stopped {
			t.Errorf("%v: status is %q, want %q", s, p, rundir.Stopped)
		}
		before := len(latest(t, dir))
		o = galvani(t, "train", "--resume", dir, "--epochs", "1").ok(t)
		if after := len(latest(t, dir)); after != before || !strings.Contains(o.stderr, "going on at step") {
			t.Errorf("%v: %d tensors before, %d after; stderr %s", s, before, after, o.stderr)
		}
	}
}

// TestInterruptedAgainAndAgain holds that a run that is stopped at random moments, also while
// it saves, ends with the same network as one that is left alone.
func TestInterruptedAgainAndAgain(t *testing.T) {
	long := args(tiny, "--epochs", "100", "--checkpoint-every", "5", "--eval-every", "50")
	runs := t.TempDir()
	want := latest(t, strings.TrimSpace(galvani(t, args(long, "--quiet", "--runs-dir", runs)...).ok(t).stdout))
	const enough = 8
	rng := rand.New(rand.NewPCG(1, 2))
	others := t.TempDir()
	command := args(long, "--runs-dir", others)
	dir, stops := "", 0
	for done := false; !done; {
		signal := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}[rng.IntN(2)]
		after := time.Duration(rng.IntN(60)) * time.Millisecond
		if stops == enough {
			after = time.Hour
		}
		o := interrupt(t, command, signal, after)
		dir = newest(t, others)
		if done = o.code == exitOK; !done {
			o.refused(t, exitStopped, "is saved; go on with: galvani train --resume ")
			stops++
		}
		command = []string{"train", "--resume", dir}
	}
	if d := cmp.Diff(want, latest(t, dir)); d != "" || stops == 0 {
		t.Errorf("after %d stops the run differs:\n%.500s", stops, d)
	}
}

// interrupt starts a training and sends the signal some time after its first words. The outcome
// has all output as stderr.
func interrupt(t *testing.T, command []string, s syscall.Signal, after time.Duration) (o outcome) {
	t.Helper()
	c := program(command...)
	pipe, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout = c.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		if o.stderr == "" {
			defer time.AfterFunc(after, func() { c.Process.Signal(s) }).Stop()
		}
		o.stderr += lines.Text() + "\n"
	}
	c.Wait() // the exit code is looked at
	o.code = c.ProcessState.ExitCode()
	return o
}

// newest returns the run directory that was made last.
func newest(t *testing.T, runs string) string {
	t.Helper()
	entries, err := os.ReadDir(runs)
	if err != nil || len(entries) == 0 {
		t.Fatalf("no run in %s: %v", runs, err)
	}
	return filepath.Join(runs, entries[len(entries)-1].Name())
}

// TestPipedOutput holds that without a terminal there are plain lines on stderr and nothing on
// stdout.
func TestPipedOutput(t *testing.T) {
	o := galvani(t, args(tiny, "--runs-dir", t.TempDir())...).ok(t)
	if o.stdout != "" || strings.ContainsAny(o.stderr, "\r\x1b") {
		t.Errorf("stdout %q, stderr %q; want plain lines on stderr alone", o.stdout, o.stderr)
	}
	for _, want := range []string{"device: cpu", "run: ", "epoch 2/2", "done after 12 steps", "acc "} {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, o.stderr)
		}
	}
}

func TestTrainJSON(t *testing.T) {
	o := galvani(t, args(tiny, "--json", "--runs-dir", t.TempDir())...).ok(t)
	var kinds []string
	var last event
	for line := range strings.Lines(o.stdout) {
		last = event{}
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&last); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		kinds = append(kinds, last.Event)
	}
	if d := cmp.Diff([]string{"start", "evaluation", "evaluation", "end"}, kinds); d != "" {
		t.Error(d)
	}
	if last.Outcome != "done" || last.Step != 12 || last.Test == nil || last.Test.Accuracy == nil {
		t.Errorf("end is %+v, want 12 steps done and a test accuracy", last)
	}
}

func TestEval(t *testing.T) {
	dir := copyOfRun(t)
	words := galvani(t, "eval", dir).ok(t)
	if !strings.Contains(words.stdout, "accuracy") || !strings.Contains(words.stdout, "scrambled") {
		t.Errorf("stdout lacks accuracy or classes:\n%s", words.stdout)
	}
	for _, checkpoint := range []string{"best", "last", filepath.Join(dir, "checkpoints/step-000000000012.safetensors")} {
		r := told[evalReport](t, "eval", dir, "--checkpoint", checkpoint)
		total, right := 0, 0
		for i, row := range r.Confusion {
			for k, n := range row {
				total += n
				if i == k {
					right += n
				}
			}
		}
		if total != 16 || r.Test.Accuracy == nil || *r.Test.Accuracy != float64(right)/16 {
			t.Errorf("%s: accuracy %v, confusion %v; want 16 sequences and the same share right", checkpoint, r.Test.Accuracy, r.Confusion)
		}
	}
}

// TestTrace holds that a traced batch, fed back, gives the same trace, on either backend.
func TestTrace(t *testing.T) {
	dir := copyOfRun(t)
	folder := t.TempDir()
	first, second := filepath.Join(folder, "a.safetensors"), filepath.Join(folder, "b.safetensors")
	galvani(t, "trace", dir, "--out", first).ok(t)
	galvani(t, "trace", dir, "--out", second, "--input", first).ok(t)
	a := tensorsOf(t, first)
	if d := cmp.Diff(a, tensorsOf(t, second)); d != "" {
		t.Errorf("the trace of a traced batch differs:\n%.500s", d)
	}
	numpy := filepath.Join(folder, "a.npz")
	galvani(t, "trace", dir, "--out", numpy, "--to", "npz").ok(t)
	galvani(t, "trace", dir, "--out", second, "--input", numpy).ok(t)
	if d := cmp.Diff(a, tensorsOf(t, second)); d != "" {
		t.Errorf("the trace of a batch from NPZ differs:\n%.500s", d)
	}
	for name, want := range map[string][]int{"x": {8, 8, 9}, "y": {8}, "h": {8, 8, 8}, "logits": {8, 4}, "loss": {},
		"grad.cell.U_exc": {8, 9}, "grad.cell.gamma": {2, 8}, "grad.readout.weight": {4, 8}, "grad.readout.bias": {4}} {
		if got, ok := a[name]; !ok || !slices.Equal(got.Shape, want) {
			t.Errorf("%s is %v, want %v", name, got.Shape, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(folder, ".galvani-*")); len(left) > 0 {
		t.Errorf("trace left %v behind", left)
	}
}

// TestSecondProcessIsRefused holds that a run that is being trained is left alone.
func TestSecondProcessIsRefused(t *testing.T) {
	dir := copyOfRun(t)
	held, err := rundir.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	before := latest(t, dir)
	galvani(t, "train", "--resume", dir).refused(t, exitConfig, "in use")
	if d := cmp.Diff(before, latest(t, dir)); d != "" {
		t.Errorf("the refused process changed the run:\n%.500s", d)
	}
	galvani(t, "eval", dir).ok(t)
}

// TestBadInput holds that each fault ends with its exit code and one line, and that nothing
// is made in the runs directory.
func TestBadInput(t *testing.T) {
	folder := t.TempDir()
	file := func(name, content string) string {
		return written(t, filepath.Join(folder, name), content)
	}
	empty := filepath.Join(folder, "nothing")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	memory := struct {
		code int
		want string
	}{exitDevice, "another --memory"}
	if _, err := devices.OpenCPU(1); err != nil { // without cgo there is the graph alone
		memory.code, memory.want = exitConfig, "the unrolled graph keeps every step"
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"model", []string{"--model", "crn"}, exitConfig, `unknown model "crn"; did you mean "crnn"?`},
		{"task", []string{"--task", "loming"}, exitConfig, `unknown task "loming"; did you mean "looming"?`},
		{"flag", []string{"--hiden", "3"}, exitUsage, `unknown flag "--hiden"; did you mean "--hidden"?`},
		{"key of another model", []string{"--model", "lstm", "--tau-s", "3"}, exitConfig, `unknown key "tau_s"`},
		{"key of another task", []string{"--task", "adding", "--facets", "3"}, exitConfig, `unknown key "facets"`},
		{"key in file", []string{"--config", file("key.toml", "tau_x = 1")}, exitConfig, `key.toml: bad configuration: unknown key "tau_x"; did you mean "tau_s"?`},
		{"syntax", []string{"--config", file("syntax.toml", "lr == 1")}, exitConfig, "syntax.toml: bad configuration: line 1"},
		{"table", []string{"--config", file("table.toml", "[model]\nname = 1")}, exitConfig, "is a table"},
		{"type", []string{"--config", file("type.toml", "hidden = 6.5")}, exitConfig, `key "hidden" is 6.5, want an integer`},
		{"negative", []string{"--config", file("negative.toml", "seed = -7")}, exitConfig, `key "seed" is -7, want at least 0`},
		{"no config file", []string{"--config", "nowhere.toml"}, exitData, "nowhere.toml"},
		{"config is a folder", []string{"--config", empty}, exitConfig, "nothing"},
		{"zero batch", []string{"--batch", "0"}, exitConfig, `key "batch" is 0`},
		{"not a number", []string{"--lr", "fast"}, exitConfig, `key "lr" is "fast", want a finite number`},
		{"nan", []string{"--lr", "nan"}, exitConfig, `key "lr" is NaN`},
		{"one of", []string{"--optimizer", "nadam"}, exitConfig, `key "optimizer" is "nadam", want one of adam`},
		{"task's own check", []string{"--lv-min", "90"}, exitConfig, "lv_m"},
		{"model's own check", []string{"--graph", "nowhere.edges"}, exitConfig, "nowhere.edges"},
		{"device", []string{"--device", "tpu"}, exitConfig, `key "device" is "tpu"`},
		{"cuda", []string{"--device", "cuda:1"}, exitDevice, "no CUDA"},
		{"memory", []string{"--memory", "1KiB", "--device", "cpu"}, memory.code, memory.want},
		{"memory of a graph", []string{"--memory", "1KiB", "--backend", "graph"}, exitConfig, "the unrolled graph keeps every step"},
		{"no amount", []string{"--memory", "much"}, exitConfig, `key "memory" is "much"`},
		{"missing data", []string{"--task", "mnist-rows", "--data-dir", empty}, exitData, "galvani data fetch mnist"},
		{"resume nothing", []string{"--resume", empty}, exitConfig, "not a run directory"},
		{"resume nowhere", []string{"--resume", "nowhere"}, exitConfig, "not a run directory"},
		{"resume with config", []string{"--resume", empty, "--config", "f"}, exitConfig, "leave out --config"},
		{"resume auto, no run", []string{"--resume", "auto"}, exitConfig, "there is no run in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			runs := filepath.Join(t.TempDir(), "runs")
			galvani(t, append([]string{"train", "--runs-dir", runs}, tt.args...)...).refused(t, tt.code, tt.want)
			if _, err := os.Stat(runs); err == nil {
				t.Errorf("%s was made", runs)
			}
		})
	}
}

// TestBadRun holds that a damaged run is refused by eval, trace and resume alike.
func TestBadRun(t *testing.T) {
	write := func(t *testing.T, path string, change func([]byte) []byte) {
		b, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, change(b), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	everywhere := func(t *testing.T, dir string, change func([]byte) []byte) {
		paths, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "*.safetensors"))
		for _, p := range paths {
			write(t, p, change)
		}
	}
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, dir string)
		code   int
		want   string
	}{
		{"truncated", func(t *testing.T, dir string) {
			everywhere(t, dir, func(b []byte) []byte { return b[:len(b)/2] })
		}, exitData, "corrupt"},
		{"flipped bit", func(t *testing.T, dir string) {
			everywhere(t, dir, func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
		}, exitData, "corrupt"},
		{"pickle", func(t *testing.T, dir string) {
			everywhere(t, dir, func([]byte) []byte { return []byte("\x80\x04cos\nsystem\n(S'true'\ntR.") })
		}, exitData, "corrupt"},
		{"empty", func(t *testing.T, dir string) { everywhere(t, dir, func([]byte) []byte { return nil }) }, exitData, "corrupt"},
		{"config of another model", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config.toml"), func(b []byte) []byte {
				return bytes.Replace(b, []byte("hidden = 8"), []byte("hidden = 9"), 1)
			})
		}, exitConfig, "the file is not as it was written"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := copyOfRun(t)
			tt.change(t, dir)
			galvani(t, "eval", dir).refused(t, tt.code, tt.want)
			out := filepath.Join(t.TempDir(), "trace.safetensors")
			galvani(t, "trace", dir, "--out", out).refused(t, tt.code, tt.want)
			if _, err := os.Stat(out); err == nil {
				t.Error("trace wrote a file")
			}
			galvani(t, "train", "--resume", dir).refused(t, tt.code, tt.want)
		})
	}
}

// TestDamagedCheckpointIsPassedOver holds that resume falls back to an older one and says so.
func TestDamagedCheckpointIsPassedOver(t *testing.T) {
	dir := copyOfRun(t)
	bad := filepath.Join(dir, "checkpoints", "step-000000000012.safetensors")
	if err := os.Truncate(bad, 100); err != nil {
		t.Fatal(err)
	}
	o := galvani(t, "train", "--resume", dir).ok(t)
	if !strings.Contains(o.stderr, "passed over: ") || !strings.Contains(o.stderr, bad) {
		t.Errorf("stderr does not name %s:\n%s", bad, o.stderr)
	}
}

// TestReadOnly holds the exit code where nothing can be written. Root can write everywhere,
// so the folder is one that cannot exist.
func TestReadOnly(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	written(t, blocked, "")
	galvani(t, args(tiny, "--runs-dir", filepath.Join(blocked, "runs"))...).refused(t, exitIO, "rundir: make ")
	galvani(t, "trace", copyOfRun(t), "--out", filepath.Join(blocked, "out")).refused(t, exitIO, "not a directory")
}

func TestBadTraceInput(t *testing.T) {
	dir := copyOfRun(t)
	zeros := func(n int) []float32 { return make([]float32, n) }
	for _, tt := range []struct {
		name    string
		tensors []safetensors.Tensor
		want    string
	}{
		{"no x", nil, "x is [], want [T,B,9]"},
		{"inputs", []safetensors.Tensor{safetensors.Float32("x", []int{2, 3, 4}, zeros(24))}, "x is [2 3 4], want [T,B,9]"},
		{"no y", []safetensors.Tensor{safetensors.Float32("x", []int{2, 1, 9}, zeros(18))}, "y is [], want [1]"},
		{"NaN", []safetensors.Tensor{safetensors.Float32("x", []int{2, 1, 9}, append(zeros(17), float32(math.NaN()))),
			safetensors.Int32("y", []int{1}, []int32{0})}, "x holds NaN at element 17, want numbers that float32 holds"},
		{"beyond float32", []safetensors.Tensor{safetensors.Float64("x", []int{1, 1, 9}, []float64{0, -1e39, 0, 0, 0, 0, 0, 0, 0}),
			safetensors.Int32("y", []int{1}, []int32{0})}, "x holds -1e+39 at element 1"},
		{"weight", []safetensors.Tensor{safetensors.Float32("x", []int{2, 1, 9}, zeros(18)), safetensors.Int32("y", []int{1}, []int32{0}),
			safetensors.Float32("weight", []int{1}, []float32{-1})}, "weight holds -1 at element 0, want 0 or more"},
		{"label", []safetensors.Tensor{safetensors.Float32("x", []int{2, 1, 9}, zeros(18)),
			safetensors.Int32("y", []int{1}, []int32{4})}, "y holds 4 at element 0, want classes 0 to 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			in, out := filepath.Join(folder, "in"), filepath.Join(folder, "out")
			if err := writeTensors(in, tt.tensors, nil); err != nil {
				t.Fatal(err)
			}
			galvani(t, "trace", dir, "--out", out, "--input", in).refused(t, exitData, tt.want)
			if _, err := os.Stat(out); err == nil {
				t.Error("trace wrote a file")
			}
		})
	}
	galvani(t, "trace", dir, "--out", "x", "--input", "nowhere").refused(t, exitData, "nowhere")
	galvani(t, "trace", dir).refused(t, exitUsage, "needs --out FILE")
}

func TestGradcheck(t *testing.T) {
	t.Parallel()
	for _, model := range models.Names() {
		all := told[[]gradReport](t, "gradcheck", model, "--steps", "3", "--batch", "2", "--hidden", "3")
		if len(all) == 0 || all[0].Backend != "graph" || len(all[0].Params) < 4 {
			t.Errorf("%s: report is %+v, want the graph's parameters", model, all)
		}
	}
}

// TestEvalBeforeFirstEvaluation looks at a run that was stopped before it was ever measured.
func TestEvalBeforeFirstEvaluation(t *testing.T) {
	dir := copyOfRun(t)
	if err := os.Remove(filepath.Join(dir, "checkpoints", "best.safetensors")); err != nil {
		t.Fatal(err)
	}
	if o := galvani(t, "eval", dir).ok(t); !strings.Contains(o.stderr, "last checkpoint") {
		t.Errorf("stderr is %q, want a word on the checkpoint", o.stderr)
	}
}

// TestEvalDecisions counts the trials of a task that is decided once.
func TestEvalDecisions(t *testing.T) {
	runs := t.TempDir()
	dir := strings.TrimSpace(galvani(t, "train", "--task", "perceptual", "--model", "rnn", "--hidden", "8", "--train-size", "64",
		"--test-size", "48", "--batch", "16", "--epochs", "1", "--quiet", "--runs-dir", runs).ok(t).stdout)
	if o := galvani(t, "eval", dir).ok(t); !strings.Contains(o.stdout, "of 48 trials right") || !strings.Contains(o.stdout, "COHERENCE") {
		t.Errorf("stdout tells nothing of trials:\n%s", o.stdout)
	}
	n := 0
	for _, c := range told[struct {
		Trials []struct{ Count, Right int }
	}](t, "eval", dir).Trials {
		n += c.Count
		if c.Right < 0 || c.Right > c.Count {
			t.Errorf("%d of %d trials are right", c.Right, c.Count)
		}
	}
	if n != 48 {
		t.Errorf("%d trials are counted, want 48", n)
	}
}
