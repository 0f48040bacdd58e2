package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"galvani/engine/rundir"

	"github.com/spf13/cobra"
)

const runsExportDoc = `Write the metrics of runs as CSV, to the file of --out or to stdout: a row for each update and each
evaluation, with the columns run, step, time (UTC) and one for each metric, which is empty where a row does not have it. Without a
RUN all runs of the folder of --runs-dir are taken. Weights: galvani export; states: galvani trace, galvani analyse.

  galvani runs export runs/RUN --out metrics.csv
  galvani runs export sweeps/NAME/0001/RUN sweeps/NAME/0002/RUN --out metrics.csv`

func newRunsExport() *cobra.Command {
	var out string
	var dir *string
	c := &cobra.Command{Use: "export [RUN...]", Short: "Write the metrics of runs as CSV", Long: runsExportDoc,
		RunE: func(c *cobra.Command, args []string) error {
			names, passed, err := namedRuns(*dir, args, c.ErrOrStderr())
			if err != nil {
				return err
			}
			table, err := metricsTable(names, passed)
			if err != nil {
				return err
			}
			if out == "" {
				return writeCSV(c.OutOrStdout(), table)
			}
			return writeFile(out, func(w io.Writer) error { return writeCSV(w, table) })
		}}
	dir = takesRuns(c)
	c.Flags().StringVar(&out, "out", "", "CSV `file` to write; stdout, if empty")
	return c
}

// metricsTable returns all rows of metrics of runs, without those that are passed over, below a head.
func metricsTable(names []string, passed passOver) ([][]string, error) {
	all, found := make([][]rundir.Row, len(names)), map[string]bool{}
	for i, name := range names {
		run, err := rundir.View(name)
		if err == nil {
			all[i], err = run.Metrics()
		}
		if err != nil {
			if err = passed(err); err != nil {
				return nil, err
			}
			all[i] = nil
		}
		for _, row := range all[i] {
			for metric := range row.Values {
				found[metric] = true
			}
		}
	}
	metrics := slices.Sorted(maps.Keys(found))
	table := [][]string{append([]string{"run", "step", "time"}, metrics...)}
	for i, name := range names {
		for _, row := range all[i] {
			fields := []string{name, strconv.FormatInt(row.Step, 10), ""}
			if row.Time > 0 {
				fields[2] = time.UnixMilli(int64(row.Time * 1000)).UTC().Format("2006-01-02T15:04:05.000Z")
			}
			for _, m := range metrics {
				text := ""
				if v, ok := row.Values[m]; ok {
					text = fmt.Sprintf("%.9g", v)
				}
				fields = append(fields, text)
			}
			table = append(table, fields)
		}
	}
	return table, nil
}

// takesRuns gives a command names of runs as arguments, which it completes, and --runs-dir, whose value it returns.
func takesRuns(c *cobra.Command) (dir *string) {
	dir = runsDirFlag(c)
	c.Args = cobra.ArbitraryArgs
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return runNames(*dir), cobra.ShellCompDirectiveDefault
	}
	return dir
}

// runsDirFlag adds --runs-dir to a command that reads runs.
func runsDirFlag(c *cobra.Command) *string {
	return c.Flags().String("runs-dir", defaultRunKeys().RunsDir, "`folder` of the runs")
}

// namedRuns returns the runs that are named, or all of a folder, of which damaged ones are passed over.
func namedRuns(dir string, names []string, stderr io.Writer) ([]string, passOver, error) {
	if len(names) > 0 {
		return names, func(err error) error { return err }, nil
	}
	all, err := listRuns(dir)
	for _, r := range all {
		names = append(names, r.Run)
	}
	return names, passedOver(stderr), err
}
