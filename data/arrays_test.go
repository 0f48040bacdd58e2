package data

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/engine/npz"
	"galvani/engine/safetensors"
)

// floats returns an array of the numbers 0, 1, 2 and so on, plus a first one.
func floats(name string, first float32, shape ...int) safetensors.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = first + float32(i)
	}
	return safetensors.Float32(name, shape, v)
}

func labels(name string, v []int64, shape ...int) safetensors.Tensor {
	return safetensors.Int64(name, shape, v)
}

// files writes files of arrays, and others as they are, into a folder.
func files(t *testing.T, content map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	for name, c := range content {
		var b bytes.Buffer
		var err error
		switch c := c.(type) {
		case string:
			b.WriteString(c)
		case []safetensors.Tensor:
			if filepath.Ext(name) == ".npz" {
				err = npz.Write(&b, c)
			} else {
				err = safetensors.Write(&b, c, nil)
			}
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

type tensors = []safetensors.Tensor

// TestArrays holds what is read from files to batches, for every form in which arrays may stand.
func TestArrays(t *testing.T) {
	// Two sequences of three and two steps with two inputs; x of sequence n and step t is 10n+2t and the number behind it.
	x := []float32{0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 0, 0}
	turned := []float32{0, 1, 10, 11, 2, 3, 12, 13, 4, 5, 0, 0}
	ragged := x[:10]
	each := []int64{0, 0, 1, 0, 2, -100}
	eachTurned := []int64{0, 0, 0, 2, 1, -100}
	f := safetensors.Float32
	lengths := labels("lengths", []int64{3, 2}, 2)
	mask := []float32{1, 1, 1, 1, 1, 0}
	for name, tt := range map[string]struct {
		file   map[string]any
		x      []float32 // [T,B,I]
		label  []float32
		value  []float32
		weight []float32
		mask   []float32
		O      int
	}{
		"steps": {file: map[string]any{"train.npz": tensors{f("x", []int{2, 3, 2}, x), labels("label", each, 2, 3)}},
			x: turned, label: []float32{0, 0, 0, 2, 1, 0}, weight: []float32{1, 1, 1, 1, 1, 0}, O: 3},
		"time first": {file: map[string]any{"train.safetensors": tensors{f("x", []int{3, 2, 2}, turned), labels("label", eachTurned, 3, 2)}, "data.toml": "layout = \"time\""},
			x: turned, label: []float32{0, 0, 0, 2, 1, 0}, weight: []float32{1, 1, 1, 1, 1, 0}, O: 3},
		"lengths": {file: map[string]any{"train.npz": tensors{f("x", []int{2, 3, 2}, x), labels("label", []int64{1, 0}, 2), lengths}},
			x: turned, label: []float32{1, 0}, weight: []float32{1, 1}, mask: []float32{1, 1, 1, 1, 1, 0}, O: 2},
		"behind each other": {file: map[string]any{"train.npz": tensors{f("x", []int{5, 2}, ragged), labels("label", []int64{0, 0, 1, 0, 2}, 5), lengths}},
			x: turned, label: []float32{0, 0, 0, 2, 1, 0}, weight: []float32{1, 1, 1, 1, 1, 0}, mask: []float32{1, 1, 1, 1, 1, 0}, O: 3},
		"mask and values": {file: map[string]any{"train.npz": tensors{f("x", []int{2, 3, 2}, x), f("y", []int{2, 3, 1}, []float32{1, 2, 3, 4, 5, 6}), f("mask", []int{2, 3}, mask),
			f("weight", []int{2, 3}, []float32{1, 1, 2, 1, 0, 3})}},
			x: turned, value: []float32{1, 4, 2, 0, 3, 0}, weight: []float32{1, 1, 1, 0, 2, 0}, mask: []float32{1, 1, 1, 1, 1, 0}, O: 1},
		"values at the end": {file: map[string]any{"train.npz": tensors{f("x", []int{2, 3, 2}, x), f("y", []int{2, 2}, []float32{1, 2, 3, 4}), f("weight", []int{2}, []float32{0.5, 2})}},
			x: turned, value: []float32{1, 2, 3, 4}, weight: []float32{0.5, 2}, O: 2},
		"one file": {file: map[string]any{"data.npz": tensors{f("x_train", []int{2, 3, 2}, x), labels("label_train", []int64{1, 0}, 2), floats("x_test", 0, 1, 3, 2), labels("label_test", []int64{3}, 1)}},
			x: turned, label: []float32{1, 0}, weight: []float32{1, 1}, O: 4},
		"bytes": {file: map[string]any{"train.npz": tensors{safetensors.Uint8("x", []int{2, 3, 2}, []uint8{0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 0, 0}), safetensors.Uint8("label", []int{2}, []uint8{1, 0})}},
			x: turned, label: []float32{1, 0}, weight: []float32{1, 1}, O: 2},
	} {
		t.Run(name, func(t *testing.T) {
			for _, ending := range endings { // the same for training and test, where there is no other test
				if train, ok := tt.file["train"+ending]; ok {
					tt.file["test"+ending] = train
				}
			}
			task, err := (&Arrays{}).Open(Env{Dir: files(t, tt.file)})
			if err != nil {
				t.Fatal(err)
			}
			b := NewBatch(task, 2)
			for col := range 2 {
				if err := task.Train.Fill(b, col, 0, col); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(b.X, tt.x) || !slices.Equal(b.Label, tt.label) || !slices.Equal(b.Value, tt.value) || !slices.Equal(b.Weight, tt.weight) || !slices.Equal(b.Mask, tt.mask) {
				t.Errorf("batch %+v, want %+v", b, tt)
			}
			if task.O != tt.O || task.T != 3 || task.I != 2 || task.Every != (len(b.Weight) == 6) {
				t.Errorf("task T=%d I=%d O=%d", task.T, task.I, task.O)
			}
			if digest, err := task.Digest(); err != nil || digest == "" {
				t.Errorf("digest %q, error %v", digest, err)
			}
		})
	}
}

// TestContinued holds that the sequences of a recording in pieces which are left to training, validation and test follow each
// other.
func TestContinued(t *testing.T) {
	dir := files(t, map[string]any{"train.npz": tensors{floats("x", 0, 10, 5), floats("y", 0, 10, 5)}})
	task, err := (&Arrays{TestPart: 0.2, Continued: true}).Open(Env{Dir: dir, Validation: 0.25})
	if err != nil {
		t.Fatal(err)
	}
	b, next := NewBatch(task, 1), float32(0)
	for _, set := range []Set{task.Train, task.Validation, task.Test} {
		for k := range set.Len() {
			if err := set.Fill(b, 0, 0, k); err != nil || b.X[0] != next {
				t.Errorf("a sequence begins with %v (%v), want %v", b.X[0], err, next)
			}
			next += 5
		}
	}
	if next != 50 || task.Validation.Len() != 2 {
		t.Errorf("%v steps and %d sequences of validation, want 50 and 2", next, task.Validation.Len())
	}
}

// TestArraysTrials holds how sequences are decided, that a part of them can make the test, and what data.toml adds.
func TestArraysTrials(t *testing.T) {
	var label []int64
	for n := range 10 {
		label = append(label, 0, 0, int64(1+n%2), int64(1+n%2), 0)
	}
	dir := files(t, map[string]any{"train.npz": tensors{floats("x", 0, 10, 5), labels("label", label, 10, 5)},
		"data.toml": "doc = \"clicks\"\nmetric = \"trials\"\nclasses = [\"fixate\", \"left\", \"right\"]\nx_unit = \"Hz\"\ninputs = [\"rate\"]\nstep_ms = 20"})
	task, err := (&Arrays{TestPart: 0.3}).Open(Env{Dir: dir, Validation: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	if task.Train.Len() != 6 || task.Validation.Len() != 1 || task.Test.Len() != 3 || task.Classes[2] != "right" ||
		strings.Join(task.Notes, "; ") != "clicks; x in Hz: rate; a step is 20 ms" {
		t.Errorf("%d, %d and %d sequences, classes %v, notes %v", task.Train.Len(), task.Validation.Len(), task.Test.Len(), task.Classes, task.Notes)
	}
	trial := task.Test.(Trials).Trial(0, 0) // sequence 7
	if trial.Choice != 2 || trial.Right([]int{0, 1, 2, 0, 0}) != true || trial.Right([]int{0, 0, 1, 2, 2}) || trial.Right([]int{2, 2, 0, 0, 2}) {
		t.Errorf("trial %+v", trial)
	}
	b := NewBatch(task, 1)
	if err := task.Test.Fill(b, 0, 0, 0); err != nil || b.X[0] != 35 || b.Decisions[0] != (Decision{2, 4, 2, 2, 3}) {
		t.Errorf("x %v, decision %+v, error %v", b.X, b.Decisions[0], err)
	}
}

// TestArraysRefuse holds that an error names file and array, and says what to do.
func TestArraysRefuse(t *testing.T) {
	x, ok := floats("x", 0, 2, 3, 2), labels("label", []int64{0, 1}, 2)
	nan := floats("x", 0, 2, 3, 2)
	copy(nan.Data[4*7:], []byte{0, 0, 0xc0, 0x7f})
	with := func(list ...safetensors.Tensor) map[string]any {
		return map[string]any{"train.npz": tensors(list), "test.npz": tensors{x, ok}}
	}
	about := func(text string, list ...safetensors.Tensor) map[string]any {
		m := with(append(tensors{x}, list...)...)
		m["data.toml"] = text
		return m
	}
	for says, file := range map[string]map[string]any{
		"train.npz: the file is missing, want train.npz":                                 {},
		"missing beside mine.npz":                                                        {"mine.npz": "x"},
		"test set is missing, want test.npz":                                             {"train.npz": tensors{x, ok}},
		"are both there; remove one":                                                     {"train.npz": tensors{x, ok}, "train.safetensors": tensors{x, ok}},
		"train.npz and ":                                                                 {"train.npz": tensors{x, ok}, "data.safetensors": tensors{x, ok}},
		"array mask is 0 throughout sequence 1, want a step that counts":                 with(x, ok, safetensors.Float32("mask", []int{2, 3}, []float32{0, 0, 1, 0, 0, 0})),
		`classes is "a" twice, want a name of its own for each`:                          about(`classes = ["a", "b", "a"]`, ok),
		"outputs is given, want none with label":                                         about(`outputs = ["a", "b"]`, ok),
		"y_unit is given, want none with label":                                          about(`y_unit = "mV"`, ok),
		"array X_test is unknown":                                                        {"data.npz": tensors{floats("x_train", 0, 2, 3, 2), labels("label_train", []int64{0, 1}, 2), floats("X_test", 0, 2, 3, 2), labels("label_test", []int64{0, 1}, 2)}},
		"train.npz: npz: no zip archive":                                                 {"train.npz": "PK", "test.npz": "PK"},
		"array x is missing, want x and label or y":                                      with(ok),
		"array label is missing, want x and label or y":                                  with(x),
		"array y is beside label, want one of the two":                                   with(x, ok, floats("y", 0, 2)),
		"array mask is beside lengths":                                                   with(x, ok, floats("mask", 1, 2, 3), labels("lengths", []int64{1, 1}, 2)),
		"array x is [2,3,2,1], want [N,T,I]":                                             with(floats("x", 0, 2, 3, 2, 1), ok),
		"array x is [4], want [N,T,I]":                                                   with(floats("x", 0, 4), ok),
		"array x is empty: [2,0,2]":                                                      with(floats("x", 0, 2, 0, 2), ok),
		"array x is NaN at x[1,0,1], want finite numbers":                                with(nan, ok),
		"array label is [3], want [2,3] or [2], as x is [2,3,2]; sequences come first":   with(x, labels("label", []int64{0, 1, 0}, 3)),
		"array label is [3,2], want [2,3] or [2], as x is [2,3,2]; sequences come first": with(x, labels("label", make([]int64, 6), 3, 2)),
		"array label is -1 at label[1], want whole numbers from 0, or -100":              with(x, labels("label", []int64{0, -1}, 2)),
		"array label is 0.5 at label[0]":                                                 with(x, floats("label", 0.5, 2)),
		"array label is -100 everywhere":                                                 with(x, labels("label", []int64{-100, -100}, 2)),
		"the largest label is 70000, want fewer than 65536 classes":                      with(x, labels("label", []int64{0, 70000}, 2)),
		"array y is [2,4,1], want [2,3,1] or [2,1]":                                      with(x, floats("y", 0, 2, 4, 1)),
		"array weights is unknown, want one of x, label, y, weight, mask, lengths; if it is weight, name it so": with(x, ok, floats("weights", 1, 2)),
		"array length is unknown":                                          with(x, ok, labels("length", []int64{1, 2}, 2)),
		"array Mask is unknown":                                            with(x, ok, floats("Mask", 1, 2, 3)),
		"array weight is -1 at weight[0], want at least 0":                 with(x, ok, floats("weight", -1, 2)),
		"array weight is 0 everywhere":                                     with(x, ok, safetensors.Float32("weight", []int{2}, []float32{0, 0})),
		"array weight is [2,3], want [2], since there is one target":       with(x, ok, floats("weight", 0, 2, 3)),
		"array mask is [2], want [2,3]":                                    with(x, ok, floats("mask", 0, 2)),
		"array mask is 2 at mask[0,2], want 0 or 1":                        with(x, ok, floats("mask", 0, 2, 3)),
		"array lengths is 4 at [1], want at most the 3 steps of x [2,3,2]": with(x, ok, labels("lengths", []int64{1, 4}, 2)),
		"array label is [2,2], want [2,3] or [2], as x is [2,3,2]; of one-hot labels write label.argmax(-1)": with(x, labels("label", make([]int64, 4), 2, 2)),
		"array lengths is 0 at [0], want whole numbers from 1":                                               with(x, ok, labels("lengths", []int64{0, 2}, 2)),
		"array lengths is [3], want 2 numbers, one for each sequence of x":                                   with(x, ok, labels("lengths", []int64{1, 2, 3}, 3)),
		"array lengths is [2,1], want [N]":                                                                   with(x, ok, labels("lengths", []int64{1, 2}, 2, 1)),
		"test.npz: array x is [2,3,2], with 2 inputs, want 1, as in":                                         with(floats("x", 0, 2, 3), ok),
		"test.npz: the target is label for each sequence, want y of 1 values for each seq":                   with(x, floats("y", 0, 2)),
		`unknown key "clases"; did you mean "classes"?`:                                                      about("clases = []", ok),
		`metric is "acc", want accuracy or trials`:                                                           about(`metric = "acc"`, ok),
		`metric is trials, want accuracy, since trials need a label at each step`:                            about(`metric = "trials"`, ok),
		"array label is 1 at label[1], want 0 to 0 for the 1 classes of data.toml":                           about(`classes = ["a"]`, ok),
		"inputs is 1 names, want 2, as the arrays have":                                                      about(`inputs = ["a"]`, ok),
		"its text is ": about("classes = 3", ok),
	} {
		dir := files(t, file)
		_, err := (&Arrays{}).Open(Env{Dir: dir})
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrMissing) && !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), says) ||
			!strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q and the path", err, says)
		}
	}
	halves := map[string]any{"data.npz": tensors{floats("x_train", 0, 2, 3, 2), labels("label_train", []int64{0, 1}, 2), floats("x_test", 0, 2, 3, 2), labels("label_test", []int64{0, 1}, 2), labels("lengths", []int64{1, 2}, 2)}}
	if _, err := (&Arrays{}).Open(Env{Dir: files(t, halves)}); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "if it is lengths_train, name it so") {
		t.Errorf("error of lengths of no half is %v", err)
	}
	dir := files(t, with(x, ok))
	if _, err := (&Arrays{TestPart: 0.5}).Open(Env{Dir: dir}); !errors.Is(err, ErrConfig) {
		t.Errorf("a part for the test beside a test: error %v", err)
	}
}

// TestArraysUnread holds that arrays that are not read are told.
func TestArraysUnread(t *testing.T) {
	x, ok := floats("x", 0, 2, 3, 2), labels("label", []int64{0, 1}, 2)
	dir := files(t, map[string]any{"train.npz": tensors{x, ok, floats("subject", 0, 2), labels("labels", []int64{0, 1}, 2)}, "test.npz": tensors{x, ok}})
	task, err := (&Arrays{}).Open(Env{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if want := "not read of " + filepath.Join(dir, "train.npz") + ": subject, labels"; !slices.Contains(task.Notes, want) {
		t.Errorf("notes %q, want %q", task.Notes, want)
	}
}

// TestArraysTold holds that y [N,T], which may have been meant as a value at each step, is told as what it is taken for.
func TestArraysTold(t *testing.T) {
	for _, tt := range []struct {
		y    safetensors.Tensor
		want []string
	}{
		{floats("y", 0, 2, 3), []string{"y is [2,3]: 3 values at the end of each sequence; for one at each step write [2,3,1]"}},
		{floats("y", 0, 2, 2), nil},
		{floats("y", 0, 2, 3, 1), nil},
	} {
		half := tensors{floats("x", 0, 2, 3, 2), tt.y}
		task, err := (&Arrays{}).Open(Env{Dir: files(t, map[string]any{"train.npz": half, "test.npz": half})})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(task.Notes, tt.want) {
			t.Errorf("of y %v notes %q, want %q", tt.y.Shape, task.Notes, tt.want)
		}
	}
}

// TestArraysCount holds that each part has a target that counts: of ten sequences with one such target either training or
// validation has none.
func TestArraysCount(t *testing.T) {
	x, ok := floats("x", 0, 10, 3, 2), labels("label", make([]int64, 10), 10)
	for k := range 10 {
		weight := make([]float32, 10)
		weight[k] = 1
		dir := files(t, map[string]any{"train.npz": tensors{x, ok, safetensors.Float32("weight", []int{10}, weight)}, "test.npz": tensors{x, ok}})
		_, err := (&Arrays{}).Open(Env{Dir: dir, Validation: 0.3})
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), dir+": none of the 3 validation sequences has a target that counts") &&
			!strings.Contains(err.Error(), dir+": none of the 7 training sequences") {
			t.Errorf("with a target of sequence %d alone: %v", k, err)
		}
		if _, err := (&Arrays{}).Open(Env{Dir: dir}); err != nil {
			t.Errorf("without validation: %v", err)
		}
	}
}

// TestNoTestSetIsSaidFirst holds that no training set is read, which may be large, where the test set is missing: this one
// cannot be.
func TestNoTestSetIsSaidFirst(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "train.npz"), []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Arrays{}
	if _, err := c.Open(Env{Dir: dir}); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "the test set") {
		t.Errorf("got %v, want that the test set is missing", err)
	}
}

// TestNumbersTakeMemory holds that numbers of the type that is computed with stay where they were read.
func TestNumbersTakeMemory(t *testing.T) {
	x := safetensors.Float32("x", []int{1 << 16}, make([]float32, 1<<16))
	var v numbers
	if n := testing.AllocsPerRun(5, func() { v = newNumbers(x) }); n != 0 || len(v.f) != 1<<16 {
		t.Errorf("%v allocations for %d numbers", n, len(v.f))
	}
}
