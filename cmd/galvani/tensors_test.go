package main

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/data"
	"galvani/engine/safetensors"
)

// ownBatch reads a batch of two steps of two sequences from a file with more tensors.
func ownBatch(t *testing.T, task *data.Task, more ...safetensors.Tensor) (*data.Batch, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in")
	list := append([]safetensors.Tensor{safetensors.Float32("x", []int{2, 2, 1}, make([]float32, 4)), safetensors.Int32("y", []int{2}, []int32{0, 1})}, more...)
	if err := writeTensors(path, list, nil); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return readBatch(task, f)
}

// TestBadMask holds masks of files to 0 and 1, to lengths of steps for tasks that have those, and to 1 where a task has none.
func TestBadMask(t *testing.T) {
	inf := float32(math.Inf(1))
	masked, irregular, bare := &data.Task{Masked: true}, &data.Task{Masked: true, Irregular: true}, &data.Task{}
	for _, task := range []*data.Task{masked, irregular, bare} {
		task.T, task.I, task.O, task.Goal = 2, 1, 2, data.Classify
	}
	for _, tt := range []struct {
		task *data.Task
		mask [4]float32
		want string
	}{
		{masked, [4]float32{1, 1, 1, 0}, ""},
		{masked, [4]float32{1, 1, 2, 1}, "mask holds 2 at step 1 of sequence 0, want 0 or 1"},
		{irregular, [4]float32{0.5, 3, 0, 2}, ""},
		{irregular, [4]float32{1, -0.5, 1, 1}, "mask holds -0.5 at step 0 of sequence 1, want lengths"},
		{irregular, [4]float32{1, 1, 1, inf}, "mask holds +Inf at element 3, want numbers that float32 holds"},
		{irregular, [4]float32{inf - inf, 1, 1, 1}, "mask holds NaN at element 0"},
		{bare, [4]float32{1, 1, 1, 1}, ""},
		{bare, [4]float32{1, 1, 1, 0}, "mask is not 1 everywhere, and this task has sequences of one length"},
	} {
		b, err := ownBatch(t, tt.task, safetensors.Float32("mask", []int{2, 2}, tt.mask[:]))
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("mask %v: %v", tt.mask, err)
		case tt.want == "" && tt.task.Masked && !slices.Equal(b.Mask, tt.mask[:]):
			t.Errorf("mask is %v, want %v", b.Mask, tt.mask)
		case tt.want != "" && (!errors.Is(err, errInput) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("mask %v: error %v, want %q", tt.mask, err, tt.want)
		}
	}
}

// TestMisspeltTensor refuses what would be left out in silence, and takes what a trace holds besides.
func TestMisspeltTensor(t *testing.T) {
	task := &data.Task{T: 2, I: 1, O: 2, Goal: data.Classify, Masked: true}
	ones := func(name string) safetensors.Tensor {
		return safetensors.Float32(name, []int{2}, []float32{1, 1})
	}
	if _, err := ownBatch(t, task, ones("weights")); !errors.Is(err, errInput) || !strings.Contains(err.Error(), `did you mean "weight"?`) {
		t.Errorf("error of weights is %v", err)
	}
	if _, err := ownBatch(t, task, ones("weight"), ones("weights"), ones("h"), ones("logits"), ones("loss"), ones("state.c"), ones("grad.cell.W"), ones("weights.cell.W")); err != nil {
		t.Errorf("error of what a trace holds is %v", err)
	}
}
