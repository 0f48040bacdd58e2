package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine/chart"
	"galvani/engine/npz"
	"galvani/engine/rundir"
	"galvani/engine/safetensors"

	"github.com/spf13/cobra"
)

const analyseDoc = `Analyse the states of a trained network, h of its last layer, on the first sequences of the test set, and write
figures and one file of numbers, analysis.npz, to a folder. The conditions are the classes of the sequences (of trials: the
right choices), the coherences of the stimuli, or the tasks where a set has several; the course of a condition is the mean over its sequences.

  courses [C,T,H]            of the conditions, over the steps that all of them have
  pca.axes [K,H], pca.mean   principal components of the courses; pca.variance [H] along each, pca.courses [C,T,K]
  demixed.time [k,C,T],      demixed PCA (Kobak et al. 2016) of the courses: components that follow time alone, and those
  demixed.condition          that tell the conditions apart; demixed.shares: the parts of the variance that are due to time,
                             to the condition at all times alike, and to both together
  states.variance [H]        along the principal components of all states; their number of dimensions is the
                             participation ratio (sum of variances)² / sum of their squares
  tuning.mean [C,H]          mean of each unit by condition; tuning.selectivity [H], the part of the variance between
                             sequences that the condition explains; tuning.preferred [H]
  activity [N,H]             mean of each unit over the steps of each sequence, and its condition [N]
  spectrum.power             of h, mean over units and sequences, by spectrum.frequency in cycles per step
  balance.E, balance.I [H]   with Dale's law: mean recurrent input of each unit from units that excite and that inhibit, a
                             pair for each recurrent matrix

--perturb multiplies what the units that prefer a condition send, of the last layer, by each of some factors, 0 silences them,
and measures the sequences of every condition:

  grid.scale [F], grid.units [C]   factors, and the number of units that prefer each condition
  grid.loss [C,F]                  of all sequences
  grid.right [C,F,C']              part of the sequences of condition C' that is answered rightly

--against compares the states with those of other runs on the same sequences: linear CKA and Procrustes similarity, 1 where
the states differ by a rotation and a scale alone.

  galvani analyse RUN
  galvani analyse RUN --by coherence --against runs/OTHER --out analysis
  galvani analyse RUN --perturb 0,0.5,1,1.5`

// analyseFlags are the flags of galvani analyse.
type analyseFlags struct {
	savedFlags
	out, by   string
	sequences int
	against   []string
	perturb   []float64
}

// alignedRun is another run and how alike its states are.
type alignedRun struct {
	Run string `json:"run"`
	analysis.Aligned
}

// analysisReport is what analyse tells.
type analysisReport struct {
	savedHead
	Sequences  int      `json:"sequences"`
	By         string   `json:"by"`
	Conditions []string `json:"conditions"`
	// Dimension is the participation ratio of all states, CourseDimension that of the courses.
	Dimension       float64      `json:"dimension"`
	CourseDimension float64      `json:"course_dimension"`
	Variance        []float64    `json:"variance"` // parts of that of the courses along the first components
	Shares          [3]float64   `json:"shares"`   // of time, of the condition, of both together
	Selectivity     float64      `json:"selectivity"`
	Selective       int          `json:"selective"` // units with a selectivity of more than selectiveFrom
	Units           int          `json:"units"`
	Balance         []balanced   `json:"balance,omitempty"`
	Grid            []gridRow    `json:"grid,omitempty"`
	Against         []alignedRun `json:"against,omitempty"`
	Folder          string       `json:"folder"`
	Files           []string     `json:"files"`
}

// balanced is the balance of a recurrent matrix.
type balanced struct {
	Matrix string  `json:"matrix"`
	Index  float64 `json:"index"` // mean over units, 1 where excitation and inhibition cancel
}

const (
	shownComponents = 10  // whose axes and courses are written
	demixedEach     = 3   // components of each kind
	selectiveFrom   = 0.5 // of the variance
)

