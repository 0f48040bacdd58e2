package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"galvani/bench/rows"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine/rundir"

	"github.com/spf13/cobra"
)

const sweepDoc = `Train networks with all combinations of some settings, and with several seeds each. FILE.toml:

  config = ["base.toml"]     files as of train --config; may be left out
  seeds = 3                  runs of each combination, with seed, seed+1, ...
  metrics = ["grad_norm"]    metrics of training, see runs show, whose last values are told in their mean

  [set]                      settings of all runs
  model = "gru"
  task = "perceptual"

  [grid]                     settings with a list of values each: every combination is run
  hidden = [16, 64]

  [random]                   settings that are drawn, samples times for each combination of the grid:
  lr = [1e-4, 1e-1, "log"]   two numbers and uniform or log, or one of a list of any values; between
  layers = [1, 3, "uniform"] two whole numbers and uniform whole numbers are drawn
  samples = 20               how often; search_seed = 0 numbers the draws

The runs are made in the folder of --out, one numbered folder each, --jobs of them at once: each has its share of
the cores, and with device cuda or auto the GPUs take turns; the bits are those of one after the other. What is there
already is not run again: given the same command, a sweep that was stopped goes on, and a run in the middle
with its last checkpoint. A run that becomes NaN counts as failed, and the others go on. At the end there is a
table, also as FOLDER/sweep.csv: the mean over seeds of what the test set says, with its 95 % interval; and
a plot of it, FOLDER/sweep.png and sweep.svg, over the key with the most numbers. Up to 8 combinations have a plot
of their evaluations, too: curves.png and curves.svg.

galvani train --seeds 5 is a sweep of one combination.

  galvani sweep lr.toml --out sweeps/lr`

// sweepFlags is the command line of sweep.
type sweepFlags struct {
	out  string
	jobs int
	own  layer // of settings of each run that change no result, above all others
}

// whereSettings says where the settings of a sweep stand.
const whereSettings = "settings of all runs stand in [set] of FILE.toml, those that vary in [grid] or [random]"

func newSweep() *cobra.Command {
	var f sweepFlags
	threads := 0
	c := reporting(&cobra.Command{Use: "sweep FILE.toml", Short: "Train with all combinations of some settings", Long: sweepDoc, Args: exactArgs("FILE.toml")},
		func(c *cobra.Command, args []string) (r sweepReport, err error) {
			ctx, cancel := interruptible(c.Context(), closedPipe...)
			defer cancel()
			plan, err := readSweep(args[0])
			if err != nil {
				return r, err
			}
			if c.Flags().Changed("threads") {
				f.own = layer{name: "--threads", pairs: []config.Pair{{Name: "threads", Value: config.Text(fmt.Sprint(threads))}}}
			}
			if f.own.pairs != nil && slices.Contains(plan.names(), "threads") {
				return r, fmt.Errorf("%w: --threads stands beside threads in %s, which varies; leave one out", config.ErrConfig, args[0])
			}
			if f.out == "" {
				f.out = filepath.Join("sweeps", strings.TrimSuffix(filepath.Base(args[0]), filepath.Ext(args[0])))
			}
			return f.sweep(ctx, plan, c.ErrOrStderr())
		}, (*printer).sweptRuns)
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"toml"}, cobra.ShellCompDirectiveFilterFileExt
	}
	c.Flags().StringVar(&f.out, "out", "", "`folder` of the sweep; sweeps/NAME for NAME.toml, if empty")
	c.Flags().IntVar(&f.jobs, "jobs", 1, "`runs` to make at once; 0 for one for each GPU where they take a GPU, and otherwise for each core")
	c.Flags().IntVar(&threads, "threads", 0, "threads of each `run` on the CPU, 0 for one per core; without it those of its settings, or its share of the cores")
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		told := flagError(c, err)
		if strings.HasPrefix(err.Error(), "unknown flag") {
			told = fmt.Errorf("%w; %s", told, whereSettings)
		}
		return told
	})
	return c
}

// sweepReport is what sweep tells.
type sweepReport struct {
	Out    string        `json:"out"`
	Metric string        `json:"metric"`         // test_accuracy, or test_loss where there are no classes
	More   []string      `json:"more,omitempty"` // metrics that are asked for besides
	Keys   []string      `json:"keys"`
	Drawn  []string      `json:"drawn,omitempty"` // keys with random values
	Cells  []sweepedCell `json:"cells"`
}

// sweepedCell is one combination.
type sweepedCell struct {
	Values []string  `json:"values"` // of Keys
	Runs   []string  `json:"runs"`
	Failed int       `json:"failed,omitempty"`
	Tests  []float64 `json:"tests"` // of the runs that did not fail
	Mean   *float64  `json:"mean"`
	// Half is half the width of the 95 % interval, null for fewer than two runs.
	Half *float64 `json:"half"`
	// More are the means of the metrics More, null for one that no run has.
	More []*float64 `json:"more,omitempty"`
}

