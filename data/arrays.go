package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"galvani/engine/cite"
)

// Arrays is the settings of the task file: learn from arrays in files of one's own.
//
// What the files hold is said by arraysDoc, and by About of data.toml. All arrays are read when the task is opened and
// kept in memory, bytes as bytes and other numbers as float32.
type Arrays struct {
	TestPart  float64 `toml:"test_part" doc:"part of the training sequences, the last of them, that is taken for the test where there is no test file" unit:"1" min:"0" max:"0.9"`
	Continued bool    `toml:"continued" doc:"sequences are pieces of one recording, each of which goes on where the one before ended: stateful carries the state on, and the validation part is the last of the training sequences"`
	Limits
}

func init() {
	Register(Entry{
		Name:       "file",
		Doc:        "learn from arrays in NPZ or safetensors files of your own: x with label or y, for training and test",
		Source:     "the format of NPZ: Harris et al. (2020), doi:10.1038/s41586-020-2649-2",
		References: []cite.Work{numPy},
		Files:      arraysDoc,
		New:        func() Config { return &Arrays{} },
	})
}

// numPy describes NumPy and its files.
var numPy = cite.Work{Key: "harris2020array", Kind: "article", Authors: "Harris, Charles R. and Millman, K. Jarrod and van der Walt, Stéfan J. and others",
	Title: "Array programming with NumPy", In: "Nature", Volume: "585", Pages: "357-362", Year: 2020, DOI: "10.1038/s41586-020-2649-2"}

const arraysDoc = `The folder of --data-dir holds train.npz and test.npz, or train.safetensors and test.safetensors, with
these arrays of N sequences; or one file data.npz or data.safetensors with x_train, x_test and so on.
  x        [N,T,I]            input; [N,T] for one input
  label    [N,T] or [N]       class at each step, or at the last; from 0 on, -100 asks for nothing
  y        [N,T,O] or [N,O]   values in place of label, at each step, or at the last
  weight   [N,T] or [N]       of the targets in the loss, at least 0
  mask     [N,T]              1 where a step counts; at 0 the state is held
  lengths  [N]                steps of each sequence, in place of mask
With lengths, x may hold the sequences behind each other, [R,I] with R the sum of lengths; what
belongs to steps has R rows then. Arrays of other names are told and not read; one that nearly has one
of these names is refused. A file data.toml beside them may hold:
  classes = ["left", "right"]   names, in the order of the labels
  inputs = ["rate"]             names of the inputs of x; outputs for those of y
  x_unit = "Hz"                 unit of x; y_unit that of y
  step_ms = 20                  duration of a step
  metric = "trials"             count sequences by their first answer but class 0, from the first step that
                                asks for another class on; "accuracy" counts targets
  layout = "time"               arrays are [T,N,...], as those of NeuroGym
  doc = "..."                   what the data are`

// Open implements Config.
//
// Errors: ErrConfig, ErrMissing, ErrCorrupt with file and array, or what the file system says.
func (c *Arrays) Open(env Env) (*Task, error) {
	if err := check("file", c); err != nil {
		return nil, err
	}
	dir, err := env.folder("file")
	if err != nil {
		return nil, err
	}
	about, err := readAbout(filepath.Join(dir, aboutName))
	if err != nil {
		return nil, err
	}
	train, test, err := c.halves(dir, about)
	if err != nil {
		return nil, err
	}
	t := &Task{Name: "file", T: max(train.t, test.t), I: train.i, O: train.o, Every: train.every, Goal: Regress,
		Masked: train.masked() || test.masked() || train.t != test.t, Trials: about.Metric == "trials"}
	if train.label != nil {
		t.Goal = Classify
		if t.Classes, err = about.classes(train, test); err != nil {
			return nil, err
		}
		t.O = len(t.Classes)
	}
	if err := about.fits(t); err != nil {
		return nil, err
	}
	t.Outputs = about.Outputs
	for _, half := range []struct {
		*sequences
		limit int
		set   *Set
	}{{train, c.TrainLimit, &t.Train}, {test, c.TestLimit, &t.Test}} {
		half.task = t
		if half.limit > 0 {
			half.size = min(half.size, half.limit)
		}
		*half.set, t.files = half.sequences, append(t.files, half.sequences)
		if t.Trials {
			if err := half.decide(); err != nil {
				return nil, err
			}
			*half.set = &trialSequences{half.sequences}
		}
	}
	t.Notes = about.notes(t, train, test)
	if c.Continued {
		holdOutLast(t, env.Validation)
	} else {
		holdOut(t, env.Validation)
	}
	return t, c.counts(t, dir)
}

