package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/rundir"

	"github.com/spf13/cobra"
)

// comparedRun is a run with its settings and what its metrics say last.
type comparedRun struct {
	runReport
	Settings map[string]string  `json:"settings"`
	Metrics  map[string]float64 `json:"metrics"` // the last value of each that is finite
}

// look reads the files of a run.
func look(dir string) (r comparedRun, err error) {
	run, err := rundir.View(dir)
	if err != nil {
		return r, err
	}
	r = comparedRun{runReport: lookAt(run), Settings: map[string]string{}, Metrics: map[string]float64{}}
	text, err := run.Read(configName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	if err == nil {
		pairs, err := config.Decode(bytes.NewReader(text))
		if err != nil {
			return r, fmt.Errorf("%s: %w", filepath.Join(dir, configName), err)
		}
		for _, p := range pairs {
			r.Settings[p.Name] = fmt.Sprint(p.Value)
		}
	}
	rows, err := run.Metrics()
	for _, row := range rows {
		for name, v := range row.Values {
			if v-v == 0 {
				r.Metrics[name] = v
			}
		}
	}
	return r, err
}

func newRunsShow() *cobra.Command {
	return reporting(&cobra.Command{Use: "show RUN", Short: "Show a run: where it stands, its settings, its last metrics", Args: exactArgs("RUN")},
		func(_ *cobra.Command, args []string) (comparedRun, error) { return look(args[0]) },
		func(p *printer, r comparedRun) {
			p.title("%s", r.Run)
			row := r.row()
			p.line("phase       %s", rundir.Status{Phase: r.Phase, Reason: r.Reason})
			p.line("checkpoint  %s", row[2])
			p.line("since       %s", row[3])
			p.title("\nLast metrics")
			tabulate(p, slices.Sorted(maps.Keys(r.Metrics)), []string{"METRIC", "VALUE"}, func(name string) []string {
				return []string{name, fmt.Sprintf("%.6g", r.Metrics[name])}
			})
			p.title("\nSettings")
			tabulate(p, slices.Sorted(maps.Keys(r.Settings)), []string{"KEY", "VALUE"}, func(name string) []string {
				return []string{name, r.Settings[name]}
			})
		})
}

const compareDoc = `Put runs beside each other: where they stand, the settings in which they differ, and what the test set
and the validation set said last. Without a RUN all runs of the folder of --runs-dir are taken; a folder of
galvani sweep is not one, its runs lie in sweeps/NAME/0001 and so on. With --out the table
is written as CSV, with all settings and all metrics.

  galvani runs compare
  galvani runs compare runs/20260101T000000Z-gru-adding runs/20260101T000100Z-lstm-adding
  galvani runs compare --out runs.csv`

func newRunsCompare() *cobra.Command {
	var asJSON bool
	var out string
	var dir *string
	c := &cobra.Command{Use: "compare [RUN...]", Short: "Put runs beside each other", Long: compareDoc,
		RunE: func(c *cobra.Command, args []string) error {
			names, passed, err := namedRuns(*dir, args, c.ErrOrStderr())
			if err != nil {
				return err
			}
			list, err := compared(names, passed)
			if err != nil {
				return err
			}
			if out != "" {
				return writeFile(out, func(w io.Writer) error { return writeRuns(w, list) })
			}
			return report(c, asJSON, list, func(p *printer) { p.compared(list) })
		}}
	dir = takesRuns(c)
	c.Flags().StringVar(&out, "out", "", "CSV `file` to write in place of the table")
	jsonFlag(c, &asJSON)
	return c
}

// compared reads runs, without those that are passed over.
func compared(names []string, passed passOver) ([]comparedRun, error) {
	list := []comparedRun{}
	for _, name := range names {
		r, err := look(name)
		if err == nil {
			list = append(list, r)
		} else if err = passed(err); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// passOver is given what is wrong with a run, and returns an error where it is not to be passed over.
type passOver func(error) error

// passedOver tells of damaged runs of a folder, so that others are seen all the same.
func passedOver(w io.Writer) passOver {
	return func(err error) error {
		fmt.Fprintf(w, "passed over: %v\n", err)
		return nil
	}
}

// columns returns the keys in which runs differ, or all, and the metrics that some of them have.
func columns(list []comparedRun, all bool) (keys, metrics []string) {
	key, metric := map[string]bool{}, map[string]bool{}
	for _, r := range list {
		for name := range r.Settings {
			key[name] = key[name] || all || slices.ContainsFunc(list, func(o comparedRun) bool { return o.Settings[name] != r.Settings[name] })
		}
		for name := range r.Metrics {
			metric[name] = all || slices.Contains([]string{"validation_loss", "validation_accuracy", "test_loss", "test_accuracy"}, name)
		}
	}
	return chosen(key), chosen(metric)
}

// chosen returns the names that are true, sorted.
func chosen(in map[string]bool) []string {
	maps.DeleteFunc(in, func(_ string, yes bool) bool { return !yes })
	return slices.Sorted(maps.Keys(in))
}

// cells returns the fields of a run under columns.
func (r comparedRun) cells(keys, metrics []string, precision int) []string {
	var fields []string
	for _, k := range keys {
		fields = append(fields, r.Settings[k])
	}
	for _, m := range metrics {
		text := ""
		if v, ok := r.Metrics[m]; ok {
			text = fmt.Sprintf("%.*g", precision, v)
		}
		fields = append(fields, text)
	}
	return fields
}

func (p *printer) compared(list []comparedRun) {
	keys, metrics := columns(list, false)
	tabulate(p, list, slices.Concat([]string{"RUN", "PHASE"}, keys, metrics), func(r comparedRun) []string {
		return append([]string{filepath.Base(r.Run), string(r.Phase)}, r.cells(keys, metrics, 4)...)
	})
}

// writeRuns writes all settings and the last metrics of runs.
func writeRuns(w io.Writer, list []comparedRun) error {
	keys, metrics := columns(list, true)
	table := [][]string{slices.Concat([]string{"run", "phase"}, keys, metrics)}
	for _, r := range list {
		table = append(table, append([]string{r.Run, string(r.Phase)}, r.cells(keys, metrics, 9)...))
	}
	return writeCSV(w, table)
}
