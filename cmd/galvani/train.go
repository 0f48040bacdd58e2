package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine"
	"galvani/engine/group"
	"galvani/engine/rundir"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// trainFlags are the flags of train that are no settings.
type trainFlags struct {
	configs     []string
	sweep       []string
	metrics     []string
	resume      string
	quiet, json bool
	seeds, jobs int
}

func newTrain() *cobra.Command {
	var f trainFlags
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.StringArrayVar(&f.configs, "config", nil, "TOML `file` with settings; given again, later files overrule earlier ones, and flags all of them")
	own.StringVar(&f.resume, "resume", "", "go on with a `run`: its directory, one of its checkpoints, or auto for the newest run")
	own.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing but the run directory, to stdout")
	own.BoolVar(&f.json, "json", false, "report as JSON lines to stdout")
	own.IntVar(&f.seeds, "seeds", 1, "`number` of runs, with seed, seed+1, ...: a folder of runs in runs_dir, with a table and a plot of means and intervals; the same command goes on with what is missing")
	own.StringArrayVar(&f.sweep, "sweep", nil, "train with each of some values of a setting, `NAME=V1,V2,...`; given again, with all combinations: runs and table as of --seeds, with a plot over the values")
	own.StringSliceVar(&f.metrics, "metrics", nil, "`metrics` of training (runs show) that the table of --seeds and --sweep tells, too: the mean of their last values")
	own.IntVar(&f.jobs, "jobs", 1, "`runs` of --seeds and --sweep to make at once; 0 for one for each GPU where they take a GPU, and otherwise for each core")
	c := &cobra.Command{Use: "train [flags]", Short: "Train a network", Args: flagsOnly,
		Long: `Train a network. Settings come from the defaults of model and task, the file of --config and
the flags, the later overruling the earlier. --config may be given more than once; a later file
overrules an earlier one key by key. A flag that would have no effect is refused, a line of a
file is reported.

Ctrl-C, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU and a closed pipe save the state and end with code
75; a second Ctrl-C or SIGTERM ends at once. A run that fails saves its state, too. --resume goes on
from it, with other values of --epochs, --max-steps and what else belongs to the machine.

The config.toml of a run begins with a check line, by which a file that was cut off is noticed. To
use one with other settings, copy it, delete that line from the copy, edit, and give it to --config.`}
	given, err := addSettings(c, own)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err != nil {
			return err
		}
		flags := layer{pairs: *given}
		ctx, cancel := interruptible(c.Context(), closedPipe...)
		defer cancel()
		ranks := ranksOf(ctx)
		if err := agree(ranks, f.words(flags)...); err != nil {
			return err
		}
		if ranks.Rank() > 0 {
			return follow(ctx, ranks, flags)
		}
		if f.seeds != 1 || f.jobs != 1 || len(f.sweep)+len(f.metrics) > 0 {
			return f.trainMany(ctx, c, flags)
		}
		show := newDisplay(f, c.OutOrStdout(), c.ErrOrStderr())
		if f.resume != "" {
			return resume(ctx, f, flags, show)
		}
		return start(ctx, f, flags, show)
	}
	return onRanks(c)
}

// start begins a new run. The run directory is made last, when all else is known to work.
func start(ctx context.Context, f trainFlags, flags layer, show display) error {
	var layers []layer
	for _, path := range f.configs {
		file, err := readLayer(path)
		if err != nil {
			return err
		}
		layers = append(layers, file)
	}
	return beginRun(ctx, append(layers, flags), show)
}

// beginRun begins a new run with the settings of the layers.
func beginRun(ctx context.Context, layers []layer, show display) error {
	s, err := resolve(layers...)
	if err != nil {
		return err
	}
	if s.run.RunsDir == "" {
		return fmt.Errorf("%w: key \"runs_dir\" is empty, want a folder; leave it out for runs", config.ErrConfig)
	}
	s.report(show)
	if err := s.lead(ranksOf(ctx), nil); err != nil {
		return err
	}
	j, err := s.open()
	if err != nil {
		return err
	}
	defer j.close()
	if err := j.initialise(show); err != nil {
		return err
	}
	if err := ready(ranksOf(ctx)); err != nil {
		return err
	}
	run, err := rundir.Create(s.run.RunsDir, s.run.Model, s.run.Task, time.Now())
	if err != nil {
		return err
	}
	return j.train(ctx, run, show)
}

