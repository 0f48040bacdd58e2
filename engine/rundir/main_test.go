package rundir_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"galvani/engine/rundir"
	"galvani/engine/rundir/memfs"
	"galvani/engine/safetensors"

	"go.uber.org/goleak"
)

var day = time.Date(2026, 11, 3, 14, 15, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		os.Exit(writer(dir))
	}
	goleak.VerifyTestMain(m)
}

// state returns a state whose every field follows from step.
func state(step int64, elements int) *rundir.State {
	w := make([]float32, elements)
	for i := range w {
		w[i] = float32(step)*0.5 - float32(i)
	}
	return &rundir.State{
		Step: step, Epoch: step / 10, Cursor: step % 10, Seed: 1<<64 - 1, Config: fmt.Sprintf("steps = %d\n", step),
		Version: "test", Device: "cpu", Model: "crnn", Task: "looming", Best: 0.5,
		Extra: map[string]string{"loss": fmt.Sprint(step)},
		Tensors: []safetensors.Tensor{
			safetensors.Float32("cell.W", []int{elements}, w),
			safetensors.Float32(rundir.SlotName("m", "cell.W"), []int{elements}, w),
		},
	}
}

// whole reports whether s is state(s.Step, …) in every field.
func whole(s *rundir.State) error {
	if len(s.Tensors) != 2 {
		return fmt.Errorf("step %d: %d tensors, want 2", s.Step, len(s.Tensors))
	}
	want := state(s.Step, len(s.Tensors[0].Data)/4)
	for _, w := range want.Tensors {
		got, _ := s.Tensor(w.Name)
		if string(got.Data) != string(w.Data) || !slices.Equal(got.Shape, w.Shape) {
			return fmt.Errorf("step %d: tensor %s differs", s.Step, w.Name)
		}
	}
	got := *s
	got.Tensors, want.Tensors, got.Path = nil, nil, ""
	if a, b := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", *want); a != b {
		return fmt.Errorf("got %s, want %s", a, b)
	}
	return nil
}

func create(t *testing.T) *rundir.Run {
	t.Helper()
	r, err := rundir.Create(t.TempDir(), "crnn", "looming", day)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// inMemory returns a run on a disk in memory, for tests that write very often.
func inMemory(t *testing.T) (*memfs.FS, *rundir.Run) {
	t.Helper()
	disk := memfs.New()
	r, err := rundir.CreateOn(disk, "runs", "crnn", "looming", day)
	must(t, err)
	t.Cleanup(func() { must(t, r.Close()) })
	return disk, r
}

// overwrite replaces the content of a file behind the back of the run.
func overwrite(t *testing.T, disk *memfs.FS, path string, content []byte) {
	t.Helper()
	f, err := disk.Create(path)
	must(t, err)
	_, err = f.Write(content)
	must(t, err)
	must(t, f.Close())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError checks kind and shape of an error: one line that names what it is about.
func wantError(t *testing.T, err, kind error, parts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want %v", err, kind)
		return
	}
	for _, p := range append(parts, "rundir: ") {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("message %q does not say %q", err, p)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("message %q has more than one line", err)
	}
}
