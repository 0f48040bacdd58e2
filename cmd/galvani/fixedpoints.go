package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine/chart"
	"galvani/engine/dynamics"
	"galvani/engine/rundir"

	"github.com/spf13/cobra"
)

const fixedpointsDoc = `Find the slow points of a trained network: states h at which one step F with constant input
moves little, the minima of the speed q = ½‖F(h) − h‖². Descents begin at states that the network
visits on the test set, with noise added. The state is that of all planes: cells with traces,
currents or a memory have several. Steps are computed in float64 on the unrolled graph,
whatever the device; those of neurons of compartments with many steps of integration on the CPU.

Of neurons of compartments the state is what moves of it, each plane in the root mean square of what it moves by on
the test set. Gates stay between 0 and 1, and calcium is not negative. What synapses hold follows the input alone:
it is where the constant input takes it, and the other planes are looked for with it there.

--out NAME writes NAME.jsonl, one point a line with its state and the eigenvalues of ∂F/∂h there,
and NAME.png and NAME.svg, the trajectories and the points in the first two principal components
of the visited states.

Descents follow derivatives, which at a corner, such as that of a rectifier, are those of one side.
Where a descent ends above --slow, its start follows the network for some steps and goes down
again. Starts that still end above are counted as lost, with the reason and what to change.

The input is zero, mean (over sequences and steps), mean:K (over sequences, at step K), or N:K
(of sequence N of the test set at step K).

  galvani fixedpoints RUN --out points
  galvani fixedpoints RUN --input mean:20 --starts 200 --noise 0.5

Source: Sussillo and Barak (2013), doi:10.1162/NECO_a_00409.`

// pointFlags are the settings of galvani fixedpoints.
type pointFlags struct {
	savedFlags
	analysis.PointOptions
	input, out string
}

// pointsReport is what fixedpoints tells.
type pointsReport struct {
	savedHead
	Input  string               `json:"input"`
	X      []float64            `json:"x"` // [I]
	Starts int                  `json:"starts"`
	Lost   int                  `json:"lost"`             // starts that ended above the largest q
	LostQ  *float64             `json:"lost_q,omitempty"` // the smallest q that they ended at
	Hint   string               `json:"hint,omitempty"`   // what to change where starts are lost
	Spread float64              `json:"spread"`           // root mean square distance of the visited states from their mean, per element
	Share  [2]float64           `json:"share"`            // of their variance in the first two principal components
	Points []analysis.SlowPoint `json:"points"`

	classes []string
}

func newFixedpoints() *cobra.Command {
	var f pointFlags
	c := reportingRun(&f.savedFlags, &cobra.Command{Use: "fixedpoints RUN", Short: "Find slow points of a trained network and their stability", Long: fixedpointsDoc,
		PreRunE: func(*cobra.Command, []string) error { return f.check() }},
		func(c *cobra.Command, j *job, state *rundir.State, dir string) (r pointsReport, err error) {
			if err := j.needsForward("fixedpoints"); err != nil {
				return r, err
			}
			r = pointsReport{savedHead: headOf(dir, state, j.net.Name(), j.task.Name), Input: f.input, Starts: f.Starts, classes: j.task.Classes}
			picture, err := j.fixedpoints(c.Context(), &f, &r, c.ErrOrStderr())
			if err == nil {
				err = f.write(r, picture)
			}
			return r, err
		}, (*printer).points)
	f.savedFlags.add(c.Flags())
	flags := c.Flags()
	flags.StringVar(&f.input, "input", "zero", "constant input: zero, mean, mean:K or N:K")
	flags.IntVar(&f.Starts, "starts", 32, "number of descents")
	flags.IntVar(&f.Sequences, "sequences", 64, "test sequences whose states are visited")
	flags.Float64Var(&f.Noise, "noise", 0.1, "noise on the starts, in units of the spread of the visited states")
	flags.Float64Var(&f.Slow, "slow", 1e-4, "largest q of a point")
	flags.Float64Var(&f.Same, "same", 0.01, "points closer than this are one, in units of the spread")
	flags.IntVar(&f.Iterations, "iterations", 200, "steps that one descent may take")
	flags.Uint64Var(&f.Seed, "seed", 1, "seed of the starts")
	flags.StringVar(&f.out, "out", "", "`name` of the files to write, without ending")
	return c
}

// check refuses what can be refused without the run.
func (f *pointFlags) check() error {
	for _, n := range []struct {
		flag  string
		value int
	}{{"starts", f.Starts}, {"sequences", f.Sequences}, {"iterations", f.Iterations}} {
		if n.value < 1 {
			return fmt.Errorf("%w: --%s is %d, want at least 1", config.ErrConfig, n.flag, n.value)
		}
	}
	for _, n := range []struct {
		flag  string
		value float64
	}{{"noise", f.Noise}, {"slow", f.Slow}, {"same", f.Same}} {
		if !(n.value >= 0) || math.IsInf(n.value, 0) {
			return fmt.Errorf("%w: --%s is %v, want a number of at least 0", config.ErrConfig, n.flag, n.value)
		}
	}
	return nil
}

