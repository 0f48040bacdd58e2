package experiment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/bench"
	"galvani/data"
	"galvani/engine"
	"galvani/engine/chart"
	"galvani/engine/rundir"
	"galvani/kernels"
	"galvani/models"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

// openCPU skips a test in a binary without cgo, which has no fused scan.
func openCPU(t *testing.T) kernels.Device {
	t.Helper()
	dev, err := kernels.OpenCPU(1)
	if errors.Is(err, kernels.ErrNoDevice) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

// quickly runs an experiment at its tiny settings and returns its report. It holds the report to
// bearing that any of its rows are missing.
func quickly(t *testing.T, name string) *Outcome {
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
	p, err := j.plan()
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.rows {
		if r, err := j.Settings.Report(p.rows[i : i+1]); err != nil || r.Result == "" {
			t.Errorf("report of %s, seed %d, alone: %+v, %v", p.rows[i].Condition, p.rows[i].Seed, r, err)
		}
	}
	return o
}

// quick makes the job of an experiment at its tiny settings. It trains by the defaults of model and
// task, for two updates, but with the keys of task and training that are asked for.
func quick(t *testing.T, name string) *Job {
	t.Helper()
	dev := openCPU(t)
	e, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	j := &Job{Entry: e, Settings: e.New(), Seeds: 2, Quick: true, Dir: t.TempDir(), Command: "again", Threads: 1,
		Open: func() (kernels.Device, string, error) { return dev, dev.Name(), nil },
		Configure: func(model, task string, keys map[string]any) (Training, error) {
			m, err := models.Lookup(model)
			if err != nil {
				return Training{}, err
			}
			k, err := data.Lookup(task)
			if err != nil {
				return Training{}, err
			}
			o := engine.DefaultOptions()
			o.Batch, o.MaxSteps = 4, 2
			cfg := k.New()
			text, err := toml.Marshal(keys)
			if err == nil {
				err = errors.Join(toml.Unmarshal(text, cfg), toml.Unmarshal(text, &o))
			}
			return Training{Model: model, Cell: m.New(), Task: cfg, Hidden: 4, ReadoutScale: 1, Options: o}, err
		}}
	j.Settings.Quick()
	return j
}

// toy draws a number per case; its settings decide what goes wrong.
type toy struct {
	Factor     float64  `toml:"factor"`
	Conditions []string `toml:"conditions"`

	ran  *[]string                      // cases in the order in which they ran
	fail func(condition string) error   // in Run
	meet func(condition string, e *Env) // in Run
}

func newToy() *toy { return &toy{Factor: 2, Conditions: []string{"a", "b"}, ran: &[]string{}} }

func (s *toy) Quick() { s.Factor = 1 }

func (s *toy) Cases(seeds []uint64) ([]Case, error) {
	if s.Factor == 0 {
		return nil, errors.New("factor is 0, want another")
	}
	var cases []Case
	for _, c := range s.Conditions {
		for _, seed := range seeds {
			cases = append(cases, Case{Condition: c, Seed: seed, Cost: float64(seed), Run: func(ctx context.Context, e *Env) (Result, error) {
				*s.ran = append(*s.ran, fmt.Sprint(c, seed))
				if s.meet != nil {
					s.meet(c, e)
				}
				if s.fail != nil {
					if err := s.fail(c); err != nil {
						return Result{}, err
					}
				}
				return Result{Values: Values{"x": s.Factor * float64(seed), "nan": math.NaN(), "inf": math.Inf(-1)},
					Curves: map[string]Curve{"y": {1, math.NaN(), math.Inf(1), float64(seed)}}, Note: "n"}, nil
			}})
		}
	}
	return cases, nil
}

func (s *toy) Report(rows Rows) (Report, error) {
	r := Report{Verdict: Holds, Result: "as seen", Tables: []Table{{Title: "t", Head: []string{"condition", "x"}}}}
	for _, c := range rows.Conditions() {
		r.Tables[0].Rows = append(r.Tables[0].Rows, []string{c, rows.Of(c).Mean("x").Format("%.2f")})
	}
	line := chart.Series{Name: "x", X: []float64{1, 2}, Y: []float64{1, rows[0].Values["x"]}}
	r.Charts = []Chart{{"line", "A line.", chart.Lines{Title: "T", Series: []chart.Series{line}}}}
	return r, nil
}

func toyJob(t *testing.T, s *toy) *Job {
	return &Job{Entry: Entry{Name: "toy", Doc: "a toy", Claim: "toys hold", Source: "none"}, Settings: s, Seeds: 2, Dir: t.TempDir(), Command: "galvani experiment toy",
		Threads: 1, Program: bench.Program{Commit: "abc"}}
}

// read returns the rows of a job's file.
func read(t *testing.T, j *Job) Rows {
	t.Helper()
	rows, _, err := readRows(j.path(".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestRunAndReport(t *testing.T) {
	s := newToy()
	j := toyJob(t, s)
	if err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a1", "a2", "b1", "b2"}; !slices.Equal(*s.ran, want) {
		t.Errorf("ran %v, want %v", *s.ran, want)
	}
	rows := read(t, j)
	r := rows[3]
	if len(rows) != 4 || r.Experiment != "toy" || r.Condition != "b" || r.Seed != 2 || r.Values["x"] != 4 || r.Program.Commit != "abc" ||
		r.Machine.Threads != 1 || string(r.Settings) != `{"conditions":["a","b"],"factor":2}` || r.Note != "n" {
		t.Errorf("%d rows, the last %+v", len(rows), r)
	}
	if !math.IsNaN(r.Values["nan"]) || !math.IsInf(r.Values["inf"], -1) || !math.IsNaN(r.Curves["y"][1]) || !math.IsInf(r.Curves["y"][2], 1) || r.Curves["y"][3] != 2 {
		t.Errorf("numbers that are not finite came back as %v %v", r.Values, r.Curves)
	}
	o, err := j.Report()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(j.path(".md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# toy\n", "A toy.", "Claim: toys hold (none).", "**Verdict: holds.**", "| a | 3.00 (-9.71 to 15.71) |", "toy-line.png", "galvani experiment toy\n", "4 cases", "commit abc"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("report lacks %q:\n%s", want, text)
		}
	}
	if len(o.Files) != 3 || o.Files[2] != j.path(".md") || o.Missing != 0 {
		t.Errorf("outcome is %+v", o)
	}
	picture, err := os.ReadFile(j.path("-line.png"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(picture)); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(j.Dir, "*.part")); left != nil {
		t.Errorf("%v are left", left)
	}
}

// TestTwoAtOnce keeps a second run from a file of rows that a first adds to, or has added to since the
// second read it.
func TestTwoAtOnce(t *testing.T) {
	s := newToy()
	j := toyJob(t, s)
	seen := 0
	s.fail = func(string) error {
		second := *j
		second.Settings = newToy()
		if err := second.Run(t.Context()); !errors.Is(err, rundir.ErrLocked) || !strings.Contains(err.Error(), "another run adds to") {
			t.Errorf("a second run gives %v, want ErrLocked", err)
		}
		seen++
		return nil
	}
	if err := j.Run(t.Context()); err != nil || seen == 0 {
		t.Fatalf("%d cases, %v", seen, err)
	}
	rows := len(read(t, j))
	if _, err := openAppender(j.path(".jsonl"), 0); !errors.Is(err, rundir.ErrLocked) {
		t.Errorf("with rows that were not read: %v, want ErrLocked", err)
	}
	if after := len(read(t, j)); after != rows || rows != seen {
		t.Errorf("%d rows, then %d, of %d cases", rows, after, seen)
	}
}

// TestResume cuts a run off after one case, then in the middle of a line, and holds that the next
// run makes what is missing and nothing else.
func TestResume(t *testing.T) {
	s := newToy()
	j := toyJob(t, s)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	s.fail = func(c string) error {
		if c == "b" {
			cancel(stopped)
			return errors.New("some consequence of being cancelled")
		}
		return nil
	}
	if err := j.Run(ctx); !errors.Is(err, stopped) {
		t.Fatalf("a cancelled run returns %v", err)
	}
	if rows := read(t, j); len(rows) != 2 {
		t.Fatalf("%d rows are left, want 2", len(rows))
	}
	if o, err := j.Report(); err != nil || o.Missing != 2 || o.Done != 2 || o.Verdict != None {
		t.Errorf("report of half the cases: %+v, %v", o, err)
	}
	text, err := os.ReadFile(j.path(".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.path(".jsonl"), text[:len(text)-9], 0o644); err != nil {
		t.Fatal(err)
	}
	s.fail, *s.ran = nil, nil
	if err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a2", "b1", "b2"}; !slices.Equal(*s.ran, want) {
		t.Errorf("ran %v, want %v", *s.ran, want)
	}
	whole, _ := os.ReadFile(j.path(".jsonl"))
	if len(read(t, j)) != 4 || !bytes.HasPrefix(whole, text[:len(text)/2]) {
		t.Errorf("file is\n%s", whole)
	}

	j.Seeds, *s.ran = 3, nil // more seeds
	if err := j.Run(t.Context()); err != nil || !slices.Equal(*s.ran, []string{"a3", "b3"}) {
		t.Errorf("with one seed more ran %v, %v", *s.ran, err)
	}
	s.Factor, *s.ran = 5, nil // other settings
	if err := j.Run(t.Context()); err != nil || len(*s.ran) != 6 {
		t.Errorf("with other settings ran %v, %v", *s.ran, err)
	}
	p, err := j.plan()
	if err != nil || len(p.rows) != 6 || p.rows[0].Values["x"] != 5 || len(read(t, j)) != 12 {
		t.Errorf("rows of other settings are mixed in: %v, %v", p.rows, err)
	}
	s.Factor = 2
	if p, err = j.plan(); err != nil || len(p.rows) != 6 || p.rows[0].Values["x"] != 2 {
		t.Errorf("rows of the first settings are gone: %v, %v", p.rows, err)
	}
}

func TestRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Job, *toy)
		want   string
	}{
		{"seeds", func(j *Job, _ *toy) { j.Seeds = 0 }, "seeds is 0, want at least 1"},
		{"settings", func(_ *Job, s *toy) { s.Factor = 0 }, "toy: bad settings: factor is 0"},
		{"nothing", func(_ *Job, s *toy) { s.Conditions = nil }, "toy: there is nothing to run"},
		{"twice", func(_ *Job, s *toy) { s.Conditions = []string{"a", "a"} }, `two cases "a" of seed 1`},
		{"case", func(_ *Job, s *toy) { s.fail = func(string) error { return kernels.ErrShape } }, "toy: a, seed 1: shape mismatch"},
		{"file", func(j *Job, _ *toy) { os.WriteFile(j.path(".jsonl"), []byte("{}\n"), 0o644) }, "line 1 is no row"},
		{"text", func(j *Job, _ *toy) { os.WriteFile(j.path(".jsonl"), []byte("hello\n"), 0o644) }, "line 1 is no row"},
		{"folder", func(j *Job, _ *toy) { j.Dir = "/dev/null/x" }, "/dev/null"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newToy()
			j := toyJob(t, s)
			tt.change(j, s)
			err := j.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, tt.want)
			}
		})
	}
	if _, err := toyJob(t, newToy()).Report(); !errors.Is(err, ErrRows) {
		t.Errorf("report of nothing: %v, want ErrRows", err)
	}
}

