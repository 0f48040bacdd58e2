package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"galvani/bench/experiment"
	_ "galvani/bench/experiment/charged" // for their registration
	_ "galvani/bench/experiment/conductance"
	_ "galvani/bench/experiment/learning"
	_ "galvani/bench/experiment/networks"
	_ "galvani/bench/experiment/neurons"
	_ "galvani/bench/experiment/rules"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine/group"
	"galvani/kernels"
	"galvani/kernels/monitor"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// defaultSeeds is the number of seeds unless told otherwise: intervals of five are about 1.2
// standard deviations wide on either side.
const defaultSeeds = 5

// experimentFlags are the flags that all experiments share.
type experimentFlags struct {
	out, commit           string
	seeds                 int
	only                  []string // of one experiment
	quick, asJSON, redraw bool
	long                  bool // of all
	run                   runKeys
	ranks                 group.Group
}

func (f *experimentFlags) add(flags *pflag.FlagSet) {
	f.run = defaultRunKeys()
	flags.StringVar(&f.out, "out", "", "`folder` of rows, tables and figures (default runs/experiments, with --quick runs/experiments/quick)")
	flags.IntVar(&f.seeds, "seeds", 0, fmt.Sprintf("number of seeds, from 1 on (default %d, with --quick 2)", defaultSeeds))
	flags.BoolVar(&f.quick, "quick", false, "tiny settings: see that it works, measure nothing")
	flags.BoolVar(&f.redraw, "report", false, "write tables and figures from the rows that are there, run nothing")
	flags.StringVar(&f.run.Device, "device", f.run.Device, "where to train: auto, cpu, cuda or cuda:n")
	flags.StringVar(&f.run.Backend, "backend", f.run.Backend, "of training: auto, graph or scan")
	flags.IntVar(&f.run.Threads, "threads", 0, "threads on the CPU, 0 for one per core")
	flags.StringVar(&f.run.DataDir, "data-dir", "", dataDirDoc)
	flags.StringVar(&f.commit, "commit", "", "commit to note (default that of the build, else of the folder)")
}

func newExperiment() *cobra.Command {
	list := newList("List the experiments", func() []brief {
		return briefs(experiment.All(), func(e experiment.Entry) brief { return brief{e.Name, e.Doc, e.Source} })
	})
	group := newGroup("experiment", "Test claims about the cells", list, newExperimentAll())
	group.Long = `Test claims about the cells. Each experiment runs its cases one after the other, for every
condition and seed, and appends a row to NAME.jsonl as soon as one is finished; Ctrl-C leaves whole
rows, and the same command goes on from there. Started by mpirun or srun, each rank runs a case at a
time. At the end NAME.md has tables and verdict, and NAME-*.png and .svg the figures.`
	for _, e := range experiment.All() {
		group.AddCommand(newExperimentOne(e))
	}
	return group
}

// newExperimentOne makes the command of one experiment, with a flag for each of its keys.
func newExperimentOne(e experiment.Entry) *cobra.Command {
	var f experimentFlags
	given := &[]config.Pair{}
	c := &cobra.Command{Use: e.Name + " [flags]", Short: e.Doc, Args: exactArgs(),
		Long: fmt.Sprintf("%s.\n\nClaim: %s.\nSource: %s.", e.Doc, e.Claim, e.Source)}
	f.add(onRanks(c).Flags())
	c.Flags().StringArrayVar(&f.only, "only", nil, "run the conditions alone whose names begin with this `text`, can be given several times; tables and verdict are of all")
	offer(c, "only", func() []string { return conditionsOf(e) })
	jsonFlag(c, &f.asJSON)
	keys, err := keyFlags(map[string]any{"": e.New()}, given)
	if err == nil {
		c.Flags().AddFlagSet(keys)
		for key, names := range experiment.Choices(e.New()) {
			offer(c, strings.ReplaceAll(key, "_", "-"), func() []string { return names })
		}
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err != nil {
			return err
		}
		o, err := f.experiment(c, e, *given)
		if err != nil || o == nil {
			return err
		}
		return report(c, f.asJSON, o, func(p *printer) { p.outcome(o) })
	}
	return c
}

