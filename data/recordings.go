package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Recordings is the settings of the task recordings: name the class of a recording of an event
// camera at the last step.
//
// Input: x [T,B,I], the weights of the events of a unit in a step, added up; I is two units per
// pixel, OFF and ON (Sensor). Events after the last step are left out. Files: folders Train and
// Test, in the data folder or its folder nmnist, N-MNIST or recordings, with one folder per class
// and in it one file per recording: .bin in the 5-byte format (ReadAddressEvents), .csv as a table
// (ReadEventCSV). N-MNIST comes like that, and the defaults are its own.
//
// With bin_ms the steps are bins that come with the events (Bins), and the mask holds their lengths in
// units of step_ms.
//
// Files are read when they are asked for, every time.
//
// Source: Orchard, Jayawant, Cohen and Thakor (2015), doi:10.3389/fnins.2015.00437.
type Recordings struct {
	Width  int     `toml:"width" doc:"columns of the sensor" unit:"pixel" min:"1" max:"4096"`
	Height int     `toml:"height" doc:"rows of the sensor" unit:"pixel" min:"1" max:"4096"`
	Steps  int     `toml:"steps" doc:"time steps, with bin_ms at most" unit:"1" min:"1" max:"100000"`
	StepMs float64 `toml:"step_ms" doc:"length of a time step" unit:"ms" min:"1e-3" max:"1e6"`
	BinMs  float64 `toml:"bin_ms" doc:"width of bins that open with an event and make steps of different lengths; 0 for steps of step_ms" unit:"ms" min:"0" max:"1e6"`
	Limits
}

func init() {
	Register(Entry{
		Name:   "recordings",
		Doc:    "name the class of a recording of an event camera, such as N-MNIST",
		Source: "Orchard, Jayawant, Cohen and Thakor (2015), doi:10.3389/fnins.2015.00437",
		New: func() Config {
			return &Recordings{Width: NMNIST.Width, Height: NMNIST.Height, Steps: 30, StepMs: 10}
		},
	})
}

// Open implements Config.
//
// Errors: ErrConfig, ErrMissing, or what the file system says. Those of the files come with Fill.
func (c *Recordings) Open(env Env) (*Task, error) {
	if err := check("recordings", c); err != nil {
		return nil, err
	}
	dir, err := recordingsDir(env.Dir)
	if err != nil {
		return nil, err
	}
	sensor := Sensor{c.Width, c.Height}
	t := &Task{Name: "recordings", T: c.Steps, I: sensor.Units(), Goal: Classify, Masked: c.BinMs > 0, Irregular: c.BinMs > 0}
	if t.Classes, err = classFolders(filepath.Join(dir, "Train")); err != nil {
		return nil, err
	}
	t.O = len(t.Classes)
	for _, half := range []struct {
		folder string
		limit  int
		set    *Set
	}{{"Train", c.TrainLimit, &t.Train}, {"Test", c.TestLimit, &t.Test}} {
		s := &recordings{task: t, sensor: sensor, stepMs: c.StepMs, binMs: c.BinMs}
		if err := s.find(filepath.Join(dir, half.folder)); err != nil {
			return nil, err
		}
		if half.limit > 0 && half.limit < len(s.files) {
			s.files = s.files[:half.limit]
		}
		*half.set = s
	}
	return t, nil
}

// recordingsDir finds the folder that holds Train and Test.
//
// Errors: ErrMissing, or what the file system says.
func recordingsDir(dir string) (string, error) {
	var places []string
	for _, name := range []string{"nmnist", "N-MNIST", "recordings", ""} {
		place := filepath.Join(dir, name)
		_, err := os.Stat(filepath.Join(place, "Train"))
		if err == nil {
			return place, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", systemError(err)
		}
		places = append(places, place)
	}
	return "", noRecordings("Train", "missing", "it in "+strings.Join(places, " or "), fs.ErrNotExist)
}

