package experiment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/engine/rundir"
	"galvani/kernels"

	"github.com/google/go-cmp/cmp"
)

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
				return Result{Values: rows.Values{"x": s.Factor * float64(seed), "nan": math.NaN(), "inf": math.Inf(-1)},
					Curves: map[string]rows.Curve{"y": {1, math.NaN(), math.Inf(1), float64(seed)}}, Note: "n"}, nil
			}})
		}
	}
	return cases, nil
}

func (s *toy) Report(results Rows) (Report, error) {
	r := Report{Verdict: Holds, Result: "as seen", Tables: []rows.Table{{Title: "t", Head: []string{"condition", "x"}}}}
	for _, c := range results.Conditions() {
		r.Tables[0].Rows = append(r.Tables[0].Rows, []string{c, results.Of(c).Mean("x").Format("%.2f")})
	}
	line := chart.Series{Name: "x", X: []float64{1, 2}, Y: []float64{1, results[0].Values["x"]}}
	r.Charts = []Chart{{"line", "A line.", chart.Lines{Title: "T", Series: []chart.Series{line}}}}
	return r, nil
}

func toyJob(t *testing.T, s *toy) *Job {
	return &Job{Entry: Entry{Name: "toy", Doc: "a toy", Claim: "toys hold", Source: "none"}, Settings: s, Seeds: 2, Dir: t.TempDir(), Command: "galvani experiment toy",
		Threads: 1, Program: rows.Program{Commit: "abc"}}
}

// read returns the rows of a job's file.
func read(t *testing.T, j *Job) Rows {
	t.Helper()
	results, _, err := readRows(j.path(".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return results
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
	results := read(t, j)
	r := results[3]
	if len(results) != 4 || r.Experiment != "toy" || r.Condition != "b" || r.Seed != 2 || r.Values["x"] != 4 || r.Program.Commit != "abc" ||
		r.Machine.Threads != 1 || string(r.Settings) != `{"conditions":["a","b"],"factor":2}` || r.Note != "n" {
		t.Errorf("%d rows, the last %+v", len(results), r)
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

// TestOnly runs the conditions that are named alone, reports all that there are, and goes on with the others.
func TestOnly(t *testing.T) {
	s := newToy()
	s.Conditions = []string{"apple", "apricot", "bean"}
	j := toyJob(t, s)
	j.Only = []string{"pear"}
	if err := j.Run(t.Context()); !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), `no condition begins with "pear", want one of ["apple" "apricot" "bean"]`) {
		t.Errorf("error is %v", err)
	}
	for _, step := range []struct {
		only []string
		want string
	}{{[]string{"bean"}, "bean1 bean2"}, {[]string{"ap", "bean"}, "apple1 apple2 apricot1 apricot2"}, {nil, ""}} {
		*s.ran, j.Only = nil, step.only
		done := 0
		j.Watch = func(p Progress) { done = p.Total - p.Done }
		if err := j.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(*s.ran, " "); got != step.want || done != 0 {
			t.Errorf("only %q ran %q with %d left, want %q", step.only, got, done, step.want)
		}
		if o, err := j.Report(); err != nil || o.Done+o.Missing != 6 || o.Missing > 0 && o.Verdict != None {
			t.Errorf("only %q: the report is %+v, %v", step.only, o, err)
		}
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
	results := len(read(t, j))
	if _, err := rows.Open(j.path(".jsonl"), 0); !errors.Is(err, rundir.ErrLocked) {
		t.Errorf("with rows that were not read: %v, want ErrLocked", err)
	}
	if after := len(read(t, j)); after != results || results != seen {
		t.Errorf("%d rows, then %d, of %d cases", results, after, seen)
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
	if results := read(t, j); len(results) != 2 {
		t.Fatalf("%d rows are left, want 2", len(results))
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
	if _, err := toyJob(t, newToy()).Report(); !errors.Is(err, rows.ErrRows) {
		t.Errorf("report of nothing: %v, want ErrRows", err)
	}
}

// TestProgress holds that the share of the cost never falls and that the end is told.
func TestProgress(t *testing.T) {
	s := newToy()
	s.meet = func(_ string, e *Env) { e.Tick(0.5) }
	j := toyJob(t, s)
	var shares []float64
	results := 0
	j.Watch = func(p Progress) {
		shares = append(shares, p.Share)
		if p.Row != nil {
			results++
		}
	}
	if err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []float64{0, 0.5, 1, 1, 2, 3, 3, 3.5, 4, 4, 5, 6} // costs 1, 2, 1, 2
	for i := range want {
		want[i] /= 6
	}
	if d := cmp.Diff(want, shares); d != "" || results != 4 {
		t.Errorf("%d rows; shares: %s", results, d)
	}
}
