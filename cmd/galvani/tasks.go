package main

import (
	"fmt"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/kernels"

	"github.com/spf13/cobra"
)

func newTasks() *cobra.Command {
	return newGroup("tasks", "The tasks: shapes, classes, keys", newTasksList(), newTasksShow())
}

func newTasksList() *cobra.Command {
	return newList("List the tasks", func() []brief {
		return briefs(data.All(), func(e data.Entry) brief { return brief{e.Name, e.Doc, e.Source} })
	})
}

// taskReport is what tasks show tells. Without the files of a task its shape has no numbers of
// sequences, and Missing says why.
type taskReport struct {
	brief
	Shape   *taskShape  `json:"shape,omitempty"`
	Missing string      `json:"missing,omitempty"`
	Notes   []string    `json:"notes,omitempty"` // what was found out about the files
	Files   string      `json:"files,omitempty"` // what they are to hold
	Keys    []keyReport `json:"keys"`
}

// taskShape is the shape of a task in the letters of package data.
type taskShape struct {
	T       int      `json:"T"`
	I       int      `json:"I"`
	O       int      `json:"O,omitempty"` // 0 where only files tell
	Goal    string   `json:"goal"`
	Targets string   `json:"targets"`
	Mask    string   `json:"mask"`
	Loss    string   `json:"loss"`
	Classes []string `json:"classes,omitempty"`
	Train   int      `json:"train,omitempty"`
	Held    int      `json:"validation,omitempty"` // with the default of the key validation
	Test    int      `json:"test,omitempty"`
}

func newTasksShow() *cobra.Command {
	var dataDir string
	c := reporting(&cobra.Command{Use: "show NAME", Short: "Show a task: source, shape, keys",
		Args: exactArgs("NAME"), ValidArgsFunction: completeNames(data.Names)},
		func(_ *cobra.Command, args []string) (r taskReport, err error) {
			e, err := lookupTask(args[0])
			if err != nil {
				return r, err
			}
			return describeTask(e, dataDir)
		}, (*printer).task)
	dataDirFlag(c, &dataDir)
	return c
}

func describeTask(e data.Entry, dataDir string) (taskReport, error) {
	r := taskReport{brief: brief{e.Name, e.Doc, e.Source}, Files: e.Files}
	settings := e.New()
	var err error
	if r.Keys, err = keyReports("task "+e.Name, settings); err != nil {
		return r, err
	}
	t, err := settings.Open(data.Env{Dir: dataFolder(dataDir), Validation: defaultRunKeys().Validation})
	if err != nil {
		r.Missing = message(err)
		if o, ok := settings.(data.Outliner); ok {
			r.Shape = shapeOf(o.Outline())
		}
		return r, nil
	}
	r.Shape, r.Notes = shapeOf(t), t.Notes
	r.Shape.Train, r.Shape.Test = t.Train.Len(), t.Test.Len()
	if t.Validation != nil {
		r.Shape.Held = t.Validation.Len()
	}
	return r, nil
}

// shapeOf describes a task without its samples.
func shapeOf(t *data.Task) *taskShape {
	return &taskShape{T: t.T, I: t.I, O: t.O, Goal: goalText(t.Goal), Targets: targetsText(t), Mask: t.MaskText(), Loss: lossText(t), Classes: t.Classes}
}

func targetsText(t *data.Task) string {
	if t.Every {
		return "every step"
	}
	return "the last step"
}

// lossText is the loss of a batch with its normalisation.
func lossText(t *data.Task) string {
	kind, over := kernels.MeanSquaredError, "b of B"
	if t.Goal == data.Classify {
		kind = kernels.SoftmaxCrossEntropy
	}
	if t.Every {
		over = "(t,b) of T·B"
	}
	return kind.Formula() + ", over " + over + " with the weights w of the targets"
}

func goalText(g data.Goal) string {
	if g == data.Classify {
		return "classify"
	}
	return "regress"
}

func (p *printer) task(r taskReport) {
	p.title("%s", r.Name)
	p.line("%s", r.Doc)
	p.line("Source: %s", dash(r.Source))
	if s := r.Shape; s != nil {
		p.title("\nShape")
		outputs := fmt.Sprintf("O=%d outputs", s.O)
		if s.O == 0 {
			outputs = "an output for each class of the files"
		}
		p.line("T=%d steps, I=%d inputs, %s, %s, target at %s", s.T, s.I, outputs, s.Goal, s.Targets)
		p.line("Mask: %s", s.Mask)
		p.line("Loss: %s", s.Loss)
		if len(s.Classes) > 0 {
			p.line("Classes: %s", strings.Join(s.Classes, ", "))
		}
		if s.Train > 0 {
			p.line("%d training, %d validation and %d test sequences", s.Train, s.Held, s.Test)
		}
	}
	for _, n := range r.Notes {
		p.line("Note: %s", n)
	}
	if r.Files != "" {
		p.title("\nFiles")
		p.line("%s", r.Files)
	}
	if r.Missing != "" {
		p.line("Sequences: not here: %s", r.Missing)
	}
	p.keys(r.Keys)
}

// lookupTask finds a task.
func lookupTask(name string) (data.Entry, error) {
	e, err := data.Lookup(name)
	if err != nil {
		return e, fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	return e, nil
}
