package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine"
	"galvani/engine/chart"
	"galvani/engine/dynamics"

	"github.com/spf13/cobra"
)

const fixedpointsDoc = `Find the slow points of a trained network: states h at which one step F with constant input
moves little, the minima of the speed q = ½‖F(h) − h‖². Descents begin at states that the network
visits on the test set, with noise added. The state is that of all planes: cells with traces,
currents or a memory have several. Steps are computed in float64 on the unrolled graph,
whatever the device.

--out NAME writes NAME.jsonl, one point a line with its state and the eigenvalues of ∂F/∂h there,
and NAME.png and NAME.svg, the trajectories and the points in the first two principal components
of the visited states.

The input is zero, mean (over sequences and steps), mean:K (over sequences, at step K), or N:K
(of sequence N of the test set at step K).

  galvani fixedpoints RUN --out points
  galvani fixedpoints RUN --input mean:20 --starts 200 --noise 0.5

Source: Sussillo and Barak (2013), doi:10.1162/NECO_a_00409.`

const (
	// stepBatch is how many states go through the graph at once, at most.
	stepBatch = 64
	// mostVisits bounds the states that are kept of a sequence; of longer ones every second,
	// third and so on is.
	mostVisits = 256
	// farOff is the distance to the nearest visited state, in units of their spread, from which
	// on a point is left out of the picture.
	farOff = 10
	// mostHues is how many classes have trajectories of their own colour.
	mostHues = 4
)

// pointFlags are the settings of galvani fixedpoints.
type pointFlags struct {
	savedFlags
	input      string
	starts     int
	sequences  int
	noise      float64
	same, slow float64
	iterations int
	seed       uint64
	out        string
}

// pointsReport is what fixedpoints tells.
type pointsReport struct {
	Run        string      `json:"run"`
	Checkpoint string      `json:"checkpoint"`
	Step       int64       `json:"step"`
	Model      string      `json:"model"`
	Task       string      `json:"task"`
	Input      string      `json:"input"`
	X          []float64   `json:"x"` // [I]
	Starts     int         `json:"starts"`
	Lost       int         `json:"lost"`   // starts that ended above the largest q
	Spread     float64     `json:"spread"` // root mean square distance of the visited states from their mean, per element
	Share      [2]float64  `json:"share"`  // of their variance in the first two principal components
	Points     []slowPoint `json:"points"`
}

// slowPoint is one of the points.
type slowPoint struct {
	Q           float64      `json:"q"`
	Fixed       bool         `json:"fixed"` // q is rounding
	Stable      bool         `json:"stable"`
	Unstable    int          `json:"unstable"` // eigenvalues outside the unit circle
	Radius      float64      `json:"radius"`   // largest magnitude of the eigenvalues
	Starts      int          `json:"starts"`   // that ended here
	Distance    float64      `json:"distance"` // to the nearest visited state, in spreads
	PC          [2]float64   `json:"pc"`
	Logits      []float64    `json:"logits"`      // one step on
	State       [][]float64  `json:"state"`       // [S,H]
	Eigenvalues [][2]float64 `json:"eigenvalues"` // real and imaginary part
}

func newFixedpoints() *cobra.Command {
	var asJSON bool
	var f pointFlags
	c := &cobra.Command{Use: "fixedpoints RUN", Short: "Find slow points of a trained network and their stability",
		Long: fixedpointsDoc, Args: exactArgs("RUN"),
		PreRunE: func(*cobra.Command, []string) error { return f.check() },
		RunE: func(c *cobra.Command, args []string) error {
			j, state, err := f.open(args[0], c.ErrOrStderr())
			if err != nil {
				return err
			}
			defer j.close()
			r := pointsReport{Run: args[0], Checkpoint: state.Path, Step: state.Step, Model: j.net.Name(), Task: j.task.Name,
				Input: f.input, Starts: f.starts}
			picture, err := j.fixedpoints(c.Context(), &f, &r)
			if err != nil {
				return err
			}
			if err := f.write(r, picture); err != nil {
				return err
			}
			return report(c, asJSON, r, func(p *printer) { p.points(r, j.task.Classes) })
		}}
	jsonFlag(c, &asJSON)
	f.savedFlags.add(c.Flags())
	flags := c.Flags()
	flags.StringVar(&f.input, "input", "zero", "constant input: zero, mean, mean:K or N:K")
	flags.IntVar(&f.starts, "starts", 32, "number of descents")
	flags.IntVar(&f.sequences, "sequences", 64, "test sequences whose states are visited")
	flags.Float64Var(&f.noise, "noise", 0.1, "noise on the starts, in units of the spread of the visited states")
	flags.Float64Var(&f.slow, "slow", 1e-4, "largest q of a point")
	flags.Float64Var(&f.same, "same", 0.01, "points closer than this are one, in units of the spread")
	flags.IntVar(&f.iterations, "iterations", 200, "steps that one descent may take")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the starts")
	flags.StringVar(&f.out, "out", "", "`name` of the files to write, without ending")
	return c
}