// newExperimentAll makes the command that runs one experiment after the other.
func newExperimentAll() *cobra.Command {
	var f experimentFlags
	c := &cobra.Command{Use: "all [flags]", Short: "Run all experiments", Args: exactArgs(),
		Long: "Run all experiments at their defaults, those that take more than an hour with --long alone."}
	f.add(onRanks(c).Flags())
	jsonFlag(c, &f.asJSON)
	c.Flags().BoolVar(&f.long, "long", false, "also the experiments that take more than an hour")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []*experiment.Outcome
		for _, e := range experiment.All() {
			if e.Long && !f.long && !f.quick {
				fmt.Fprintf(c.ErrOrStderr(), "%s is left out: it takes more than an hour; add --long\n", e.Name)
				continue
			}
			o, err := f.experiment(c, e, nil)
			if err != nil {
				return err
			}
			if o != nil {
				all = append(all, o)
			}
		}
		return report(c, f.asJSON, all, func(p *printer) {
			tabulate(p, all, []string{"NAME", "VERDICT", "TIME", "REPORT"}, func(o *experiment.Outcome) []string {
				return []string{o.Name, string(o.Verdict), time.Duration(o.Seconds * float64(time.Second)).Round(time.Second).String(), o.Files[len(o.Files)-1]}
			})
		})
	}
	return c
}

// conditionsOf returns the names of the conditions of an experiment at its defaults.
func conditionsOf(e experiment.Entry) (names []string) {
	cases, err := e.New().Cases([]uint64{1})
	if err != nil {
		return nil
	}
	for _, c := range cases {
		names = append(names, c.Condition)
	}
	return names
}

// experiment runs one experiment, unless only its report is asked for, and writes the report.
// On a rank behind the first it returns no outcome.
func (f *experimentFlags) experiment(c *cobra.Command, e experiment.Entry, given []config.Pair) (*experiment.Outcome, error) {
	f.ranks = ranksOf(c.Context())
	j, err := f.job(e, given)
	if err != nil {
		return nil, err
	}
	if err := agree(f.ranks, append([]string{j.Command}, f.only...)...); err != nil {
		return nil, err
	}
	if !f.redraw {
		show := newExperimentDisplay(c.ErrOrStderr(), j)
		j.Watch = show.progress
		ctx, cancel := interruptible(c.Context(), closedPipe...)
		err := j.Run(ctx)
		show.end()
		cancel()
		if errors.Is(err, experiment.ErrStopped) {
			err = errAsked
		}
		if errors.Is(err, errStopped) {
			return nil, fmt.Errorf("%w, finished cases are in %s; go on with: %s", err, filepath.Join(j.Dir, e.Name+".jsonl"), j.Command+f.here())
		}
		if err != nil {
			return nil, err
		}
	}
	if f.ranks.Rank() > 0 {
		return nil, nil
	}
	return j.Report()
}

// job makes a job of the flags.
func (f *experimentFlags) job(e experiment.Entry, given []config.Pair) (*experiment.Job, error) {
	if err := checkThreads(errUsage, f.run.Threads); err != nil {
		return nil, err
	}
	switch {
	case f.seeds < 0:
		return nil, fmt.Errorf("%w: --seeds is %d, want at least 1", errUsage, f.seeds)
	case !slices.Contains([]string{"auto", "graph", "scan"}, f.run.Backend):
		return nil, fmt.Errorf("%w: --backend is %q, want auto, graph or scan", errUsage, f.run.Backend)
	}
	j := &experiment.Job{Entry: e, Settings: e.New(), Seeds: f.seeds, Quick: f.quick, Dir: f.out, Threads: localityOf(f.ranks).threads(f.run.Threads), Group: f.ranks, Only: f.only,
		Program: benchProgram(f.commit), Open: f.open, Configure: configureTraining}
	if j.Threads == 0 {
		j.Threads = monitor.Cores()
	}
	if j.Seeds == 0 {
		j.Seeds = defaultSeeds
	}
	if j.Dir == "" {
		j.Dir = filepath.Join("runs", "experiments")
	}
	if f.quick {
		j.Settings.Quick()
		if f.seeds == 0 {
			j.Seeds = 2
		}
		if f.out == "" {
			j.Dir = filepath.Join(j.Dir, "quick")
		}
	}
	var set config.Set
	if err := set.Add("experiment "+e.Name, j.Settings); err != nil {
		return nil, err
	}
	if err := set.Apply(given); err != nil {
		return nil, err
	}
	j.DataDir = dataFolder(f.run.DataDir)
	j.Command = f.command(e.Name, given)
	return j, nil
}

