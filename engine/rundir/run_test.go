package rundir_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"galvani/engine/chart"
	"galvani/engine/rundir"
	"galvani/engine/rundir/memfs"
	"galvani/engine/safetensors"
)

func TestCreateNames(t *testing.T) {
	root := filepath.Join(t.TempDir(), "deep", "runs")
	for _, want := range []string{
		"20261103T141500Z-crnn-looming", "20261103T141500Z-crnn-looming-2", "20261103T141500Z-crnn-looming-3",
	} {
		r, err := rundir.Create(root, "crnn", "looming", day.In(time.FixedZone("", 3600)))
		must(t, err)
		if got := filepath.Base(r.Dir()); got != want {
			t.Errorf("directory %s, want %s", got, want)
		}
		must(t, r.Close())
	}
	for _, bad := range []string{"", "..", "a/b", "-x", "a b", "a\x00"} {
		_, err := rundir.Create(root, bad, "looming", day)
		wantError(t, err, rundir.ErrInvalid)
	}
}

func TestSaveLoad(t *testing.T) {
	r := create(t)
	for _, best := range []float64{0.5, math.Inf(-1), math.NaN(), math.Copysign(0, -1), 1e-310} {
		s := state(7, 100)
		s.Best = best
		must(t, r.Save(s))
		got, skipped, err := r.Latest()
		must(t, err)
		if len(skipped) != 0 {
			t.Errorf("skipped %v", skipped)
		}
		if math.Float64bits(got.Best) != math.Float64bits(best) {
			t.Errorf("best %v, want %v", got.Best, best)
		}
		if got.Path != filepath.Join(r.Dir(), "checkpoints", "step-000000000007.safetensors") {
			t.Errorf("path %s", got.Path)
		}
		got.Best = 0.5
		must(t, whole(got))
		if got.ConfigHash() != s.ConfigHash() {
			t.Error("config hash differs")
		}
	}
}

func TestSaveIsDeterministic(t *testing.T) {
	a, b := create(t), create(t)
	s := state(3, 50)
	must(t, a.Save(s))
	slices.Reverse(s.Tensors)
	must(t, b.Save(s))
	x, err := a.Read("checkpoints/step-000000000003.safetensors")
	must(t, err)
	y, err := b.Read("checkpoints/step-000000000003.safetensors")
	must(t, err)
	if string(x) != string(y) {
		t.Error("equal states give different files")
	}
}

func TestRetention(t *testing.T) {
	r := create(t)
	_, _, err := r.Latest()
	wantError(t, err, rundir.ErrNoCheckpoint)
	_, err = r.Best()
	wantError(t, err, rundir.ErrNoCheckpoint)
	names := func() string {
		paths, err := r.Checkpoints()
		must(t, err)
		var n []string
		for _, p := range paths {
			n = append(n, strings.TrimLeft(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(p), "step-"), ".safetensors"), "0"))
		}
		return strings.Join(n, " ")
	}
	for step := int64(1); step <= 6; step++ {
		must(t, r.Save(state(step, 4)))
		if step == 2 {
			must(t, r.SaveBest(state(step, 4)))
		}
	}
	if got := names(); got != "6 5 4" {
		t.Errorf("kept %q, want the last three: 6 5 4", got)
	}
	b, err := r.Best()
	must(t, err)
	if b.Step != 2 {
		t.Errorf("best is of step %d, want 2", b.Step)
	}
	// A run that goes on from before the newest checkpoint gives the later ones up.
	must(t, r.Save(state(5, 4)))
	if got := names(); got != "5 4" {
		t.Errorf("kept %q after saving step 5 again, want 5 4", got)
	}
	// Files of other origin are left alone.
	must(t, r.Write("checkpoints/step-9.safetensors", []byte("mine")))
	must(t, r.Write("checkpoints/notes.txt", []byte("mine")))
	must(t, r.Save(state(8, 4)))
	if got := names(); got != "8 5 4" {
		t.Errorf("kept %q, want 8 5 4", got)
	}
	for _, n := range []string{"step-9.safetensors", "notes.txt"} {
		_, err := r.Read("checkpoints/" + n)
		must(t, err)
	}
}