// summarise fills in mean and interval.
func (c *sweepedCell) summarise() {
	if len(c.Tests) == 0 {
		return
	}
	e := rows.Mean(c.Tests)
	c.Mean = &e.Value
	if half := (e.Interval[1] - e.Interval[0]) / 2; len(c.Tests) > 1 {
		c.Half = &half
	}
}

// meanOf returns the mean of a metric over the runs that have it, nil where none has.
func meanOf(metric string, runs []swept) *float64 {
	var values []float64
	for _, run := range runs {
		if v, ok := run.values[metric]; ok {
			values = append(values, v)
		}
	}
	if values == nil {
		return nil
	}
	m := rows.Mean(values).Value
	return &m
}

// claim makes the folder of a sweep, or finds the same sweep there, and locks it: two processes would make its runs twice.
func claim(out, path string, text []byte) (lock io.Closer, err error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	if lock, err = rundir.LockFolder(out); err != nil {
		return nil, err
	}
	kept := filepath.Join(out, "sweep.toml")
	before, err := os.ReadFile(kept)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = writeBytes(kept, text)
	case err == nil && !bytes.Equal(before, text):
		err = fmt.Errorf("%w: %s holds another sweep than %s; give another folder with --out, or the file %s", config.ErrConfig, out, path, kept)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// runOf makes a run in a folder of its own, goes on with it where it stopped, or finds it complete.
// own are settings above all others, also of a run that goes on. It returns what the test set said.
func runOf(ctx context.Context, folder string, layers []layer, own layer) (dir string, test map[string]float64, err error) {
	show := quietDisplay{io.Discard}
	names := runNames(folder) // the newest first
	if len(names) > 0 {
		if test, err := testOf(names[0]); test != nil || err != nil {
			return names[0], test, err
		}
		run, err := rundir.View(names[0])
		if err != nil {
			return "", nil, err
		}
		if _, err := run.Newest(); err == nil {
			if err := resume(ctx, trainFlags{resume: names[0]}, own, show); err != nil {
				return names[0], nil, err
			}
			test, err := testOf(names[0])
			return names[0], test, err
		}
	}
	layers = append(layers, own, layer{pairs: []config.Pair{{Name: "runs_dir", Value: folder}}})
	err = beginRun(ctx, layers, show)
	if names = runNames(folder); err != nil || len(names) == 0 {
		return strings.Join(names[:min(1, len(names))], ""), nil, err
	}
	test, err = testOf(names[0])
	return names[0], test, err
}

// testOf returns what the test set says of a run that is complete and the last value of every other metric, nil of another
// run.
func testOf(dir string) (map[string]float64, error) {
	run, err := rundir.View(dir)
	if err != nil {
		return nil, err
	}
	if s, err := run.Status(); err != nil || s.Phase != rundir.Completed {
		return nil, nil // it stopped before, and goes on
	}
	list, err := run.Metrics()
	if err != nil {
		return nil, err
	}
	last := map[string]float64{}
	for _, row := range list {
		maps.Copy(last, row.Values)
	}
	if _, ok := last["test_loss"]; ok {
		return last, nil
	}
	return nil, fmt.Errorf("%s: the run is complete, and its metrics hold no test: %w", dir, rundir.ErrCorrupt)
}

func (r *sweepReport) write(w io.Writer) error {
	table := [][]string{append(slices.Clone(r.Keys), "runs", "failed", r.Metric, "half_interval")}
	table[0] = append(table[0], r.More...)
	for _, c := range r.Cells {
		row := append(slices.Clone(c.Values), fmt.Sprint(len(c.Runs)), fmt.Sprint(c.Failed), number(c.Mean), number(c.Half))
		for _, m := range c.More {
			row = append(row, number(m))
		}
		table = append(table, row)
	}
	return writeCSV(w, table)
}

// writeCSV writes a table.
func writeCSV(w io.Writer, table [][]string) error { return csv.NewWriter(w).WriteAll(table) }

// number writes a number that may be missing.
func number(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.6g", *v)
}

func (p *printer) sweptRuns(r sweepReport) {
	var table [][]string
	for _, c := range r.Cells {
		what := "all runs failed"
		switch {
		case c.Mean != nil && c.Half != nil:
			what = fmt.Sprintf("%.4g ± %.2g", *c.Mean, *c.Half)
		case c.Mean != nil:
			what = fmt.Sprintf("%.4g", *c.Mean)
		}
		row := append(slices.Clone(c.Values), fmt.Sprint(len(c.Runs)), fmt.Sprint(c.Failed), what)
		for _, m := range c.More {
			row = append(row, cmp.Or(number(m), "-"))
		}
		table = append(table, row)
	}
	head := slices.Clone(r.Keys)
	for i := range head {
		head[i] = strings.ToUpper(head[i])
	}
	head = append(head, "RUNS", "FAILED", strings.ToUpper(r.Metric))
	for _, m := range r.More {
		head = append(head, strings.ToUpper(m))
	}
	p.table(head, table)
	p.line("\n± is half of the 95 %% interval of the mean over seeds; the table is also in %s", filepath.Join(r.Out, "sweep.csv"))
}