// TestProgress holds that the share of the cost never falls and that the end is told.
func TestProgress(t *testing.T) {
	s := newToy()
	s.meet = func(_ string, e *Env) { e.Tick(0.5) }
	j := toyJob(t, s)
	var shares []float64
	rows := 0
	j.Watch = func(p Progress) {
		shares = append(shares, p.Share)
		if p.Row != nil {
			rows++
		}
	}
	if err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []float64{0, 0.5, 1, 1, 2, 3, 3, 3.5, 4, 4, 5, 6} // costs 1, 2, 1, 2
	for i := range want {
		want[i] /= 6
	}
	if d := cmp.Diff(want, shares); d != "" || rows != 4 {
		t.Errorf("%d rows; shares: %s", rows, d)
	}
}

func TestMean(t *testing.T) {
	// t of 0.975 with 2 degrees of freedom is 4.302653; the standard deviation is 1.
	e := Mean([]float64{1, 2, 3})
	half := 4.302653 / math.Sqrt(3)
	if e.Value != 2 || e.N != 3 || math.Abs(e.Interval[0]-2+half) > 1e-5 || math.Abs(e.Interval[1]-2-half) > 1e-5 {
		t.Errorf("mean of 1, 2, 3 is %+v", e)
	}
	if e := Mean([]float64{7}); e.Value != 7 || !math.IsNaN(e.Interval[0]) || e.Format("%.1f") != "7.0" {
		t.Errorf("mean of 7 is %+v", e)
	}
	if e := Mean(nil); !math.IsNaN(e.Value) {
		t.Errorf("mean of nothing is %+v", e)
	}
}