// report tells of the lines of files that have no effect.
func (s *settings) report(show display) {
	for _, n := range s.notes {
		show.words("%s", n)
	}
}

// resume goes on with a run from its newest whole checkpoint, or from the one that is named.
func resume(ctx context.Context, f trainFlags, flags layer, show display) error {
	if len(f.configs) > 0 {
		return fmt.Errorf("%w: --resume takes the configuration of the run; leave out --config", config.ErrConfig)
	}
	dir, checkpoint, err := findRun(f.resume, flags)
	if err != nil {
		return err
	}
	run, err := rundir.Open(dir)
	if err != nil {
		return err
	}
	j, err := reopen(run, checkpoint, flags, show, ranksOf(ctx))
	if err != nil {
		return errors.Join(err, run.Close())
	}
	defer j.close()
	return j.train(ctx, run, show)
}

// reopen makes the job of a run and puts it where the checkpoint was saved.
func reopen(run *rundir.Run, checkpoint string, flags layer, show display, ranks group.Group) (*job, error) {
	state, err := pick(run, checkpoint, show.words)
	if errors.Is(err, rundir.ErrNoCheckpoint) {
		return nil, fmt.Errorf("%w yet; begin the run anew with: galvani train --config %s", err, word(filepath.Join(run.Dir(), configName)))
	}
	if err != nil {
		return nil, err
	}
	if s, err := run.Status(); err == nil && s.Phase == rundir.Killed {
		show.words("%s", s)
		run.Log().Warn(s.String())
	}
	s, err := savedFor(ranks.Size(), run, state, flags)
	if err != nil {
		return nil, err
	}
	s.report(show)
	if err := s.lead(ranks, state); err != nil {
		return nil, err
	}
	j, err := s.open()
	if err != nil {
		return nil, err
	}
	if err := j.session.Restore(state); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", state.Path, err), j.close())
	}
	if err := ready(ranks); err != nil {
		return nil, errors.Join(err, j.close())
	}
	if err := j.compare(run, state, show); err != nil {
		return nil, errors.Join(err, j.close())
	}
	if err := run.Truncate(state.Step); err != nil {
		return nil, errors.Join(err, j.close())
	}
	j.missBest(run, show)
	return j, nil
}

// missBest tells that the best checkpoint of a run that had one is gone or damaged, and has the best begin anew.
func (j *job) missBest(run *rundir.Run, show display) {
	if j.session.Progress().Best == nil {
		return
	}
	_, err := run.Best()
	if !errors.Is(err, rundir.ErrNoCheckpoint) && !errors.Is(err, rundir.ErrCorrupt) && !errors.Is(err, rundir.ErrForeign) {
		return // what else is wrong is told when it is read
	}
	line := fmt.Sprintf("the best checkpoint is lost (%v); the best is from here on that of this state and of later ones", err)
	show.words("%s", line)
	run.Log().Warn(line)
	j.session.ForgetBest()
}

// compare tells, also in log.jsonl, where a run goes on in another way than it was going to when
// it was saved.
func (j *job) compare(run *rundir.Run, state *rundir.State, show display) error {
	note := func(line string) {
		if line != "" {
			show.words("%s", line)
			run.Log().Warn(line)
		}
	}
	if before, err := checkpointSettings(state); err == nil { // another version's are not compared
		note(j.session.Rescheduled(before.opt))
		if was, now := max(1, before.opt.Shards), max(1, j.opt.Shards); was != now {
			note(fmt.Sprintf("shards: %d from update %d on instead of %d: from here on the bits are those of %[1]d shards, on any number of ranks", now, state.Step, was))
		}
	}
	line, err := j.dataNote(state)
	note(line)
	return err
}

