package main

import (
	"fmt"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/data"

	"github.com/spf13/cobra"
)

func newTasks() *cobra.Command {
	return newGroup("tasks", "The tasks: shapes, classes, keys", newTasksList(), newTasksShow())
}

func newTasksList() *cobra.Command {
	return newList("List the tasks", func() []brief {
		var list []brief
		for _, e := range data.All() {
			list = append(list, brief{e.Name, e.Doc, e.Source})
		}
		return list
	})
}

// taskReport is what tasks show tells. Shape is absent where the task does not open, and
// Missing says why.
type taskReport struct {
	brief
	Shape   *taskShape  `json:"shape,omitempty"`
	Missing string      `json:"missing,omitempty"`
	Keys    []keyReport `json:"keys"`
}

// taskShape is the shape of an opened task in the letters of package data.
type taskShape struct {
	T       int      `json:"T"`
	I       int      `json:"I"`
	O       int      `json:"O"`
	Goal    string   `json:"goal"`
	Targets string   `json:"targets"`
	Classes []string `json:"classes,omitempty"`
	Train   int      `json:"train"`
	Test    int      `json:"test"`
}

func newTasksShow() *cobra.Command {
	var asJSON bool
	var dataDir string
	c := &cobra.Command{Use: "show NAME", Short: "Show a task: source, shape, keys",
		Args: exactArgs("NAME"), ValidArgsFunction: completeNames(taskNames),
		RunE: func(c *cobra.Command, args []string) error {
			e, err := lookupTask(args[0])
			if err != nil {
				return err
			}
			r, err := describeTask(e, dataDir)
			if err != nil {
				return err
			}
			return report(c, asJSON, r, func(p *printer) { p.task(r) })
		}}
	jsonFlag(c, &asJSON)
	dataDirFlag(c, &dataDir)
	return c
}

func describeTask(e data.Entry, dataDir string) (taskReport, error) {
	r := taskReport{brief: brief{e.Name, e.Doc, e.Source}}
	settings := e.New()
	var err error
	if r.Keys, err = keyReports("task "+e.Name, settings); err != nil {
		return r, err
	}
	dir, err := dataFolder(dataDir)
	if err != nil {
		return r, err
	}
	t, err := settings.Open(data.Env{Dir: dir})
	if err != nil {
		r.Missing = err.Error()
		return r, nil
	}
	r.Shape = &taskShape{T: t.T, I: t.I, O: t.O, Goal: goalText(t.Goal), Targets: "the last step",
		Classes: t.Classes, Train: t.Train.Len(), Test: t.Test.Len()}
	if t.Every {
		r.Shape.Targets = "every step"
	}
	return r, nil
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
	p.title("\nShape")
	if s := r.Shape; s != nil {
		p.line("T=%d steps, I=%d inputs, O=%d outputs, %s, target at %s", s.T, s.I, s.O, s.Goal, s.Targets)
		p.line("%d training and %d test sequences", s.Train, s.Test)
		if len(s.Classes) > 0 {
			p.line("Classes: %s", strings.Join(s.Classes, ", "))
		}
	} else {
		p.line("not known here: %s", r.Missing)
	}
	p.keys(r.Keys)
}

func taskNames() []string {
	var names []string
	for _, e := range data.All() {
		names = append(names, e.Name)
	}
	return names
}

// lookupTask finds a task; the error names the nearest.
func lookupTask(name string) (data.Entry, error) {
	e, err := data.Lookup(name)
	if err != nil {
		return e, fmt.Errorf("%w: %s", config.ErrConfig, config.Unknown("task", name, taskNames()))
	}
	return e, nil
}