// counts refuses a task with a part of which no target counts, as may happen where few do.
func (c *Arrays) counts(t *Task, dir string) error {
	for _, part := range []struct {
		name, remedy string
		set          Set
	}{
		{"training", "use more of them, or keep fewer for --validation", t.Train},
		{"validation", "keep more with --validation 0.3, or 0 to select on the test set", t.Validation},
		{"test", "use more of them", t.Test},
	} {
		if part.set == nil {
			continue
		}
		one, found := NewBatch(t, 1), false
		for k := 0; k < part.set.Len() && !found; k++ {
			if err := part.set.Fill(one, 0, 0, k); err != nil {
				return err
			}
			found = slices.ContainsFunc(one.Weight, func(w float32) bool { return w > 0 })
		}
		if !found {
			return fmt.Errorf("data: file: %s: none of the %d %s sequences has a target that counts; %s: %w", dir, part.set.Len(), part.name, part.remedy, ErrConfig)
		}
	}
	return nil
}

// endings are those of files of arrays.
var endings = []string{".npz", ".safetensors"}

// halves reads the files of training and test.
func (c *Arrays) halves(dir string, about *About) (train, test *sequences, err error) {
	path, err := arrayFile(dir, "train")
	tail := ""
	one, none := arrayFile(dir, "data")
	switch {
	case err == nil && none == nil:
		return nil, nil, bothThere(path, one)
	case errors.Is(err, fs.ErrNotExist):
		if err = none; err == nil {
			path, tail = one, "_train"
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, c.noFiles(dir)
	}
	if err != nil {
		return nil, nil, err
	}
	other, missing := path, false // where the test set is: said before the training set is read, which may take long
	if tail == "" {
		other, err = arrayFile(dir, "test")
		missing = errors.Is(err, fs.ErrNotExist)
	} else {
		missing = !hasArray(path, "x_test")
	}
	switch {
	case missing && c.TestPart == 0:
		return nil, nil, &FileError{File: path, Where: "the test set", Got: "missing", Want: "test.npz, or x_test in data.npz",
			Remedy: "add it, or take some of the training sequences with --test-part 0.2", Kind: ErrMissing}
	case err != nil && !missing:
		return nil, nil, err
	case c.TestPart > 0 && !missing:
		return nil, nil, fmt.Errorf("data: file: test_part is %v, and %s has a test set; leave test_part out: %w", c.TestPart, dir, ErrConfig)
	}
	if train, err = readSequences(path, tail, about); err != nil {
		return nil, nil, err
	}
	if missing {
		test, err = train.split(c.TestPart)
		return train, test, err
	}
	if test, err = readSequences(other, strings.Replace(tail, "train", "test", 1), about); err != nil {
		return nil, nil, err
	}
	return train, test, train.like(test)
}

// arrayFile returns the file of a name with one of the endings.
//
// Errors: fs.ErrNotExist; ErrConfig for two of them; what the file system says.
func arrayFile(dir, name string) (string, error) {
	var found []string
	for _, e := range endings {
		path := filepath.Join(dir, name+e)
		_, err := os.Stat(path)
		switch {
		case err == nil:
			found = append(found, path)
		case !errors.Is(err, fs.ErrNotExist):
			return "", systemError(err)
		}
	}
	switch len(found) {
	case 0:
		return "", fs.ErrNotExist
	case 1:
		return found[0], nil
	}
	return "", bothThere(found[0], found[1])
}

func bothThere(a, b string) error {
	return fmt.Errorf("data: %s and %s are both there; remove one: %w", a, b, ErrConfig)
}

// noFiles says what is missing, and what is there instead.
func (c *Arrays) noFiles(dir string) error {
	got := "missing"
	if entries, err := os.ReadDir(dir); err == nil {
		var names []string
		for _, e := range entries {
			if slices.Contains(endings, filepath.Ext(e.Name())) && len(names) < 5 {
				names = append(names, e.Name())
			}
		}
		if names != nil {
			got += " beside " + strings.Join(names, ", ")
		}
	}
	return &FileError{File: filepath.Join(dir, "train.npz"), Where: "the file", Got: got, Want: "train.npz, train.safetensors, data.npz or data.safetensors",
		Remedy: "write arrays x and label or y with numpy.savez, and name their folder with --data-dir", Kind: ErrMissing, Err: fs.ErrNotExist}
}
