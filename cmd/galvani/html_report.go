package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine/chart"
	"galvani/engine/rundir"

	"github.com/spf13/cobra"
)

const reportDoc = `Write a page to look at, as one HTML file that needs nothing besides itself and asks no other computer for
anything. Of a RUN: how it ended, its curves, what the test set says with confusion matrix and psychometric curve, the
recurrent weights that act with their eigenvalues, the settings, and what ran where. Of a DIR of runs, such as the folder of
a sweep: the runs beside each other, with the settings in which they differ, and their curves.

The network of a RUN is opened as galvani eval opens it, so its data has to be there.

  galvani report runs/RUN                  runs/RUN/report.html
  galvani report sweeps/lr --out lr.html`

// reportResult is what report tells.
type reportResult struct {
	File string   `json:"file"`
	Runs []string `json:"runs"`
}

func newReport() *cobra.Command {
	var f savedFlags
	var out string
	c := reporting(&cobra.Command{Use: "report RUN|DIR", Short: "Write a page about a run, or about the runs of a folder", Long: reportDoc, Args: exactArgs("RUN|DIR")},
		func(c *cobra.Command, args []string) (r reportResult, err error) {
			if err := outFolder(out); err != nil {
				return r, err
			}
			r = reportResult{File: cmp.Or(out, filepath.Join(args[0], "report.html")), Runs: []string{args[0]}}
			var b []byte
			_, err = rundir.View(args[0])
			switch {
			case err == nil:
				b, err = f.runPage(c, args[0])
			case errors.Is(err, rundir.ErrNotRun):
				if r.Runs, err = runsBelow(args[0]); err == nil {
					b, err = folderPage(args[0], &r.Runs, passedOver(c.ErrOrStderr()))
				}
			}
			if err == nil {
				err = writeBytes(r.File, b)
			}
			return r, err
		}, func(p *printer, r reportResult) { p.line("%s", r.File) })
	f.add(c.Flags())
	c.Flags().StringVar(&out, "out", "", "`file` to write; report.html in the folder, if empty")
	return c
}

// runsBelow returns the runs of a folder, and those of its folders, as a sweep has them.
//
// Errors: rundir.ErrNotRun for a folder without any.
func runsBelow(dir string) ([]string, error) {
	var list []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		if _, err := rundir.View(path); err == nil {
			list = append(list, path)
			return fs.SkipDir
		}
		if strings.Count(strings.TrimPrefix(path, dir), string(filepath.Separator)) > 1 {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return nil, missingInput(err)
	}
	if list == nil {
		return nil, fmt.Errorf("%s: %w, and holds none", dir, rundir.ErrNotRun)
	}
	slices.Sort(list)
	return list, nil
}

// runPage writes the page of a run.
func (f *savedFlags) runPage(c *cobra.Command, dir string) ([]byte, error) {
	seen, err := look(dir)
	if err != nil {
		return nil, err
	}
	j, state, err := f.open(dir, c.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	defer j.close()
	run, err := rundir.View(dir)
	if err != nil {
		return nil, err
	}
	test, err := j.evaluate(c.Context(), dir, state)
	if err != nil {
		return nil, err
	}
	charts, err := j.charts(run, func(string, ...any) {})
	if err != nil {
		return nil, err
	}
	p := newPage(fmt.Sprintf("%s on %s", test.Model, test.Task))
	p.note("%s, %s: %s", filepath.Base(dir), j.units(), rundir.Status{Phase: seen.Phase, Reason: seen.Reason})
	p.heading("Test set")
	p.score(test)
	p.heading("Curves")
	err = p.figures(func() error {
		for _, name := range slices.Sorted(maps.Keys(charts)) {
			if err := p.chart(charts[name]); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && j.net != nil {
		err = p.weights(j, state)
	}
	if err != nil {
		return nil, err
	}
	p.settings(seen)
	if err := p.place(run); err != nil {
		return nil, err
	}
	return p.end(), nil
}

// score adds what the test set says.
func (p *page) score(r evalReport) {
	rows := [][]string{{"sequences", fmt.Sprint(r.Sequences)}, {"loss", fmt.Sprintf("%.6g", r.Test.Loss)}}
	if r.Test.Accuracy != nil {
		name := "accuracy"
		if len(r.Trials) > 0 {
			name = "trials decided rightly"
		}
		rows = append(rows, []string{name, fmt.Sprintf("%.2f %%", 100**r.Test.Accuracy)})
	}
	if r.Test.StepAccuracy != nil {
		rows = append(rows, []string{"steps right", fmt.Sprintf("%.2f %%", 100**r.Test.StepAccuracy)})
	}
	p.table([]string{"checkpoint of step", fmt.Sprint(r.Step)}, rows)
	if len(r.Outputs) > 0 {
		p.heading("Outputs")
		p.table(fitHead, fitRows(r.Outputs))
	}
	if r.Confusion == nil {
		return
	}
	head, rows := []string{"true class, answer"}, nil
	for i, counts := range r.Confusion {
		head = append(head, className(r.Classes, i))
		row := []string{className(r.Classes, i)}
		for _, n := range counts {
			row = append(row, fmt.Sprint(n))
		}
		rows = append(rows, row)
	}
	p.heading("Confusion matrix")
	p.table(head, rows)
	p.table(classHead, classRows(r.PerClass))
}

// className names a class for people.
func className(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("class %d", i)
}

// weights adds the recurrent matrices with their eigenvalues.
func (p *page) weights(j *job, state *rundir.State) error {
	stored, err := storedAs(j.net.Specs(), state)
	if err != nil {
		return err
	}
	list, err := analysis.Matrices(j.net, stored)
	if err != nil || len(list) == 0 {
		return err
	}
	p.heading("Recurrent weights that act")
	order := "row i receives from column j"
	if j.wiring.Dale {
		order += "; units that excite come first"
	}
	return p.figures(func() error {
		for _, m := range list {
			if err := p.matrix(fmt.Sprintf("%s, %d units, %s", m.Name, m.H, order), m.Values, m.H); err != nil {
				return err
			}
			s := chart.Series{Name: m.Name, Scatter: true, Hollow: true}
			for _, e := range m.Eigenvalues {
				s.X, s.Y = append(s.X, real(e)), append(s.Y, imag(e))
			}
			if err := p.chart(chart.Lines{Title: "Eigenvalues", Subtitle: m.Name, XLabel: "real part", YLabel: "imaginary part", Series: []chart.Series{s}}); err != nil {
				return err
			}
		}
		return nil
	})
}

// settings adds the keys of a run, those that are not the default first.
func (p *page) settings(r comparedRun) {
	p.heading("Settings")
	usual := map[string]string{}
	if s, err := resolve(layer{pairs: []config.Pair{{Name: "model", Value: r.Settings["model"]}, {Name: "task", Value: r.Settings["task"]}}}); err == nil {
		s.opt.Divide(false)
		for _, k := range s.Keys() {
			usual[k.Name] = plainList(k.String())
		}
	}
	var own, all [][]string
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		row := []string{name, plainList(r.Settings[name])}
		all = append(all, row)
		if u, ok := usual[name]; !ok || u != row[1] {
			own = append(own, row)
		}
	}
	p.table([]string{"key that is not the default", "value"}, own)
	p.folded("All settings", []string{"key", "value"}, all)
}

// plainList writes a list without brackets and quotes.
func plainList(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("[", "", "]", "", `"`, "", ",", " ").Replace(s)), " ")
}

// metrics adds the last value of each metric.
func (p *page) metrics(r comparedRun) {
	p.heading("Last metrics")
	var table [][]string
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		table = append(table, []string{name, fmt.Sprintf("%.6g", r.Metrics[name])})
	}
	p.table([]string{"metric", "value"}, table)
}

