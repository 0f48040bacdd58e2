package data

import (
	"bytes"
	"compress/gzip"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pictures writes a collection of MNIST's format with the given labels, one plain grey picture
// each, and returns the data folder.
func pictures(t *testing.T, dir string, halves [2]string, training, tested []byte) string {
	t.Helper()
	for k, labels := range [][]byte{training, tested} {
		n := uint32(len(labels))
		mustWrite(t, filepath.Join(dir, halves[k]+"-labels-idx1-ubyte"), idx(labels, idxLabels, n))
		mustWrite(t, filepath.Join(dir, halves[k]+"-images-idx3-ubyte.gz"), gzipped(t, idx(make([]byte, len(labels)*digitBytes), idxImages, n, 28, 28), gzip.BestSpeed))
	}
	return dir
}

// span returns the labels from first to last.
func span(first, last int) (labels []byte) {
	for k := first; k <= last; k++ {
		labels = append(labels, byte(k))
	}
	return labels
}

// TestCountClasses: the labels of collections of one format tell how many classes there are.
func TestCountClasses(t *testing.T) {
	for _, c := range []struct {
		name             string
		training, tested []byte
		first            byte
		classes          int
		one              string // name of the second class
	}{
		{"digits", span(0, 9), span(0, 9), 0, 10, "1"},
		{"some digits", []byte{3, 7}, []byte{1}, 0, 10, "1"},
		{"digits without 0", span(1, 9), span(1, 9), 0, 10, "1"},
		{"letters from 1", span(1, 26), []byte{26, 1}, 1, 26, "B"},
		{"some letters", []byte{1, 20}, []byte{3}, 1, 26, "B"},
		{"balanced", span(0, 46), span(0, 46), 0, 47, "1"},
		{"some of balanced", []byte{0, 46}, []byte{9}, 0, 47, "1"},
		{"by class", span(0, 61), []byte{61}, 0, 62, "1"},
		{"some of by class", []byte{31, 25, 1, 55}, []byte{9}, 0, 62, "1"},
		{"counted", span(0, 48), []byte{48}, 0, 49, "1"},
		{"counted from 1", span(1, 40), []byte{40}, 1, 40, "2"},
		{"many", span(0, 255), []byte{3}, 0, 256, "1"},
	} {
		task := open(t, "mnist-rows", Env{Dir: pictures(t, t.TempDir(), mnistHalves, c.training, c.tested)}, nil)
		if task.O != c.classes || len(task.Classes) != c.classes || task.Classes[1] != c.one {
			t.Errorf("%s: %d outputs, classes %v, want %d and %q second", c.name, task.O, task.Classes, c.classes, c.one)
		}
		if told := len(task.Notes) > 0; told != (c.classes != 10) {
			t.Errorf("%s: notes %q", c.name, task.Notes)
		}
		b := NewBatch(task, 1)
		if err := task.Train.Fill(b, 0, 0, 0); err != nil || b.Label[0] != float32(c.training[0]-c.first) {
			t.Errorf("%s: label %v, error %v, want %d", c.name, b.Label[0], err, c.training[0]-c.first)
		}
	}
	for _, bad := range [][]byte{{0, 1, 62}, {0, 255}, {1, 200}} {
		_, err := openAuto(pictures(t, t.TempDir(), mnistHalves, bad, []byte{0}))
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("labels %v: error is %v, want ErrCorrupt", bad, err)
		}
		wantOneLine(t, err, "train-labels-idx1-ubyte: label at offset")
	}
}

func openAuto(dir string) (*Task, error) {
	e, err := Lookup("mnist-rows")
	if err != nil {
		return nil, err
	}
	return e.New().Open(Env{Dir: dir})
}