func newAnalyse() *cobra.Command {
	f := analyseFlags{by: analysis.Conditions[0], sequences: 500}
	c := reportingRun(&f.savedFlags, &cobra.Command{Use: "analyse RUN", Aliases: []string{"analyze"}, Short: "Analyse the states of a trained network: components, tuning, balance, spectra", Long: analyseDoc,
		PreRunE: func(*cobra.Command, []string) error {
			if f.sequences < 2 {
				return fmt.Errorf("%w: --sequences is %d, want at least 2", errUsage, f.sequences)
			}
			if !slices.Contains(analysis.Conditions, f.by) {
				return fmt.Errorf("%w: --by is %q, want one of %s", errUsage, f.by, strings.Join(analysis.Conditions, ", "))
			}
			return checkScales(f.perturb)
		}},
		func(c *cobra.Command, j *job, state *rundir.State, dir string) (analysisReport, error) {
			return f.analyse(j, state, dir, c.ErrOrStderr())
		}, (*printer).analysis)
	f.add(c.Flags())
	c.Flags().StringVar(&f.out, "out", "", "`folder` to write to; RUN/analysis, if empty")
	c.Flags().StringVar(&f.by, "by", f.by, "what tells the conditions apart: class, coherence, or task where a set has several")
	c.Flags().IntVar(&f.sequences, "sequences", f.sequences, "`number` of sequences of the test set")
	c.Flags().Float64SliceVar(&f.perturb, "perturb", nil, "`factors` by which to multiply what the units that prefer each condition send")
	c.Flags().StringArrayVar(&f.against, "against", nil, "another `run` to compare the states with; may be given again")
	return c
}

// analyse makes the report, the figures and the numbers.
func (f *analyseFlags) analyse(j *job, state *rundir.State, dir string, stderr io.Writer) (r analysisReport, err error) {
	if err := j.needsForward("analyse"); err != nil {
		return r, err
	}
	r = analysisReport{savedHead: headOf(dir, state, j.net.Name(), j.task.Name), By: f.by, Folder: cmp.Or(f.out, filepath.Join(dir, "analysis"))}
	a := analysed{job: j, subject: j.subject()}
	if a.states, err = a.subject.States(j.task.Test, f.sequences, f.by); err != nil {
		return r, err
	}
	r.Sequences, r.Units = a.states.N, a.states.H
	r.Conditions = a.states.Names
	if err := a.look(&r); err != nil {
		return r, err
	}
	if err := a.perturbGrid(&r, f.perturb); err != nil {
		return r, err
	}
	for _, other := range f.against {
		like, err := f.align(&a, other, stderr)
		if err != nil {
			return r, err
		}
		r.Against = append(r.Against, alignedRun{other, like})
	}
	if err := os.MkdirAll(r.Folder, 0o755); err != nil {
		return r, err
	}
	name := filepath.Join(r.Folder, "analysis.npz")
	if err := writeFile(name, func(w io.Writer) error { return npz.Write(w, a.tensors) }); err != nil {
		return r, err
	}
	r.Files = append(r.Files, name)
	for _, c := range a.charts(&r) {
		if name := filepath.Join(r.Folder, c.name); c.draw() {
			if err := writeChart(name, c.lines); err != nil {
				return r, err
			}
			r.Files = append(r.Files, name+".png", name+".svg")
		}
	}
	return r, nil
}

// align compares the states with those of another run on the sequences of this one.
func (f *analyseFlags) align(a *analysed, dir string, stderr io.Writer) (like analysis.Aligned, err error) {
	other := savedFlags{set: f.set, checkpoint: "best"}
	j, _, err := other.open(dir, stderr)
	if err != nil {
		return like, err
	}
	defer j.close()
	if err := j.needsForward("analyse"); err != nil {
		return like, err
	}
	if j.task.I != a.task.I {
		return like, fmt.Errorf("%w: --against %s has %d inputs, and this run %d; compare runs of one task", config.ErrConfig, dir, j.task.I, a.task.I)
	}
	s := j.subject()
	s.Task = a.task
	w, err := s.States(a.task.Test, a.states.N, f.by)
	if err != nil {
		return like, err
	}
	return analysis.Align(a.states.Rows(), a.states.H, w.Rows(), w.H)
}

// analysed is a network with what was found about it.
type analysed struct {
	*job
	subject  *analysis.Subject
	states   *analysis.States
	steps    int // of the courses
	all      *analysis.Components
	demixed  *analysis.Demixed
	shown    []float64 // courses along the first components, [C,T,K]
	tuning   analysis.Tuning
	spectrum analysis.Spectrum
	balances []analysis.Balance
	tensors  []safetensors.Tensor
}

// keep adds numbers to the file.
func (a *analysed) keep(name string, values []float64, shape ...int) {
	a.tensors = append(a.tensors, safetensors.Float64(name, shape, values))
}

// keepInts adds whole numbers to the file.
func (a *analysed) keepInts(name string, values []int) {
	wide := make([]int64, len(values))
	for i, v := range values {
		wide[i] = int64(v)
	}
	a.tensors = append(a.tensors, safetensors.Int64(name, []int{len(values)}, wide))
}