// dataNote returns a line about data files that are others than those of a checkpoint. It is no
// error: a damaged file may have been replaced.
func (j *job) dataNote(state *rundir.State) (string, error) {
	changed, err := j.session.DataChanged(state)
	if !changed {
		return "", err
	}
	return "the data files have changed since the checkpoint was saved: results are not comparable with those before", nil
}

// train runs the session to its end and keeps the run directory.
func (j *job) train(ctx context.Context, run *rundir.Run, show display) (err error) {
	defer func() { err = cmp.Or(err, run.Close()) }() // the first failure is often the cause of the others
	if err := j.describe(run); err != nil {
		return run.Discard(err)
	}
	begin := time.Now()
	result, err := j.learn(ctx, run, show)
	took := time.Since(begin)
	status := rundir.Status{Phase: rundir.Completed, Reason: result.Outcome.String(), Step: int64(result.Step), Time: time.Now()}
	if err != nil {
		status.Phase, status.Reason = rundir.Failed, message(err)
	}
	if errors.Is(err, errStopped) {
		status.Phase = rundir.Stopped
	}
	show.stop(status)
	if err = cmp.Or(err, run.SetStatus(status)); err != nil {
		return err
	}
	if err := j.plot(run, show.words); err != nil {
		return fmt.Errorf("the run is complete, its plots are not: %w", err)
	}
	show.end(j, result, run.Dir(), took)
	return nil
}

// learn trains, and says of a run that did not come to its end why, what is saved, and what to
// do next.
func (j *job) learn(ctx context.Context, run *rundir.Run, show display) (r engine.Result, err error) {
	if err := show.start(j, run.Dir()); err != nil {
		return engine.Result{}, err
	}
	others, err := j.others()
	defer func() { err = cmp.Or(err, closeAll(others)) }()
	if err != nil {
		return engine.Result{}, err
	}
	all := append([]*engine.Session{j.session}, others...)
	r, err = engine.Ranks(ctx, all, observers{&recorder{run: run, batch: j.opt.Batch, levels: j.levels(), last: time.Now()}, show}, run)
	switch {
	case err != nil:
	case r.Outcome == engine.Cancelled:
		err = cmp.Or(context.Cause(ctx), errAsked)
	case r.Cause != nil:
		err = fmt.Errorf("%w; %s", r.Cause, j.session.Advice(r))
	default:
		if err = j.test(ctx, run); err == nil {
			return r, nil
		}
	}
	return r, fmt.Errorf("%w; %s", err, j.kept(r, run))
}

// kept says what is saved of a run that did not come to its end.
func (j *job) kept(r engine.Result, run *rundir.Run) string {
	resume := "galvani train --resume " + word(run.Dir())
	if r.Saved {
		return fmt.Sprintf("the state at step %d of %d is saved; go on with: %s", r.Step, j.session.Steps(), resume)
	}
	if s, _, err := run.Latest(); err == nil {
		return fmt.Sprintf("the checkpoint of step %d is kept; go on from there with: %s", s.Step, resume)
	}
	return "no checkpoint is saved; begin again"
}

// describe writes what is known of a run before its first step.
func (j *job) describe(run *rundir.Run) error {
	if err := run.Write(configName, j.source); err != nil {
		return err
	}
	if err := j.keepCopies(run); err != nil {
		return err
	}
	if err := run.WriteEnv(rundir.NewEnv(thisBuild().String(), j.place.String(), j.opt.Seed)); err != nil {
		return err
	}
	if err := run.Write("references.bib", j.references()); err != nil {
		return err
	}
	if err := j.hyperparameters(run); err != nil {
		return err
	}
	return run.SetStatus(rundir.Status{Phase: rundir.Running, Step: int64(j.session.Progress().Step), Time: time.Now()})
}

// observers calls several observers in order.
type observers []engine.Observer

func (all observers) Stepped(e engine.StepEvent) error {
	for _, o := range all {
		if err := o.Stepped(e); err != nil {
			return err
		}
	}
	return nil
}

func (all observers) Evaluated(e engine.EvalEvent) error {
	for _, o := range all {
		if err := o.Evaluated(e); err != nil {
			return err
		}
	}
	return nil
}