// check refuses what can be refused without the run.
func (f *pointFlags) check() error {
	for _, n := range []struct {
		flag  string
		value int
	}{{"starts", f.starts}, {"sequences", f.sequences}, {"iterations", f.iterations}} {
		if n.value < 1 {
			return fmt.Errorf("%w: --%s is %d, want at least 1", config.ErrConfig, n.flag, n.value)
		}
	}
	for _, n := range []struct {
		flag  string
		value float64
	}{{"noise", f.noise}, {"slow", f.slow}, {"same", f.same}} {
		if !(n.value >= 0) || math.IsInf(n.value, 0) {
			return fmt.Errorf("%w: --%s is %v, want a number of at least 0", config.ErrConfig, n.flag, n.value)
		}
	}
	return nil
}

// fixedpoints fills in the report and returns the picture.
func (j *job) fixedpoints(ctx context.Context, f *pointFlags, r *pointsReport) (chart.Lines, error) {
	wide, err := engine.Widen(j.net, j.session.Params())
	if err != nil {
		return chart.Lines{}, err
	}
	batch := min(stepBatch, len(j.net.Rest())*j.net.Hidden()) // more than the rows of a Jacobian are not needed
	var m steps
	if m.StepMap, err = engine.NewStepMap(j.net, wide, j.task.I, batch); err != nil {
		return chart.Lines{}, err
	}
	defer m.Close()
	if m.single, err = engine.NewStepMap(j.net, wide, j.task.I, 1); err != nil {
		return chart.Lines{}, err
	}
	defer m.single.Close()
	walk, err := j.visit(ctx, m.StepMap, f.sequences)
	if err != nil {
		return chart.Lines{}, err
	}
	plane, err := dynamics.Principal(walk.states, m.Dim())
	if err != nil {
		return chart.Lines{}, fmt.Errorf("visited states: %w: %w", err, engine.ErrNotFinite)
	}
	if r.X, err = j.constantInput(f.input, walk); err != nil {
		return chart.Lines{}, err
	}
	if err := m.Input(r.X); err != nil {
		return chart.Lines{}, err
	}
	spread := plane.Spread
	if spread == 0 {
		spread = 1 // the network has not moved
	}
	found, lost, err := dynamics.Find(ctx, m, walk.starts(f, m.Dim(), spread),
		dynamics.Options{Iterations: f.iterations, Slow: f.slow, Same: f.same * spread})
	if err != nil {
		return chart.Lines{}, err
	}
	r.Lost, r.Spread, r.Share = lost, plane.Spread, plane.Share
	for _, p := range found {
		point, err := describe(m.single, p, len(j.net.Rest()), j.task.O)
		if err != nil {
			return chart.Lines{}, err
		}
		point.PC[0], point.PC[1] = plane.Project(p.State)
		point.Distance = walk.nearest(p.State) / spread
		r.Points = append(r.Points, point)
	}
	return walk.picture(plane, r, j.task.Classes), nil
}

// steps is a step for many states, as Jacobians need it, and for one alone, which is faster.
type steps struct {
	*engine.StepMap
	single *engine.StepMap
}

// Step is that of engine.StepMap.
func (m steps) Step(next, s []float64) error {
	if len(s) == m.Dim() {
		return m.single.Step(next, s)
	}
	return m.StepMap.Step(next, s)
}

// Input is that of engine.StepMap, for an input that all states have.
func (m steps) Input(x []float64) error { return errors.Join(m.StepMap.Input(x), m.single.Input(x)) }