// look finds out about the network.
func (a *analysed) look(r *analysisReport) (err error) {
	w := a.states
	c, h := len(w.Names), w.H
	courses, steps := w.Means()
	a.steps = steps
	pca, err := analysis.Principal(courses, h)
	if err != nil {
		return err
	}
	if a.all, err = analysis.Principal(w.Rows(), h); err != nil {
		return err
	}
	if a.demixed, err = analysis.Demix(courses, c, steps, h, demixedEach); err != nil {
		return err
	}
	r.Dimension, r.CourseDimension, r.Shares = a.all.Dimension(), pca.Dimension(), a.demixed.Shares
	k := min(shownComponents, h)
	total := 0.0
	for _, v := range pca.Variance {
		total += v
	}
	for _, v := range pca.Variance[:k] {
		r.Variance = append(r.Variance, v/max(total, 1e-300))
	}
	a.shown = pca.Project(courses, k)
	a.keep("courses", courses, c, steps, h)
	a.keep("pca.mean", pca.Mean, h)
	a.keep("pca.variance", pca.Variance, h)
	a.keep("pca.axes", slices.Concat(pca.Axes[:k]...), k, h)
	a.keep("pca.courses", a.shown, c, steps, k)
	a.keep("states.variance", a.all.Variance, h)
	a.keep("demixed.shares", a.demixed.Shares[:], 3)
	a.keep("demixed.time", slices.Concat(a.demixed.Time...), len(a.demixed.Time), c, steps)
	a.keep("demixed.condition", slices.Concat(a.demixed.Condition...), len(a.demixed.Condition), c, steps)
	a.tuned(r)
	if a.spectrum = w.Spectrum(); len(a.spectrum.Power) > 0 {
		a.keep("spectrum.frequency", a.spectrum.Frequency, len(a.spectrum.Frequency))
		a.keep("spectrum.power", a.spectrum.Power, len(a.spectrum.Power))
	}
	if a.balances, err = analysis.Balances(a.net, a.subject.Stored(), a.all.Mean); err != nil {
		return err
	}
	for i, b := range a.balances {
		of := balanced{Matrix: b.Matrix}
		for unit := range h {
			of.Index += b.Index(unit) / float64(h)
		}
		r.Balance = append(r.Balance, of)
		name := "balance"
		if i > 0 {
			name += fmt.Sprintf(".%d", i)
		}
		a.keep(name+".E", b.Excitation, h)
		a.keep(name+".I", b.Inhibition, h)
	}
	return nil
}

// tuned finds what the units are tuned to.
func (a *analysed) tuned(r *analysisReport) {
	a.tuning = a.states.Tuning()
	for _, s := range a.tuning.Selectivity {
		r.Selectivity += s / float64(a.states.H)
		if s > selectiveFrom {
			r.Selective++
		}
	}
	a.keep("tuning.mean", a.tuning.Mean, len(a.states.Names), a.states.H)
	a.keep("tuning.selectivity", a.tuning.Selectivity, a.states.H)
	a.keepInts("tuning.preferred", a.tuning.Preferred)
	a.keep("activity", a.states.Activity(), a.states.N, a.states.H)
	a.keepInts("condition", a.states.Of)
}

// analysis writes the report.
func (p *printer) analysis(r analysisReport) {
	p.title("%s on %s", r.Model, r.Task)
	p.line("checkpoint   %s (step %d)", r.Checkpoint, r.Step)
	p.line("sequences    %d, by %s: %s", r.Sequences, r.By, strings.Join(r.Conditions, ", "))
	p.line("dimensions   %.2f of all states, %.2f of the courses of conditions (participation ratio), of %d units", r.Dimension, r.CourseDimension, r.Units)
	var parts []string
	for _, v := range r.Variance[:min(3, len(r.Variance))] {
		parts = append(parts, fmt.Sprintf("%.1f %%", 100*v))
	}
	p.line("components   %s of the variance of the courses", strings.Join(parts, ", "))
	p.line("variance     %.1f %% time, %.1f %% condition, %.1f %% both together", 100*r.Shares[0], 100*r.Shares[1], 100*r.Shares[2])
	p.line("selectivity  %.2f on average; more than %g in %d of %d units", r.Selectivity, selectiveFrom, r.Selective, r.Units)
	for _, b := range r.Balance {
		p.line("balance      %.2f of %s (1: excitation and inhibition cancel)", b.Index, b.Matrix)
	}
	for _, a := range r.Against {
		p.line("against      CKA %.3f, Procrustes %.3f  %s", a.CKA, a.Procrustes, a.Run)
	}
	p.line("folder       %s", r.Folder)
	p.grid(r)
}

// namedChart is a figure.
type namedChart struct {
	name  string
	lines interface {
		Render(format string) ([]byte, error)
	}
	series []chart.Series
}

// draw reports whether there is something to draw.
func (c namedChart) draw() bool {
	return slices.ContainsFunc(c.series, func(s chart.Series) bool { return len(s.X) > 1 })
}