// fixedpoints fills in the report and returns the picture.
func (j *job) fixedpoints(ctx context.Context, f *pointFlags, r *pointsReport, stderr io.Writer) (chart.Lines, error) {
	bar := newBar(stderr)
	defer bar.clear()
	if redrawn(stderr) {
		f.Each = func(done int) {
			bar.draw(float64(done)/float64(f.Starts), fmt.Sprintf("descent %d of %d", done, f.Starts))
		}
	}
	subject := j.subject()
	net, err := j.exact()
	if err != nil {
		return chart.Lines{}, err
	}
	subject.Net = net
	found, err := subject.SlowPoints(ctx, f.PointOptions, func(w *analysis.Walk) ([]float64, error) {
		return j.constantInput(f.input, w)
	})
	if err != nil {
		return chart.Lines{}, err
	}
	r.X, r.Spread, r.Share = found.Input, found.Plane.Spread, found.Plane.Share
	r.Points = append([]analysis.SlowPoint{}, found.List...)
	r.lose(found.Lost, f)
	return r.picture(found, j.task.Classes), nil
}

// lose reports the starts that found no slow point, and what to change.
func (r *pointsReport) lose(lost []analysis.Lost, f *pointFlags) {
	if r.Lost = len(lost); r.Lost == 0 {
		return
	}
	least, ends := math.Inf(1), map[dynamics.End]int{}
	for _, l := range lost {
		ends[l.End]++
		if l.Q < least { // not so if it is no number
			least = l.Q
		}
	}
	var advice []string
	if !math.IsInf(least, 1) {
		r.LostQ = &least
	}
	if n := ends[dynamics.Minimum]; n > 0 {
		advice = append(advice, fmt.Sprintf("%d stayed at minima of q above --slow %g, the lowest at %.2g: raise --slow, or take another --input, such as mean", n, f.Slow, least))
	}
	if n := ends[dynamics.Iterations]; n > 0 {
		advice = append(advice, fmt.Sprintf("%d were still going down after --iterations %d: raise it", n, f.Iterations))
	}
	if n := ends[dynamics.NotFinite]; n > 0 {
		advice = append(advice, fmt.Sprintf("%d left the numbers: lower --noise", n))
	}
	r.Hint = strings.Join(advice, "; ")
}

// constantInput returns the input that the flag names, [I].
func (j *job) constantInput(name string, w *analysis.Walk) ([]float64, error) {
	t := j.task
	bad := func() ([]float64, error) {
		return nil, fmt.Errorf("%w: --input is %q, want zero, mean, mean:K or N:K with a step K of 0 to %d and a test sequence N of 0 to %d",
			config.ErrConfig, name, t.T-1, t.Test.Len()-1)
	}
	if name == "zero" {
		return make([]float64, t.I), nil
	}
	if name == "mean" {
		return w.MeanInput(0, t.T), nil
	}
	which, text, ok := strings.Cut(name, ":")
	step, err := strconv.Atoi(text)
	if !ok || err != nil || step < 0 || step >= t.T {
		return bad()
	}
	if which == "mean" {
		return w.MeanInput(step, step+1), nil
	}
	n, err := strconv.Atoi(which)
	if err != nil || n < 0 || n >= t.Test.Len() {
		return bad()
	}
	return j.subject().InputOf(n, step)
}

// write leaves the files that the flags ask for.
func (f *pointFlags) write(r pointsReport, picture chart.Lines) error {
	if f.out == "" {
		return nil
	}
	err := writeFile(f.out+".jsonl", func(w io.Writer) error {
		for _, p := range r.Points {
			if err := writeJSON(w, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return writeChart(f.out, picture)
}

func (p *printer) points(r pointsReport) {
	p.title("%s on %s", r.Model, r.Task)
	p.line("checkpoint  %s (step %d)", r.Checkpoint, r.Step)
	p.line("input       %s", r.Input)
	p.line("variance    %.1f %% and %.1f %% in the first two principal components", 100*r.Share[0], 100*r.Share[1])
	p.line("starts      %d, of which %d ended at a faster point than asked for", r.Starts, r.Lost)
	if r.Hint != "" {
		p.line("            of these %s", r.Hint)
	}
	if len(r.Points) == 0 {
		p.line("points      none")
		return
	}
	rows := make([][]string, len(r.Points))
	for i, s := range r.Points {
		rows[i] = []string{fmt.Sprint(i + 1), fmt.Sprintf("%.1e", s.Q), s.Kind(), fmt.Sprint(s.Unstable), fmt.Sprintf("%.6f", s.Radius),
			fmt.Sprint(s.Starts), fmt.Sprintf("%.2f", s.Distance), fmt.Sprintf("%.3f, %.3f", s.PC[0], s.PC[1]), answer(s.Logits, r.classes)}
	}
	p.line("")
	p.table([]string{"POINT", "q", "KIND", "UNSTABLE", "LARGEST |λ|", "STARTS", "DISTANCE", "PC 1, 2", "OUTPUT"}, rows)
}

// answer is the class that the read-out names, or its outputs.
func answer(logits []float64, classes []string) string {
	if len(classes) == len(logits) {
		at := 0
		for i, v := range logits {
			if v > logits[at] {
				at = i
			}
		}
		return classes[at]
	}
	const most = 4
	text := make([]string, min(most, len(logits)))
	for i := range text {
		text[i] = fmt.Sprintf("%.3g", logits[i])
	}
	if len(logits) > most {
		text = append(text, "…")
	}
	return strings.Join(text, ", ")
}
