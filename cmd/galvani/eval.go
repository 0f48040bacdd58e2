package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/engine/rundir"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// savedFlags are the flags of the commands that look at a run.
type savedFlags struct {
	set        runSettings
	checkpoint string
}

// runSettings are the keys that such a command can change.
type runSettings struct{ device, backend, dataDir string }

func (f *savedFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.checkpoint, "checkpoint", "best", "which checkpoint: best, last or a `file`")
	flags.StringVar(&f.set.device, "device", "auto", "where to compute: auto, cpu, cuda or cuda:n")
	flags.StringVar(&f.set.backend, "backend", "", "graph or scan; as the run did, if empty")
	flags.StringVar(&f.set.dataDir, "data-dir", "", "folder of data-set files; as the run had, if empty")
}

// open makes the job of a finished or running run, with the parameters of its checkpoint.
func (f *savedFlags) open(dir string, stderr io.Writer) (*job, *rundir.State, error) {
	run, err := rundir.View(dir)
	if err != nil {
		return nil, nil, err
	}
	state, err := f.state(run, stderr)
	if err != nil {
		return nil, nil, err
	}
	if s, err := run.Status(); err == nil && (s.Phase == rundir.Running || s.Phase == rundir.Killed) {
		fmt.Fprintf(stderr, "the run is not complete: %s\n", s)
	}
	flags := layer{pairs: []config.Pair{{Name: "device", Value: f.set.device}}}
	for name, value := range map[string]string{"backend": f.set.backend, "data_dir": f.set.dataDir} {
		if value != "" {
			flags.pairs = append(flags.pairs, config.Pair{Name: name, Value: value})
		}
	}
	s, err := savedSettings(run, state, flags)
	if err != nil {
		return nil, nil, err
	}
	j, err := s.open()
	if err != nil {
		return nil, nil, err
	}
	if err := j.session.LoadParams(state); err != nil {
		j.close()
		return nil, nil, fmt.Errorf("%s: %w", state.Path, err)
	}
	note, err := j.dataNote(state)
	if err != nil {
		return nil, nil, errors.Join(err, j.close())
	}
	if note != "" {
		fmt.Fprintln(stderr, note)
	}
	return j, state, nil
}

func (f *savedFlags) state(run *rundir.Run, stderr io.Writer) (*rundir.State, error) {
	say := func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) }
	switch f.checkpoint {
	case "best":
		state, err := run.Best()
		if !errors.Is(err, rundir.ErrNoCheckpoint) {
			return state, err
		}
		if state, last := pick(run, "", say); last == nil {
			say("the run has not been evaluated yet; this is its last checkpoint, not its best")
			return state, nil
		}
		return nil, err
	case "last":
		return pick(run, "", say)
	}
	state, err := rundir.Load(f.checkpoint)
	return state, missingInput(err)
}

// reportingRun is reporting for a command whose first argument is a run, which it opens for use. The flags of f are not added.
func reportingRun[R any](f *savedFlags, c *cobra.Command, use func(c *cobra.Command, j *job, state *rundir.State, dir string) (R, error),
	words func(*printer, R)) *cobra.Command {
	c.Args = exactArgs("RUN")
	return reporting(c, func(c *cobra.Command, args []string) (r R, err error) {
		j, state, err := f.open(args[0], c.ErrOrStderr())
		if err != nil {
			return r, err
		}
		defer j.close()
		return use(c, j, state, args[0])
	}, words)
}

// savedHead begins the report of a command on a saved network: what it is about.
type savedHead struct {
	Run        string `json:"run"`
	Checkpoint string `json:"checkpoint"`
	Step       int64  `json:"step"`
	Model      string `json:"model"`
	Task       string `json:"task"`
}

// headOf names a run and a state of it.
func headOf(run string, state *rundir.State, model, task string) savedHead {
	return savedHead{Run: run, Checkpoint: state.Path, Step: state.Step, Model: model, Task: task}
}

// evalReport is what eval tells.
type evalReport struct {
	savedHead
	Device    string            `json:"device"`
	Backend   string            `json:"backend"`
	Noise     bool              `json:"noise,omitempty"` // that of training is in what follows
	Sequences int               `json:"sequences"`
	Test      scoreJSON         `json:"test"` // the accuracy of trials is the part that is decided rightly
	Classes   []string          `json:"classes,omitempty"`
	Confusion [][]int           `json:"confusion,omitempty"` // true class by row, answer by column
	PerClass  []classScore      `json:"per_class,omitempty"` // what the confusion matrix says of each
	Outputs   []analysis.Fit    `json:"outputs,omitempty"`   // of a regression
	Trials    []analysis.Trials `json:"trials,omitempty"`    // of tasks that are decided once, by coherence
}