// command is what repeats the experiment.
func (f *experimentFlags) command(name string, given []config.Pair) string {
	words := []string{"galvani", "experiment", name}
	if f.quick {
		words = append(words, "--quick")
	}
	if f.seeds > 0 {
		words = append(words, fmt.Sprintf("--seeds %d", f.seeds))
	}
	if f.run.Device != "auto" {
		words = append(words, "--device "+f.run.Device)
	}
	for _, p := range given {
		words = append(words, fmt.Sprintf("--%s=%v", strings.ReplaceAll(p.Name, "_", "-"), p.Value))
	}
	if f.out != "" {
		words = append(words, "--out "+f.out)
	}
	return strings.Join(words, " ")
}

// here is what a command needs besides to go on in the same way on this machine.
func (f *experimentFlags) here() string {
	text := ""
	for _, name := range f.only {
		text += fmt.Sprintf(" --only %q", name)
	}
	if f.run.Backend != "auto" {
		text += " --backend " + f.run.Backend
	}
	if f.run.Threads > 0 {
		text += fmt.Sprintf(" --threads %d", f.run.Threads)
	}
	if f.run.DataDir != "" {
		text += " --data-dir " + f.run.DataDir
	}
	return text
}

// open opens the device for training.
func (f *experimentFlags) open() (kernels.Device, string, error) {
	p, err := choosePlace(f.run, localityOf(f.ranks))
	return p.dev, p.device + ", " + p.backend, err
}

// configureTraining resolves settings as train does.
func configureTraining(model, task string, keys map[string]any) (experiment.Training, error) {
	pairs := []config.Pair{{Name: "model", Value: config.Text(model)}, {Name: "task", Value: config.Text(task)}}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		pairs = append(pairs, config.Pair{Name: name, Value: config.Text(fmt.Sprint(keys[name]))})
	}
	s, err := resolve(layer{pairs: pairs})
	if err != nil {
		return experiment.Training{}, err
	}
	memory, err := parseBytes("memory", s.run.Memory)
	return experiment.Training{Model: s.run.Model, Cell: s.cell, Task: s.task, Hidden: s.size.Hidden[0],
		ReadoutScale: s.size.ReadoutScale, Wiring: &s.wiring, Options: s.opt, Memory: memory}, err
}

// outcome writes the report of an experiment in words.
func (p *printer) outcome(o *experiment.Outcome) {
	p.title("%s: %s", o.Name, o.Verdict)
	if o.Quick {
		p.line("made with --quick: shows that it works, measures nothing")
	}
	if o.Missing > 0 {
		p.line("%d of %d cases are missing", o.Missing, o.Done+o.Missing)
	}
	p.line("%s", o.Result)
	for _, t := range o.Tables {
		p.title("\n%s", t.Title)
		p.table(t.Head, t.Rows)
	}
	p.line("\n%d cases, %s; %s", o.Done, time.Duration(o.Seconds*float64(time.Second)).Round(time.Second), strings.Join(o.Files, " "))
}

// experimentDisplay tells how an experiment goes: with a bar on a terminal, otherwise in lines.
type experimentDisplay struct {
	w    io.Writer
	bar  *bar
	last time.Time
}

func newExperimentDisplay(w io.Writer, j *experiment.Job) *experimentDisplay {
	d := &experimentDisplay{w: w}
	fmt.Fprintf(w, "%s: %s\n", j.Name, j.Doc)
	if redrawn(w) {
		d.bar = newBar(w)
	}
	return d
}

// progress is experiment.Job.Watch.
func (d *experimentDisplay) progress(p experiment.Progress) {
	name := fmt.Sprintf("%d/%d  %s, seed %d", p.Done, p.Total, p.Case.Condition, p.Case.Seed)
	if d.bar != nil {
		d.bar.draw(p.Share, name, timeLeft(p.Left))
		return
	}
	if time.Since(d.last) < lineEvery && (p.Row == nil || p.Done < p.Total) {
		return
	}
	d.last = time.Now()
	words := []string{name, fmt.Sprintf("%.0f%% of it", 100*p.Part)}
	if p.Row != nil {
		words[1] = fmt.Sprintf("%.1f s", p.Row.Seconds)
	}
	if eta := timeLeft(p.Left); eta != "" {
		words = append(words, eta)
	}
	fmt.Fprintln(d.w, strings.Join(words, "  "))
}

func (d *experimentDisplay) end() {
	if d.bar != nil {
		d.bar.clear()
	}
}
