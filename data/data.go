package data

import (
	"fmt"
	"strconv"

	"galvani/engine/cite"
	"galvani/engine/setting"
)

// Goal says what a task asks for.
type Goal int

const (
	// Classify asks for one of O classes; targets are class indices.
	Classify Goal = iota
	// Regress asks for O real values; the loss is the mean squared error.
	Regress
)

// Task is an opened task: its shape and its samples.
type Task struct {
	Name    string
	T, I, O int
	Goal    Goal
	Every   bool // targets at every step instead of the last
	Masked  bool // sequences have different lengths; Batch.Mask is in use
	Trials  bool // samples are trials with one right choice; Batch.Decisions is in use
	// Irregular: steps have different lengths, and the mask holds them in place of 1.
	Irregular bool
	Classes   []string // names of the classes, may be nil
	Outputs   []string // names of the values of a regression, may be nil
	Train     Set
	// Validation tells which of the networks of a run is the best and when to stop, so that the test
	// set is looked at once, at the end. It shares no sample with Train; nil where none was asked for
	// (Env.Validation) or where there are too few samples.
	Validation Set
	Test       Set
	Notes      []string // what a user should know of the data, a line each

	files []digestible // of Train and Test, where they come from files
}

// OutputName names a value of a regression: its own name, or its number from 0 on.
func (t *Task) OutputName(k int) string {
	if k < len(t.Outputs) {
		return t.Outputs[k]
	}
	return strconv.Itoa(k)
}

// MaskText says what the mask of a batch holds.
func (t *Task) MaskText() string {
	switch {
	case t.Irregular:
		return "mask [T,B] holds the length of each step, in units of step_ms, and 0 behind the end of a sequence, where the state is held"
	case t.Masked:
		return "mask [T,B] is 1 up to the end of a sequence and 0 behind it, where the state is held"
	}
	return "none, all sequences have T steps"
}

// Set is a collection of samples.
type Set interface {
	// Len returns the number of samples of one epoch.
	Len() int
	// Fill writes sample index into column col of the batch. Generated sets may draw new
	// samples each epoch; the sample depends on (seed, epoch, index) alone.
	Fill(b *Batch, col, epoch, index int) error
}

// Fixed is a Set that may say that its samples are the same in every epoch, so that they can
// be kept where they are needed.
type Fixed interface {
	Set
	Fixed() bool
}

// Batch is one mini-batch. N is B, or T·B for tasks with a target at every step.
type Batch struct {
	T, B, I, O int
	Every      bool
	X          []float32 // [T,B,I]
	Label      []float32 // [N], class index; Classify only
	Value      []float32 // [N,O]; Regress only
	Weight     []float32 // [N], loss weight of each target, 0 = ignored, none below 0
	Mask       []float32 // [T,B], 0 after the end of a sequence, else 1 or the step's length; nil unless Task.Masked
	// Decisions say how each column is decided, [B]; nil unless Task.Trials. Those behind the last
	// sample are zero.
	Decisions []Decision
}

// NewBatch allocates a batch of b columns for a task.
func NewBatch(t *Task, b int) *Batch {
	n := b
	if t.Every {
		n *= t.T
	}
	x := &Batch{T: t.T, B: b, I: t.I, O: t.O, Every: t.Every,
		X: make([]float32, t.T*b*t.I), Weight: make([]float32, n)}
	if t.Goal == Classify {
		x.Label = make([]float32, n)
	} else {
		x.Value = make([]float32, n*t.O)
	}
	if t.Masked {
		x.Mask = make([]float32, t.T*b)
	}
	if t.Trials {
		x.Decisions = make([]Decision, b)
	}
	return x
}

// Env is what a task is opened with besides its own settings.
type Env struct {
	Dir  string // folder of data-set files (--data-dir); may be empty for tasks that are generated
	Seed uint64
	// Validation is the part of the training samples that is kept from training for Task.Validation,
	// 0 for none. Generated tasks draw as many samples besides and train on all of theirs.
	Validation float64
}

// folder returns the folder of data-set files.
//
// Errors: ErrConfig where there is none.
func (e Env) folder(task string) (string, error) {
	if e.Dir == "" {
		return "", fmt.Errorf("data: %s reads files, and no folder of them is known, as HOME or an absolute XDG_CACHE_HOME would give; name one with --data-dir: %w", task, ErrConfig)
	}
	return e.Dir, nil
}

// Config is the settings of a task: a pointer to a struct whose exported fields, with the
// tags that package setting reads, are keys of config.toml and flags of the command line.
type Config interface {
	Open(env Env) (*Task, error)
}

// Outliner is a Config of a task of files that knows its shape without them.
type Outliner interface {
	Config
	// Outline returns the task without sets and notes. O is 0 where only the files tell.
	Outline() *Task
}

// Entry is one line of the registry.
type Entry struct {
	Name       string
	Doc        string
	Source     string
	References []cite.Work // behind the code, for a run\'s references.bib
	Files      string      // what its files hold, where a user writes them
	New        func() Config
}

// FromFiles reports whether the task reads files, those of Env.Dir, instead of drawing its samples.
func (e Entry) FromFiles() bool {
	_, outlined := e.New().(Outliner)
	return outlined || e.Files != ""
}

var registry = setting.NewRegistry("task", func(e Entry) string { return e.Name })

// Register adds a task. It is for init functions and panics on a name that is there already.
func Register(e Entry) { registry.Add(e) }

// All returns the registry, sorted by name.
func All() []Entry { return registry.All() }

// Names returns the names of the registry in order.
func Names() []string { return registry.Names() }

// Lookup finds a task by name; the error for an unknown one names the nearest.
func Lookup(name string) (Entry, error) { return registry.Lookup(name) }