// describe tells of a point; m is the step of one state.
func describe(m *engine.StepMap, p dynamics.Point, planes, outputs int) (slowPoint, error) {
	s := slowPoint{Q: p.Q, Fixed: p.Fixed(), Stable: p.Stable(), Unstable: p.Unstable(), Radius: p.Radius(), Starts: p.Starts}
	for _, e := range p.Eigenvalues {
		s.Eigenvalues = append(s.Eigenvalues, [2]float64{real(e), imag(e)})
	}
	hidden := len(p.State) / planes
	for i := range planes {
		s.State = append(s.State, p.State[i*hidden:(i+1)*hidden])
	}
	if err := m.Step(make([]float64, len(p.State)), p.State); err != nil {
		return s, err
	}
	s.Logits = make([]float64, outputs)
	return s, m.Logits(s.Logits)
}

// constantInput returns the input that the flag names, [I].
func (j *job) constantInput(name string, w *walk) ([]float64, error) {
	t := j.task
	bad := func() ([]float64, error) {
		return nil, fmt.Errorf("%w: --input is %q, want zero, mean, mean:K or N:K with a step K of 0 to %d and a test sequence N of 0 to %d",
			config.ErrConfig, name, t.T-1, t.Test.Len()-1)
	}
	if name == "zero" {
		return make([]float64, t.I), nil
	}
	if name == "mean" {
		return w.meanInput(0, t.T), nil
	}
	which, text, ok := strings.Cut(name, ":")
	step, err := strconv.Atoi(text)
	if !ok || err != nil || step < 0 || step >= t.T {
		return bad()
	}
	if which == "mean" {
		return w.meanInput(step, step+1), nil
	}
	n, err := strconv.Atoi(which)
	if err != nil || n < 0 || n >= t.Test.Len() {
		return bad()
	}
	return j.inputOf(n, step)
}

// starts draws the states that descents begin at.
func (w *walk) starts(f *pointFlags, dim int, spread float64) [][]float64 {
	rng := rand.New(rand.NewPCG(f.seed, 0))
	list := make([][]float64, f.starts)
	for i := range list {
		at := rng.IntN(len(w.states)/dim) * dim
		list[i] = make([]float64, dim)
		for k := range list[i] {
			list[i][k] = w.states[at+k] + f.noise*spread*rng.NormFloat64()
		}
	}
	return list
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
	for _, format := range chart.Formats {
		b, err := picture.Render(format)
		if err != nil {
			return err
		}
		err = writeFile(f.out+"."+format, func(w io.Writer) error {
			_, err := w.Write(b)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *printer) points(r pointsReport, classes []string) {
	p.title("%s on %s", r.Model, r.Task)
	p.line("checkpoint  %s (step %d)", r.Checkpoint, r.Step)
	p.line("input       %s", r.Input)
	p.line("variance    %.1f %% and %.1f %% in the first two principal components", 100*r.Share[0], 100*r.Share[1])
	p.line("starts      %d, of which %d ended at a faster point than asked for", r.Starts, r.Lost)
	if len(r.Points) == 0 {
		return
	}
	rows := make([][]string, len(r.Points))
	for i, s := range r.Points {
		rows[i] = []string{fmt.Sprint(i + 1), fmt.Sprintf("%.1e", s.Q), s.kind(), fmt.Sprint(s.Unstable), fmt.Sprintf("%.6f", s.Radius),
			fmt.Sprint(s.Starts), fmt.Sprintf("%.2f", s.Distance), fmt.Sprintf("%.3f, %.3f", s.PC[0], s.PC[1]), s.answer(classes)}
	}
	p.line("")
	p.table([]string{"POINT", "q", "KIND", "UNSTABLE", "LARGEST |λ|", "STARTS", "DISTANCE", "PC 1, 2", "OUTPUT"}, rows)
}

// kind names the kind of a point.
func (s slowPoint) kind() string {
	switch {
	case !s.Fixed:
		return "slow"
	case s.Stable:
		return "stable"
	case s.Unstable == 0:
		return "marginal"
	}
	return "unstable"
}

// answer is the class that the read-out names, or its outputs.
func (s slowPoint) answer(classes []string) string {
	if len(classes) == len(s.Logits) {
		at := 0
		for i, v := range s.Logits {
			if v > s.Logits[at] {
				at = i
			}
		}
		return classes[at]
	}
	const most = 4
	text := make([]string, min(most, len(s.Logits)))
	for i := range text {
		text[i] = fmt.Sprintf("%.3g", s.Logits[i])
	}
	if len(s.Logits) > most {
		text = append(text, "…")
	}
	return strings.Join(text, ", ")
}