// noRecordings is the error of a folder that is not there or not as it should be.
func noRecordings(folder, got, want string, cause error) error {
	return &FileError{File: folder, Where: "the folder", Got: got, Want: want,
		Remedy: "put recordings there as Train/CLASS/NAME.bin and Test/CLASS/NAME.bin", Kind: ErrMissing, Err: cause}
}

// classFolders returns the names of the folders in dir, sorted.
func classFolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, systemError(err)
	}
	var classes []string
	for _, e := range entries {
		if e.IsDir() {
			classes = append(classes, e.Name())
		}
	}
	if len(classes) == 0 {
		return nil, noRecordings(dir, "without folders", "one for each class", nil)
	}
	return classes, nil
}

// recordings is one half of a collection.
type recordings struct {
	task   *Task
	sensor Sensor
	stepMs float64
	binMs  float64
	files  []recording
}

type recording struct {
	path  string
	class int
}

// find lists the files of all classes. The classes take turns, so that the first few are of all.
func (s *recordings) find(dir string) error {
	names, err := classFolders(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return noRecordings(dir, "missing", "it beside Train", err)
	}
	if err != nil {
		return err
	}
	lists := make([][]recording, len(names))
	for i, name := range names {
		class := slices.Index(s.task.Classes, name)
		if class < 0 {
			return noRecordings(filepath.Join(dir, name), "of a class that Train lacks", "one of "+strings.Join(s.task.Classes, ", "), nil)
		}
		entries, err := os.ReadDir(filepath.Join(dir, name))
		if err != nil {
			return systemError(err)
		}
		for _, e := range entries {
			if ext := filepath.Ext(e.Name()); ext == ".bin" || ext == ".csv" {
				lists[i] = append(lists[i], recording{filepath.Join(dir, name, e.Name()), class})
			}
		}
	}
	for k, left := 0, true; left; k++ {
		left = false
		for _, list := range lists {
			if k < len(list) {
				s.files, left = append(s.files, list[k]), true
			}
		}
	}
	if len(s.files) == 0 {
		return noRecordings(dir, "without recordings", "files .bin or .csv in the folders of the classes", nil)
	}
	return nil
}

// Len implements Set.
func (s *recordings) Len() int { return len(s.files) }

// Fixed implements Fixed.
func (s *recordings) Fixed() bool { return true }

// Events returns the events of a recording.
//
// Errors: those of ReadAddressEvents and ReadEventCSV.
func (s *recordings) Events(index int) ([]Event, error) {
	path := s.files[index].path
	if filepath.Ext(path) == ".csv" {
		return ReadEventCSV(path, s.sensor.Units())
	}
	return ReadAddressEvents(path, s.sensor)
}

// Fill implements Set.
func (s *recordings) Fill(b *Batch, col, _, index int) error {
	if err := checkFill(s.task, len(s.files), b, col, index); err != nil {
		return err
	}
	events, err := s.Events(index)
	if err != nil {
		return err
	}
	b.Label[col], b.Weight[col] = float32(s.files[index].class), 1
	for t := range b.T {
		clear(b.input(t, col))
	}
	if s.binMs > 0 {
		if err := s.fillBins(b, col, events); err != nil {
			return fmt.Errorf("%s: %w: %w", s.files[index].path, err, ErrConfig)
		}
		return nil
	}
	for _, e := range events {
		if t := stepOf(e, s.stepMs); t < float64(b.T) {
			b.input(int(t), col)[e.Unit] += float32(e.Weight)
		}
	}
	return nil
}

// fillBins writes the bins of a recording and their lengths into a column.
func (s *recordings) fillBins(b *Batch, col int, events []Event) error {
	x, lengths := make([]float32, b.T*b.I), make([]float32, b.T)
	if err := Bins(x, lengths, b.I, s.stepMs, s.binMs, 0, events); err != nil {
		return err
	}
	for t := range b.T {
		copy(b.input(t, col), x[t*b.I:])
		b.Mask[t*b.B+col] = lengths[t]
	}
	return nil
}