func TestSpread(t *testing.T) {
	if e := Spread([]float64{3, 1, 2}); e.Value != 2 || e.Interval != (bench.Interval{1, 3}) {
		t.Errorf("spread is %+v", e)
	}
	if e := Spread([]float64{3}); e.Value != 3 || !math.IsNaN(e.Interval[0]) {
		t.Errorf("spread of one is %+v", e)
	}
}

func TestShare(t *testing.T) {
	// Of none in n the upper border is 1 - 0.025^(1/n).
	if e := Share(0, 10); e.Value != 0 || e.Interval[0] != 0 || math.Abs(e.Interval[1]-(1-math.Pow(0.025, 0.1))) > 1e-9 {
		t.Errorf("0 of 10: %+v", e)
	}
	if e := Share(10, 10); e.Value != 1 || e.Interval[1] != 1 || math.Abs(e.Interval[0]-math.Pow(0.025, 0.1)) > 1e-9 {
		t.Errorf("10 of 10: %+v", e)
	}
	// Table of Clopper and Pearson: 5 of 10 gives 0.187 to 0.813.
	if e := Share(5, 10); math.Abs(e.Interval[0]-0.18709) > 1e-4 || math.Abs(e.Interval[1]-0.81291) > 1e-4 {
		t.Errorf("5 of 10: %+v", e)
	}
}

// TestRegistry holds that every experiment can be listed, has settings that survive as JSON, and
// has cases.
func TestRegistry(t *testing.T) {
	if len(All()) == 0 {
		t.Fatal("no experiment is registered")
	}
	for _, e := range All() {
		s := e.New()
		text, err := settingsJSON(s)
		if err != nil {
			t.Error(err)
		}
		var keys map[string]any
		if err := json.Unmarshal(text, &keys); err != nil || e.Doc == "" || e.Claim == "" || e.Source == "" {
			t.Errorf("%s: %v: %+v", e.Name, err, e)
		}
		cases, err := s.Cases([]uint64{1, 2})
		if err != nil || len(cases) < 2 {
			t.Errorf("%s: %d cases, %v", e.Name, len(cases), err)
		}
	}
}