// TestDamagedDoesNotCount holds that three checkpoints are kept that can be loaded.
func TestDamagedDoesNotCount(t *testing.T) {
	r := create(t)
	for step := int64(1); step <= 3; step++ {
		must(t, r.Save(state(step, 4)))
	}
	must(t, r.Close())
	bad := filepath.Join(r.Dir(), "checkpoints", "step-000000000003.safetensors")
	must(t, os.Truncate(bad, 100))
	r, err := rundir.Open(r.Dir())
	must(t, err)
	for step, want := range []int{4, 4, 3, 3} { // the damaged one beside three, until it is older than all
		must(t, r.Save(state(int64(4+step), 4)))
		paths, err := r.Checkpoints()
		must(t, err)
		good := 0
		for _, p := range paths {
			if _, err := rundir.Load(p); err == nil {
				good++
			}
		}
		if len(paths) != want || good != 3 {
			t.Errorf("after step %d: %d checkpoints, %d of them whole, want %d and 3", 4+step, len(paths), good, want)
		}
	}
	must(t, r.Close())
}

func TestSaveRefuses(t *testing.T) {
	r := create(t)
	must(t, r.Save(state(1, 4)))
	for name, spoil := range map[string]func(*rundir.State){
		"negative step":   func(s *rundir.State) { s.Step = -1 },
		"step too large":  func(s *rundir.State) { s.Step = 1e12 },
		"negative cursor": func(s *rundir.State) { s.Cursor = -1 },
		"negative epoch":  func(s *rundir.State) { s.Epoch = -1 },
		"tensor twice":    func(s *rundir.State) { s.Tensors = append(s.Tensors, s.Tensors[0]) },
		"wrong shape":     func(s *rundir.State) { s.Tensors[0].Shape = []int{5} },
		"config not text": func(s *rundir.State) { s.Config = "\xff" },
	} {
		s := state(2, 4)
		spoil(s)
		if err := r.Save(s); !errors.Is(err, rundir.ErrInvalid) && !errors.Is(err, safetensors.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	s, _, err := r.Latest()
	must(t, err)
	must(t, whole(s))
}

func TestView(t *testing.T) {
	r := create(t)
	must(t, r.Save(state(1, 4)))
	must(t, os.WriteFile(filepath.Join(r.Dir(), "checkpoints", "x.tmp"), nil, 0o666))
	v, err := rundir.View(r.Dir())
	must(t, err)
	s, _, err := v.Latest()
	must(t, err)
	must(t, whole(s))
	wantError(t, v.Save(state(2, 4)), rundir.ErrInvalid)
	wantError(t, v.SaveBest(state(2, 4)), rundir.ErrInvalid)
	wantError(t, v.Write("a", nil), rundir.ErrInvalid)
	wantError(t, v.Append(day, 1, nil), rundir.ErrInvalid)
	wantError(t, v.Truncate(1), rundir.ErrInvalid)
	v.Log().Info("nowhere")
	must(t, v.Close())
	if _, err := r.Read("checkpoints/x.tmp"); err != nil {
		t.Errorf("a view swept: %v", err)
	}
}

func TestNotRun(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for path, why := range map[string]string{dir: "no folder checkpoints", filepath.Join(dir, "missing"): "no such folder", file: "a file"} {
		_, err := rundir.Open(path)
		wantError(t, err, rundir.ErrNotRun, path, why)
		_, err = rundir.View(path)
		wantError(t, err, rundir.ErrNotRun, path, why)
	}
}

func TestWrite(t *testing.T) {
	r := create(t)
	for _, content := range []string{"steps = 1\n", "steps = 2\n"} {
		must(t, r.Write("config.toml", []byte(content)))
		b, err := r.Read("config.toml")
		must(t, err)
		if string(b) != content {
			t.Errorf("read %q, want %q", b, content)
		}
	}
	for _, bad := range []string{"../x", "/x", ""} {
		wantError(t, r.Write(bad, nil), rundir.ErrInvalid)
	}
	_, err := r.Read("missing")
	wantError(t, err, rundir.ErrIO, "missing")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

func TestStatus(t *testing.T) {
	r := create(t)
	want := rundir.Status{Phase: rundir.Failed, Reason: "loss is not finite", Step: 12, Time: day}
	must(t, r.SetStatus(rundir.Status{Phase: rundir.Running, Time: day}))
	must(t, r.SetStatus(want))
	got, err := r.Status()
	must(t, err)
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	statusOfTheDead(t, r)
	must(t, r.Write("status.json", []byte(`{"phase":`)))
	_, err = r.Status()
	wantError(t, err, rundir.ErrCorrupt, "status.json")
}

// statusOfTheDead holds that a run whose process is gone is told from one that goes on.
func statusOfTheDead(t *testing.T, r *rundir.Run) {
	t.Helper()
	must(t, r.SetStatus(rundir.Status{Phase: rundir.Running, Time: day}))
	view, err := rundir.View(r.Dir())
	must(t, err)
	phase := func(who *rundir.Run, want rundir.Phase, reason string) {
		t.Helper()
		s, err := who.Status()
		must(t, err)
		if s.Phase != want || !strings.Contains(s.Reason, reason) || s.PID == 0 {
			t.Errorf("status is %+v, want %s because of %q", s, want, reason)
		}
	}
	phase(r, rundir.Running, "")
	phase(view, rundir.Running, "")
	must(t, r.Close()) // gives the lock back, as the end of the process does
	phase(view, rundir.Killed, "process is gone")
	next, err := rundir.Open(r.Dir())
	must(t, err)
	phase(next, rundir.Killed, "process is gone")
	must(t, next.SetStatus(rundir.Status{Phase: rundir.Running, Time: day}))
	phase(next, rundir.Running, "")
	must(t, next.Write("status.json", []byte(`{"phase":"running","pid":7,"host":"elsewhere"}`)))
	must(t, next.Close())
	phase(view, rundir.Running, "process 7 of host elsewhere")
	*r = *must1(rundir.Open(r.Dir()))(t)
}

func must1[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func TestEnv(t *testing.T) {
	r := create(t)
	e := rundir.NewEnv("v1", "cpu", 7)
	if e.CPU == "" || e.Cores < 1 || !strings.HasPrefix(e.Go, "go") && !strings.HasPrefix(e.Go, "devel") {
		t.Errorf("machine is not described: %+v", e)
	}
	must(t, r.WriteEnv(e))
	b, err := r.Read("env.json")
	must(t, err)
	for _, want := range []string{`"version": "v1"`, `"device": "cpu"`, `"seed": 7`, `"modules": [`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("env.json lacks %s:\n%s", want, b)
		}
	}
}

func TestPlot(t *testing.T) {
	r := create(t)
	wantChart := chart.Lines{Title: "Loss", Series: []chart.Series{{X: []float64{0, 1}, Y: []float64{1, 0}}}}
	must(t, r.Plot("loss", wantChart, chart.Formats[:]...))
	for _, f := range chart.Formats {
		got, err := r.Read("plots/loss." + f)
		must(t, err)
		want, err := wantChart.Render(f)
		must(t, err)
		if string(got) != string(want) {
			t.Errorf("plots/loss.%s is not the chart", f)
		}
	}
	if err := r.Plot("none", chart.Lines{}, "svg"); !errors.Is(err, chart.ErrEmpty) {
		t.Errorf("got %v, want chart.ErrEmpty", err)
	}
}

func TestLog(t *testing.T) {
	r := create(t)
	r.Log().Warn("careful", "step", 3)
	b, err := r.Read("log.jsonl")
	must(t, err)
	if !strings.Contains(string(b), `"msg":"careful","step":3}`) {
		t.Errorf("log.jsonl holds %q", b)
	}
}

// TestReadOnly needs a user that permissions bind; TestFaults has EROFS for all.
func TestReadOnly(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	root := t.TempDir()
	r, err := rundir.Create(root, "crnn", "looming", day)
	must(t, err)
	must(t, r.Save(state(1, 4)))
	must(t, r.Close())
	for _, d := range []string{root, r.Dir(), filepath.Join(r.Dir(), "checkpoints")} {
		must(t, os.Chmod(d, 0o555))
		defer os.Chmod(d, 0o777)
	}
	must(t, os.Chmod(filepath.Join(r.Dir(), "lock"), 0o444))
	_, err = rundir.Create(root, "crnn", "looming", day)
	wantError(t, err, rundir.ErrIO, "permission denied; choose a folder that can be written")
	_, err = rundir.Open(r.Dir())
	wantError(t, err, rundir.ErrIO, "permission denied")
	v, err := rundir.View(r.Dir())
	must(t, err)
	s, _, err := v.Latest()
	must(t, err)
	must(t, whole(s))
}

// TestRootIsFile has a file where the folder of runs should be.
func TestRootIsFile(t *testing.T) {
	root := filepath.Join(t.TempDir(), "runs")
	must(t, os.WriteFile(root, nil, 0o666))
	_, err := rundir.Create(root, "crnn", "looming", day)
	wantError(t, err, rundir.ErrIO, root, "not a directory")
}

// TestSyscallOrder wants fsync of the file before the rename, fsync of the directory behind it.
func TestSyscallOrder(t *testing.T) {
	disk := memfs.New()
	r, err := rundir.CreateOn(disk, "runs", "crnn", "looming", day)
	must(t, err)
	var calls []string
	disk.Before = func(call, name string) error {
		if call != "Write" && call != "Read" {
			calls = append(calls, call+" "+filepath.Base(name))
		}
		return nil
	}
	must(t, r.Save(state(1, 4)))
	want := []string{
		"Create step-000000000001.safetensors.tmp", "Sync step-000000000001.safetensors.tmp",
		"Close step-000000000001.safetensors.tmp", "Open step-000000000001.safetensors.tmp",
		"Rename step-000000000001.safetensors.tmp", "SyncDir checkpoints", "List checkpoints",
	}
	if !slices.Equal(calls, want) {
		t.Errorf("calls %q, want %q", calls, want)
	}
}

// TestFsync watches the real disk through strace, since a kill alone never tests fsync.
func TestFsync(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("no strace on this machine")
	}
	program, err := os.Executable()
	must(t, err)
	out, err := exec.Command(strace, "-f", "-y", "-e", "trace=fsync,rename,renameat,renameat2", program, "-test.run", "^TestSaveLoad$").CombinedOutput()
	if strings.Contains(string(out), "ptrace") {
		t.Skipf("strace may not trace here: %s", out)
	}
	must(t, err)
	var calls []string
	for line := range strings.Lines(string(out)) {
		for _, call := range [][2]string{
			{"fsync(", "step-000000000007.safetensors.tmp>"}, {"rename", "step-000000000007.safetensors"}, {"fsync(", "/checkpoints>"},
		} {
			if strings.Contains(line, call[0]) && strings.Contains(line, call[1]) {
				calls = append(calls, call[0]+" "+call[1])
				break
			}
		}
	}
	want := []string{"fsync( step-000000000007.safetensors.tmp>", "rename step-000000000007.safetensors", "fsync( /checkpoints>"}
	if len(calls) < len(want) || !slices.Equal(calls[:3], want) {
		t.Errorf("calls %q, want %q over and over", calls, want)
	}
}
