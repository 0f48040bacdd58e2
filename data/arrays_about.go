package data

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/infile"
	"galvani/engine/setting"
)

const (
	aboutName   = "data.toml"
	mostAbout   = 1 << 20
	mostClasses = 1 << 16
)

// About is what data.toml says of the arrays beside it. All of it may be left out.
type About struct {
	Doc     string   `toml:"doc"`     // what the data are, one line
	Classes []string `toml:"classes"` // names, in the order of the labels
	Inputs  []string `toml:"inputs"`  // names of the I inputs
	Outputs []string `toml:"outputs"` // names of the O outputs of y
	XUnit   string   `toml:"x_unit"`
	YUnit   string   `toml:"y_unit"`
	StepMs  float64  `toml:"step_ms"` // duration of a step
	// Metric is accuracy, of steps or sequences, or trials: the part of the sequences whose first answer other than
	// class 0, from the first step that asks for another class on, is right.
	Metric string `toml:"metric"`
	// Layout is batch, [N,T,...], or time, [T,N,...] as NeuroGym's data sets have it.
	Layout string `toml:"layout"`

	path string
}

var aboutKeys = []string{"doc", "classes", "inputs", "outputs", "x_unit", "y_unit", "step_ms", "metric", "layout"}

// readAbout reads data.toml; a missing file says nothing.
//
// Errors: ErrCorrupt for a key that there is not, or a value of another kind; what the file system says.
func readAbout(path string) (*About, error) {
	a := &About{path: path}
	text, err := infile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return nil, systemError(err)
	}
	if len(text) > mostAbout {
		return nil, a.wrong("the file", fmt.Sprintf("%d bytes long", len(text)), fmt.Sprintf("at most %d", mostAbout))
	}
	if err := infile.DecodeTOML(text, a, aboutKeys); err != nil {
		return nil, fmt.Errorf("data: %s: its text is wrong: %w; correct the file, or leave the key out: %w", path, err, ErrCorrupt)
	}
	for _, l := range []struct {
		key   string
		names []string
	}{{"classes", a.Classes}, {"inputs", a.Inputs}, {"outputs", a.Outputs}} {
		for k, name := range l.names {
			if slices.Contains(l.names[:k], name) {
				return nil, a.wrong(l.key, strconv.Quote(name)+" twice", "a name of its own for each")
			}
		}
	}
	switch {
	case a.Metric != "" && a.Metric != "accuracy" && a.Metric != "trials":
		return nil, a.wrong("metric", strconv.Quote(a.Metric), "accuracy or trials")
	case a.Layout != "" && a.Layout != "batch" && a.Layout != "time":
		return nil, a.wrong("layout", strconv.Quote(a.Layout), "batch or time")
	case !(a.StepMs >= 0 && a.StepMs <= 1e9):
		return nil, a.wrong("step_ms", fmt.Sprint(a.StepMs), "a duration in ms")
	}
	return a, nil
}

func (a *About) wrong(where, got, want string) error {
	return &FileError{File: a.path, Where: where, Got: got, Want: want, Remedy: "correct the file, or leave the key out", Kind: ErrCorrupt}
}

// classes returns the names of the classes: those that the file gives, or numbers up to the largest label.
//
// Errors: ErrCorrupt for a label of no class.
func (a *About) classes(halves ...*sequences) ([]string, error) {
	names := a.Classes
	if names == nil {
		largest := 0
		for _, h := range halves {
			largest = max(largest, int(h.most))
		}
		if largest >= mostClasses {
			return nil, fmt.Errorf("data: %s: the largest label is %d, want fewer than %d classes, numbered from 0: %w", halves[0].path, largest, mostClasses, ErrCorrupt)
		}
		names = numbered(0, max(1, largest))
	}
	for _, h := range halves {
		if int(h.most) >= len(names) {
			return nil, h.wrong("label", fmt.Sprintf("%v at %s", h.most, h.label.place(h.label.find(h.most))), fmt.Sprintf("0 to %d for the %d classes of %s", len(names)-1, len(names), aboutName),
				"number the classes from 0, or name all of them")
		}
	}
	return names, nil
}

// fits holds the file to the arrays.
func (a *About) fits(t *Task) error {
	for _, l := range []struct {
		key   string
		names []string
		want  int
	}{{"inputs", a.Inputs, t.I}, {"outputs", a.Outputs, t.O}} {
		if l.names != nil && len(l.names) != l.want {
			return a.wrong(l.key, fmt.Sprintf("%d names", len(l.names)), fmt.Sprintf("%d, as the arrays have", l.want))
		}
	}
	if a.Classes != nil && t.Goal != Classify {
		return a.wrong("classes", "given", "none with y; classes are those of label")
	}
	if (a.Outputs != nil || a.YUnit != "") && t.Goal == Classify {
		key := "outputs"
		if a.Outputs == nil {
			key = "y_unit"
		}
		return a.wrong(key, "given", "none with label; it is of y, and the classes are named by classes")
	}
	if t.Trials && !(t.Goal == Classify && t.Every) {
		return a.wrong("metric", "trials", "accuracy, since trials need a label at each step")
	}
	return nil
}

// notes say what the file and the arrays tell.
func (a *About) notes(t *Task, train, test *sequences) (list []string) {
	if a.Doc != "" {
		list = append(list, setting.OneLine(a.Doc))
	}
	line := func(what, unit string, names []string) {
		if unit != "" {
			what += " in " + unit
		}
		if names != nil {
			what += ": " + strings.Join(names, ", ")
		}
		if unit != "" || names != nil {
			list = append(list, setting.OneLine(what))
		}
	}
	if y := train.y; y != nil && !train.every && len(y.shape) == 2 && y.width == train.t && train.t > 1 {
		list = append(list, fmt.Sprintf("%s is %s: %d values at the end of each sequence; for one at each step write %s", y.name, dims(y.shape), y.width, dims(append(slices.Clone(y.shape), 1))))
	}
	line("x", a.XUnit, a.Inputs)
	line("y", a.YUnit, a.Outputs)
	if a.StepMs > 0 {
		list = append(list, fmt.Sprintf("a step is %g ms", a.StepMs))
	}
	if t.Goal == Classify && a.Classes == nil {
		list = append(list, fmt.Sprintf("the labels go up to %d: %d classes", max(int(train.most), int(test.most)), t.O))
	}
	for _, s := range []*sequences{train, test} {
		if s.others != nil && s.from == 0 {
			list = append(list, setting.OneLine(fmt.Sprintf("not read of %s: %s", s.path, strings.Join(s.others, ", "))))
		}
	}
	return list
}