func newEval() *cobra.Command {
	var noise bool
	var f savedFlags
	c := reportingRun(&f, &cobra.Command{Use: "eval RUN", Short: "Measure a trained network on the test set"},
		func(c *cobra.Command, j *job, state *rundir.State, dir string) (r evalReport, err error) {
			if j.noisy = noise; noise && j.size.RecNoise == 0 && j.size.InputNoise == 0 {
				return r, fmt.Errorf("%w: --noise takes the noise of training, and %s has none: rec_noise and input_noise are 0; leave it out", config.ErrConfig, dir)
			}
			return j.evaluate(c.Context(), dir, state)
		}, (*printer).evaluation)
	c.Flags().BoolVar(&noise, "noise", false, "with the noise of training, rec_noise and input_noise of the run; the numbers are those of its seed and of each sequence")
	f.add(c.Flags())
	return c
}

func (j *job) evaluate(ctx context.Context, dir string, state *rundir.State) (evalReport, error) {
	test := j.task.Test
	r := evalReport{savedHead: headOf(dir, state, j.network().Name(), j.task.Name),
		Device: j.place.device, Backend: j.place.backend, Noise: j.noisy, Sequences: test.Len()}
	var err error
	if r.Test, r.Trials, err = j.measure(ctx); err != nil {
		return r, err
	}
	if j.task.Goal == data.Classify {
		r.Classes = j.task.Classes
		if r.Confusion, err = j.subject().Confusion(test); err != nil {
			return r, fmt.Errorf("confusion matrix: %w", err)
		}
		r.PerClass = classScores(r.Confusion, r.Classes)
		return r, nil
	}
	if r.Outputs, err = j.fits(test); err != nil {
		err = fmt.Errorf("errors of the outputs: %w", err)
	}
	return r, err
}

// measure scores the network on the test set, and counts the trials of a task that has some.
func (j *job) measure(ctx context.Context) (scoreJSON, []analysis.Trials, error) {
	if j.noisy {
		m, list, err := j.subject().Measure(j.task.Test)
		return newScore(m), list, err
	}
	m, err := j.session.Evaluate(ctx, j.task.Test)
	if err != nil {
		return scoreJSON{}, nil, err
	}
	var list []analysis.Trials
	if set, ok := j.task.Test.(data.Trials); ok {
		list, err = j.subject().Decide(set)
	}
	return newScore(m), list, err
}

// subject is the network as package analysis asks for it.
func (j *job) subject() *analysis.Subject {
	return &analysis.Subject{Net: j.network(), Task: j.task, Params: j.session.Params(), Device: j.place.dev, Batch: j.opt.Batch,
		Stateful: j.opt.Stateful, Noise: j.noisy, Seed: j.opt.Seed}
}

func (p *printer) evaluation(r evalReport) {
	p.title("%s on %s", r.Model, r.Task)
	p.line("checkpoint  %s (step %d)", r.Checkpoint, r.Step)
	p.line("device      %s, backend %s", r.Device, r.Backend)
	p.line("sequences   %d", r.Sequences)
	if r.Noise {
		p.line("noise       that of training")
	}
	p.line("loss        %.6f", r.Test.Loss)
	switch {
	case len(r.Trials) > 0:
		p.decisions(r.Trials)
		p.line("steps       %.2f %% right", 100**r.Test.StepAccuracy)
	case r.Test.Accuracy != nil:
		p.line("accuracy    %.2f %%", 100**r.Test.Accuracy)
	}
	p.scores(r)
}

// percentRight writes the part of the trials that was decided rightly.
func percentRight(t analysis.Trials) string {
	return fmt.Sprintf("%.1f %%", 100*float64(t.Right)/float64(t.Count))
}

// decisions writes the part of the trials that were decided rightly, in all and by coherence.
func (p *printer) decisions(list []analysis.Trials) {
	var rows [][]string
	for _, t := range list {
		rows = append(rows, []string{t.Name(), fmt.Sprint(t.Count), percentRight(t)})
	}
	p.line("decisions   %s of %d trials right", percentRight(analysis.Total(list)), analysis.Total(list).Count)
	if len(list) > 1 {
		by := "coherence"
		if list[0].Kind != "" {
			by = "task"
		}
		p.title("\nDecisions by %s", by)
		p.table([]string{strings.ToUpper(by), "TRIALS", "RIGHT"}, rows)
	}
}
