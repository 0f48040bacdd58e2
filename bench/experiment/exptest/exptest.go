package exptest

import (
	"errors"
	"testing"

	"galvani/bench/experiment"
	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
	"galvani/models"

	"github.com/BurntSushi/toml"
)

// Quickly runs an experiment at its tiny settings and returns its report. It holds the report to
// bearing that any of its rows are missing.
func Quickly(t *testing.T, name string) *experiment.Outcome {
	t.Helper()
	o, _ := Ran(t, name)
	return o
}

// All is Quickly of each experiment of the folder under test, on its own; want is given its name and its report.
func All(t *testing.T, want func(t *testing.T, name string, o *experiment.Outcome)) {
	for _, e := range experiment.All() {
		t.Run(e.Name, func(t *testing.T) { want(t, e.Name, Quickly(t, e.Name)) })
	}
}

// Ran is Quickly, and returns the job, too.
func Ran(t *testing.T, name string) (*experiment.Outcome, *experiment.Job) {
	t.Helper()
	j := quick(t, name)
	if err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	o, err := j.Report()
	if err != nil {
		t.Fatal(err)
	}
	if o.Missing > 0 || o.Done == 0 || o.Result == "" || len(o.Tables) == 0 {
		t.Errorf("report is %+v", o)
	}
	for _, table := range o.Tables {
		for _, r := range table.Rows {
			if len(r) != len(table.Head) {
				t.Errorf("table %q: row %q has %d words under %d heads", table.Title, r, len(r), len(table.Head))
			}
		}
	}
	all, err := j.Rows()
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if r, err := j.Settings.Report(all[i : i+1]); err != nil || r.Result == "" {
			t.Errorf("report of %s, seed %d, alone: %+v, %v", all[i].Condition, all[i].Seed, r, err)
		}
	}
	return o, j
}

// Changed returns what the experiment of a job that has run reports of its rows once they are changed.
func Changed(t *testing.T, j *experiment.Job, change func(i int, row experiment.Row)) experiment.Report {
	t.Helper()
	results, err := j.Rows()
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range results {
		change(i, row)
	}
	r, err := j.Settings.Report(results)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// quick makes the job of an experiment at its tiny settings. It trains by the defaults of model and
// task, for two updates, but with the keys of task and training that are asked for.
func quick(t *testing.T, name string) *experiment.Job {
	t.Helper()
	dev := devicetest.CPU(t, 1)
	e, err := experiment.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	j := &experiment.Job{Entry: e, Settings: e.New(), Seeds: 2, Quick: true, Dir: t.TempDir(), Command: "again", Threads: 1,
		Open: func() (kernels.Device, string, error) { return dev, dev.Name(), nil },
		Configure: func(model, task string, keys map[string]any) (experiment.Training, error) {
			m, err := models.Lookup(model)
			if err != nil {
				return experiment.Training{}, err
			}
			k, err := data.Lookup(task)
			if err != nil {
				return experiment.Training{}, err
			}
			o := engine.DefaultOptions()
			o.Batch, o.MaxSteps = 4, 2
			cfg := k.New()
			text, err := toml.Marshal(keys)
			if err == nil {
				err = errors.Join(toml.Unmarshal(text, cfg), toml.Unmarshal(text, &o))
			}
			return experiment.Training{Model: model, Cell: m.New(), Task: cfg, Hidden: 4, ReadoutScale: 1, Options: o}, err
		}}
	j.Settings.Quick()
	return j
}