// TestFamilies finds the collections under their own names and in the folders that other programs
// make, and asks where there are several.
func TestFamilies(t *testing.T) {
	for _, c := range []struct {
		folder string
		halves [2]string
		labels []byte
		first  string
		note   string
	}{
		{"MNIST/raw", mnistHalves, span(0, 9), "0", ""},
		{"FashionMNIST/raw", mnistHalves, span(0, 9), "T-shirt/top", "fashion, 10 classes"},
		{"KMNIST/raw", mnistHalves, span(0, 9), "o", "kmnist, 10 classes"},
		{"EMNIST/raw", [2]string{"emnist-letters-train", "emnist-letters-test"}, span(1, 26), "A", "letters, 26 classes"},
		{"gzip", [2]string{"emnist-byclass-train", "emnist-byclass-test"}, []byte{3, 4}, "0", "byclass, 62 classes"},
		{"", [2]string{"emnist-balanced-train", "emnist-balanced-test"}, []byte{3, 4}, "0", "balanced, 47 classes"},
	} {
		dir := t.TempDir()
		pictures(t, filepath.Join(dir, c.folder), c.halves, c.labels, c.labels)
		task := open(t, "mnist-pixels", Env{Dir: dir}, nil)
		if task.Classes[0] != c.first || task.Train.Len() != len(c.labels) {
			t.Errorf("%s: classes %v, %d samples", c.folder, task.Classes, task.Train.Len())
		}
		if c.note == "" && len(task.Notes) > 0 || !strings.Contains(strings.Join(task.Notes, "\n"), c.note) {
			t.Errorf("%s: notes %q, want %q", c.folder, task.Notes, c.note)
		}
	}

	dir := t.TempDir()
	pictures(t, filepath.Join(dir, "FashionMNIST/raw"), mnistHalves, span(0, 9), span(0, 9))
	pictures(t, dir, [2]string{"emnist-letters-train", "emnist-letters-test"}, span(1, 26), span(1, 26))
	_, err := openAuto(dir)
	if !errors.Is(err, ErrConfig) {
		t.Errorf("error is %v, want ErrConfig", err)
	}
	wantOneLine(t, err, "holds fashion, letters; choose one with --collection")
	task := open(t, "mnist-rows", Env{Dir: dir}, func(c Config) { c.(*MNIST).Collection = "letters" })
	if task.O != 26 {
		t.Errorf("%d classes, want 26", task.O)
	}
	// Named, a collection may lie where MNIST does.
	task = open(t, "mnist-rows", Env{Dir: filepath.Join(dir, "FashionMNIST")}, func(c Config) { c.(*MNIST).Collection = "fashion" })
	if task.Classes[9] != "ankle boot" {
		t.Errorf("classes %v", task.Classes)
	}
	// MNIST goes before all others.
	pictures(t, filepath.Join(dir, "MNIST/raw"), mnistHalves, span(0, 9), span(0, 9))
	if task = open(t, "mnist-rows", Env{Dir: dir}, nil); task.Classes[0] != "0" || task.O != 10 {
		t.Errorf("classes %v", task.Classes)
	}
	mustWrite(t, filepath.Join(dir, "emnist-letters-test-labels-idx1-ubyte"), idx(span(2, 27), idxLabels, 26))
	c := &MNIST{Pictures: Pictures{"letters"}, name: "mnist-rows", perStep: 28}
	_, err = c.Open(Env{Dir: dir})
	wantOneLine(t, err, "emnist-letters-test-labels-idx1-ubyte: label at offset 33 is 27, want 1 to 26; take it from the collection again")
}

// TestOutlines: a task of files tells its shape without them, and the same with them.
func TestOutlines(t *testing.T) {
	dir := pictures(t, t.TempDir(), mnistHalves, span(0, 9), span(0, 9))
	for _, e := range All() {
		o, ok := e.New().(Outliner)
		if e.Name == "file" {
			continue // its files may have any shape
		}
		if !ok {
			if _, err := e.New().Open(Env{Seed: 1}); err != nil {
				t.Errorf("%s: no outline, and without files %v", e.Name, err)
			}
			continue
		}
		got := o.Outline()
		if got.Name != e.Name || got.T < 1 || got.I < 1 {
			t.Errorf("%s: outline %+v", e.Name, got)
		}
		if task, err := o.Open(Env{Dir: dir}); err == nil && (got.T != task.T || got.I != task.I || got.O != task.O || !slices.Equal(got.Classes, task.Classes)) {
			t.Errorf("%s: outline %+v, task %+v", e.Name, got, task)
		}
	}
}

// TestGunzip reads members one after the other, and zeros behind them as padding.
func TestGunzip(t *testing.T) {
	images := fewImages()
	split := append(gzipped(t, images[:700], gzip.BestSpeed), gzipped(t, images[700:], gzip.BestSpeed)...)
	for name, raw := range map[string][]byte{
		"two members":              split,
		"padded":                   append(bytes.Clone(split), make([]byte, 512)...),
		"one byte of padding":      append(bytes.Clone(split), 0),
		"padding of a large block": append(bytes.Clone(split), make([]byte, 1<<20)...),
	} {
		if n, pixels, err := decodeIDX(bytes.NewReader(raw), "x", idxImages); err != nil || n != 2 || !bytes.Equal(pixels, images[16:]) {
			t.Errorf("%s: %d pictures, error %v", name, n, err)
		}
	}
}