// place adds what ran where.
func (p *page) place(run *rundir.Run) error {
	text, err := run.Read("env.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var e rundir.Env
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %w", filepath.Join(run.Dir(), "env.json"), err, rundir.ErrCorrupt)
	}
	p.heading("What ran where")
	rows := [][]string{{"program", e.Version}, {"commit", e.Commit}, {"started", e.Started.UTC().Format("2006-01-02 15:04:05 UTC")},
		{"machine", fmt.Sprintf("%s, %d cores, %s/%s", e.CPU, e.Cores, e.OS, e.Arch)}, {"device", e.Device}, {"seed", fmt.Sprint(e.Seed)},
		{"command", strings.Join(e.Args[min(1, len(e.Args)):], " ")}}
	p.table([]string{"what", "value"}, slices.DeleteFunc(rows, func(r []string) bool { return r[1] == "" }))
	return nil
}

// folderPage writes the page of several runs, and leaves the names of those that are on it.
func folderPage(dir string, runs *[]string, passed passOver) ([]byte, error) {
	list, err := compared(*runs, passed)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, r := range list {
		names = append(names, r.Run)
	}
	*runs = names
	p := newPage("Runs of " + filepath.Base(dir))
	p.note("%d runs.", len(list))
	keys, metrics := columns(list, false)
	var table [][]string
	for _, r := range list {
		table = append(table, append([]string{short(r.Run, dir), string(r.Phase)}, slices.Concat(r.cells(nil, metrics, 4), r.cells(keys, nil, 4))...))
	}
	p.table(slices.Concat([]string{"run", "phase"}, metrics, keys), table)
	p.heading("Curves")
	err = p.figures(func() error {
		for _, metric := range []string{"validation_accuracy", "validation_loss", "test_accuracy", "test_loss", "loss"} {
			c := chart.Lines{Title: strings.ReplaceAll(metric, "_", " "), Subtitle: filepath.Base(dir), XLabel: "update", YLabel: strings.ReplaceAll(metric, "_", " ")}
			for _, name := range names {
				run, err := rundir.View(name)
				if err != nil {
					return err
				}
				rows, err := run.Metrics()
				if err != nil {
					return err
				}
				s := curve(rows, short(name, dir), metric, 0)
				if metric == "loss" {
					s.Smooth = smoothing
				}
				if len(s.X) > 1 {
					c.Series = append(c.Series, s)
				}
			}
			if len(c.Series) > mostCurves {
				for i := range c.Series {
					c.Series[i].Name, c.Series[i].Pale, c.Series[i].Hue = "", true, 1
				}
			}
			if err := p.chart(c); err != nil {
				return err
			}
		}
		return nil
	})
	return p.end(), err
}

// short names a run below a folder.
func short(run, dir string) string {
	if name, err := filepath.Rel(dir, run); err == nil {
		return name
	}
	return run
}
