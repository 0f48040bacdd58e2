package data

import (
	"fmt"

	"galvani/engine/cite"
)

// Recordings is the settings of the task recordings: name the class of a recording of an event
// camera at the last step.
//
// Input: x [T,B,I], the weights of the events of a unit in a step, added up; I is two units per
// pixel, OFF and ON (Sensor). Events after the last step are left out, and Task.Notes says how many.
// Files: folders Train and Test, in any letters, in the data folder or its folder nmnist, N-MNIST or recordings,
// with one folder per class and in it one file per recording: .bin in the 5-byte format
// (ReadAddressEvents), .csv as a table (ReadEventCSV). Links are followed; what systems and tools
// leave behind, such as .DS_Store and __MACOSX, is no class and no recording. N-MNIST comes like
// that, and the defaults are its own.
//
// With bin_ms the steps are bins that come with the events (Bins), and the mask holds their lengths in
// units of step_ms.
//
// Files are read when they are asked for, every time. Open looks at the size or the first line of
// each and reads the first ones whole, so that most faults show before the first update.
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
		Name:       "recordings",
		Doc:        "name the class of a recording of an event camera, such as N-MNIST",
		Source:     "Orchard, Jayawant, Cohen and Thakor (2015), doi:10.3389/fnins.2015.00437",
		References: []cite.Work{saccades},
		New:        func() Config { return newRecordings() },
	})
}

func newRecordings() *Recordings {
	return &Recordings{Width: NMNIST.Width, Height: NMNIST.Height, Steps: 30, StepMs: 10}
}

// Open implements Config.
//
// Errors: ErrConfig, ErrMissing, ErrCorrupt, or what the file system says. Those of the files that
// are too many to be read now come with Fill.
func (c *Recordings) Open(env Env) (*Task, error) {
	if err := check("recordings", c); err != nil {
		return nil, err
	}
	root, err := env.folder("recordings")
	if err != nil {
		return nil, err
	}
	training, test, err := recordingsDirs(root)
	if err != nil {
		return nil, err
	}
	t := c.Outline()
	var all, tested [][]recording
	if t.Classes, all, err = trainRecordings(training); err != nil {
		return nil, err
	}
	if tested, err = testRecordings(test, t.Classes); err != nil {
		return nil, err
	}
	t.O = len(t.Classes)
	for _, half := range []struct {
		name  string
		lists [][]recording
		limit int
		set   *Set
	}{{"training", all, c.TrainLimit, &t.Train}, {"test", tested, c.TestLimit, &t.Test}} {
		s := &recordings{task: t, sensor: Sensor{c.Width, c.Height}, stepMs: c.StepMs, binMs: c.BinMs, files: inTurn(half.lists)}
		if half.limit > 0 && half.limit < len(s.files) {
			s.files = s.files[:half.limit]
		}
		note, err := s.inspect(half.name)
		if err != nil {
			return nil, err
		}
		if note != "" {
			t.Notes = append(t.Notes, note)
		}
		*half.set, t.files = s, append(t.files, s)
	}
	holdOut(t, env.Validation)
	return t, nil
}

// Outline implements Outliner.
func (c *Recordings) Outline() *Task {
	return &Task{Name: "recordings", T: c.Steps, I: Sensor{c.Width, c.Height}.Units(), Goal: Classify,
		Masked: c.BinMs > 0, Irregular: c.BinMs > 0}
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
	bytes int64
}

// inTurn puts recordings in an order in which the classes take turns, so that the first few are of
// all.
func inTurn(lists [][]recording) []recording {
	var files []recording
	for k, left := 0, true; left; k++ {
		left = false
		for _, list := range lists {
			if k < len(list) {
				files, left = append(files, list[k]), true
			}
		}
	}
	return files
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
	if isTable(path) {
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
	_, err = s.steps(b.column(col), index, events)
	return err
}

// steps adds the events of a recording up in a column, with the lengths of steps where they are bins.
// It returns how many come after the last step.
func (s *recordings) steps(c column, index int, events []Event) (late int, err error) {
	if s.binMs > 0 {
		err = c.bins(s.stepMs, s.binMs, 0, events)
	} else {
		late, err = c.frames(s.stepMs, events)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s.files[index].path, err)
	}
	return late, nil
}

// saccades describes N-MNIST and its format.
var saccades = cite.Work{Key: "orchard2015converting", Kind: "article", Authors: "Orchard, Garrick and Jayawant, Ajinkya and Cohen, Gregory K. and Thakor, Nitish",
	Title: "Converting Static Image Datasets to Spiking Neuromorphic Datasets Using Saccades",
	In:    "Frontiers in Neuroscience", Volume: "9", Pages: "437", Year: 2015, DOI: "10.3389/fnins.2015.00437"}
