package experiment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"galvani/bench/rows"
	"galvani/engine/chart"
)

// Verdict says what became of a claim.
type Verdict string

// The verdicts. None is for an experiment without a criterion, or with cases missing.
const (
	Holds     Verdict = "holds"
	HoldsWhen Verdict = "holds under a condition"
	Fails     Verdict = "fails"
	None      Verdict = "no verdict"
)

// Report is what the rows of an experiment say.
type Report struct {
	Verdict Verdict      `json:"verdict"`
	Result  string       `json:"result"` // a paragraph, or several with empty lines between
	Tables  []rows.Table `json:"tables"`
	Charts  []Chart      `json:"-"`
}

// Chart is one figure, NAME-Chart.Name.png and .svg.
type Chart struct {
	Name    string // letters, digits and '-'
	Caption string // one sentence
	chart.Lines
}

// Outcome is a report with what it is a report of, and where it was written.
type Outcome struct {
	Name  string `json:"experiment"`
	Claim string `json:"claim"`
	Report
	Done    int      `json:"cases"`
	Missing int      `json:"missing,omitempty"` // cases without a row
	Seconds float64  `json:"seconds"`           // of all cases
	Quick   bool     `json:"quick,omitempty"`
	Files   []string `json:"files"`
}

// Report writes charts and NAME.md from the rows in the folder.
//
// A chart without a point, whose cases are missing, is left out.
//
// Errors: ErrRows, also where there is no row; those of the files.
func (j *Job) Report() (*Outcome, error) {
	p, err := j.plan()
	if err != nil {
		return nil, err
	}
	if len(p.rows) == 0 {
		return nil, fmt.Errorf("experiment: %s has no rows for these settings; run: %s: %w", j.path(".jsonl"), j.Command, rows.ErrRows)
	}
	report, err := j.Settings.Report(p.rows)
	if err != nil {
		return nil, fmt.Errorf("experiment: %s: %w", j.Name, err)
	}
	o := &Outcome{Name: j.Name, Claim: j.Claim, Report: report, Done: len(p.rows), Missing: len(p.cases) - len(p.rows),
		Seconds: p.rows.seconds(), Quick: j.Quick}
	if o.Missing > 0 {
		o.Verdict = None // it takes all cases
	}
	o.Charts = nil
	for _, c := range report.Charts {
		err := j.draw(o, c)
		if errors.Is(err, chart.ErrEmpty) {
			continue // its cases are missing
		}
		if err != nil {
			return nil, err
		}
		o.Charts = append(o.Charts, c)
	}
	return o, j.write(o, ".md", j.markdown(o, p))
}

// draw writes a chart in every format.
func (j *Job) draw(o *Outcome, c Chart) error {
	for _, format := range chart.Formats {
		text, err := c.Render(format)
		if err != nil {
			return fmt.Errorf("experiment: %s: %w", j.Name, err)
		}
		if err := j.write(o, "-"+c.Name+"."+format, text); err != nil {
			return err
		}
	}
	return nil
}

// path is a file of the experiment.
func (j *Job) path(suffix string) string { return filepath.Join(j.Dir, j.Name+suffix) }

// write replaces a file in one go.
func (j *Job) write(o *Outcome, suffix string, text []byte) error {
	path := j.path(suffix)
	if err := os.WriteFile(path+".part", text, 0o644); err != nil {
		return err
	}
	o.Files = append(o.Files, path)
	return os.Rename(path+".part", path)
}

func (results Rows) seconds() float64 {
	sum := 0.0
	for _, r := range results {
		sum += r.Seconds
	}
	return sum
}

// markdown writes the report for people.
func (j *Job) markdown(o *Outcome, p *plan) []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s\n\n%s.\n", j.Name, sentence(j.Doc))
	if j.Quick {
		line("**Made with --quick: shows that it works, measures nothing.**\n")
	}
	line("Claim: %s (%s).\n\n**Verdict: %s.**\n\n%s\n", j.Claim, j.Source, o.Verdict, strings.TrimSpace(o.Result))
	for _, t := range o.Tables {
		line("## %s\n\n%s", t.Title, t.Markdown())
	}
	for _, c := range o.Charts {
		line("![%s](%s-%s.png)\n\n%s\n", c.Title, j.Name, c.Name, c.Caption)
	}
	line("## Repeat it\n\n```\n%s\n```\n\n%s", j.Command, j.provenance(o, p))
	return b.Bytes()
}

// sentence begins a text with a capital.
func sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// provenance says how the numbers came about.
func (j *Job) provenance(o *Outcome, p *plan) string {
	var machines, commits, devices []string
	for _, r := range p.rows {
		commit := r.Program.Commit
		if r.Program.Dirty {
			commit += " with changes"
		}
		for _, add := range []struct {
			list *[]string
			word string
		}{
			{&machines, fmt.Sprintf("%s, %d threads", r.Machine.CPU, r.Machine.Threads)},
			{&commits, commit}, {&devices, r.Device},
		} {
			if add.word != "" && !slices.Contains(*add.list, add.word) {
				*add.list = append(*add.list, add.word)
			}
		}
	}
	text := fmt.Sprintf("%d cases, %s in all, on %s", o.Done, duration(o.Seconds), strings.Join(append(machines, devices...), "; "))
	if o.Missing > 0 {
		text += fmt.Sprintf("; **%d cases are missing**", o.Missing)
	}
	if len(commits) > 0 {
		text += "; commit " + strings.Join(commits, ", ")
	}
	return text + fmt.Sprintf(".\nIntervals are of 95 %%. Rows: `%s.jsonl`. Settings: `%s`.", j.Name, p.settings)
}

// duration rounds seconds to what matters.
func duration(seconds float64) time.Duration {
	d := time.Duration(seconds * float64(time.Second))
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(100 * time.Millisecond)
}
