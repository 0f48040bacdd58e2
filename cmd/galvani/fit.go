package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/chart"
	"galvani/engine/infile"
	"galvani/kernels"
	"galvani/models/neurons"
	"galvani/models/neurons/fit"

	"github.com/spf13/cobra"
)

const fitDoc = `Fit numbers of a neuron to recordings: find those with which V is nearest to what was recorded, in the mean
of squares. Several starts within the bounds go down at once, by gradients through the whole recording.
Every run begins at the start of the neuron, with gates where its own numbers hold them.

A recording is a CSV file with a line of names, or an NPZ file with arrays of these names: time_ms in equal
steps, voltage in mV for the first record of the neuron or v_PLACE_mv for that of a place, and current for its
first input that is a current, or input_NAME, in the unit of the input. Times may be in s or us, voltages in V and
currents in pA, nA, uA/cm2 and so on, where the names say so: time_s, "Time (s)", voltage_v, "Current (pA)", "Current (uA/cm2)". Semicolons and tabs divide values as commas do, and beside them decimals may have commas. A row
holds V at its time and the current of the step that ends there. What simulate --out writes is a recording. Several recordings have the same steps and length.

The folder, of its own in runs/ or that of --out, gets fitted.toml, a neuron like the one that was fitted;
traces beside the recordings and the errors of all starts as PNG and SVG; and fit.json, from which --resume
goes on, with the same bits as without the stop. galvani neurons show lists the numbers that may be learned.

  galvani simulate hh --current "step 10 5:50" --for 60ms --out seen
  galvani fit hh --to seen.csv --learn g_na,g_k --out fitted
  galvani simulate fitted/fitted.toml --current "step 10 5:50" --for 60ms`

// fitRun is what is asked for and what is known so far: fit.json.
type fitRun struct {
	Neuron     string                `json:"neuron"`
	SHA256     string                `json:"neuron_sha256,omitempty"` // of its numbers; missing in folders from before they were kept
	Recordings []string              `json:"recordings"`
	Learn      []string              `json:"learn"`
	Starts     int                   `json:"starts"`
	Stride     float64               `json:"stride"`
	Within     float64               `json:"within"`
	Bounds     map[string][2]float64 `json:"bounds"`
	Seed       uint64                `json:"seed"`
	Dt         float64               `json:"dt_ms"`
	memory     string                // of the way back
	given      []string              // bounds, NAME=LO:HI in the units of neurons show
	State      fit.State             `json:"state"`
	lock       io.Closer             // of the folder
}

// fitReport is what fit tells.
type fitReport struct {
	Neuron  string      `json:"neuron"`
	Out     string      `json:"out"`
	Device  string      `json:"device"`
	Updates int         `json:"updates"`
	Seconds float64     `json:"wall_seconds"`
	Error   float64     `json:"error_mv"` // root of the mean squared error of the best start
	Begin   float64     `json:"first_error_mv"`
	Starts  []float64   `json:"errors_mv"` // of all starts
	Numbers []fitNumber `json:"numbers"`
}

// fitNumber is one number that was fitted. Least and Most are over the starts that end with an error of at
// most twice the best.
type fitNumber struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Before float64 `json:"before"`
	Fitted float64 `json:"fitted"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
	Lo     float64 `json:"lower_bound"`
	Hi     float64 `json:"upper_bound"`
}

func newFit() *cobra.Command {
	var asJSON bool
	var to, out, resume string
	var bounds []string
	var learn string
	var updates, threads int
	r := fitRun{}
	c := &cobra.Command{Use: "fit NAME|FILE.toml --to RECORDING --learn NAMES", Short: "Fit the numbers of a neuron to recordings", Long: fitDoc,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case resume == "" && len(args) != 1:
				return fmt.Errorf("%w: fit takes one neuron, %d are given; list them with galvani neurons list", config.ErrConfig, len(args))
			case resume != "" && len(args) != 0:
				return fmt.Errorf("%w: --resume %s knows its neuron; leave %s away", config.ErrConfig, resume, args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if updates < 1 || updates > 1<<20 {
				return fmt.Errorf("%w: --updates is %d, want 1 to %d", config.ErrConfig, updates, 1<<20)
			}
			var from *fitSource
			var err error
			defer func() {
				if r.lock != nil {
					r.lock.Close()
				}
			}()
			if resume != "" {
				for _, name := range []string{"to", "learn", "starts", "stride", "within", "bounds", "seed", "dt", "out"} {
					if c.Flags().Changed(name) {
						return fmt.Errorf("%w: --%s cannot be given with --resume, which goes on with what %s says", config.ErrConfig, name, filepath.Join(resume, fitFile))
					}
				}
				out = resume
				from, err = r.load(resume)
			} else {
				if out == "" {
					out = newFolder("fit-" + strings.TrimSuffix(filepath.Base(args[0]), ".toml"))
				}
				from, err = r.begin(args[0], to, learn, bounds, out)
			}
			if err != nil {
				return err
			}
			return r.fit(c, from, out, updates, threads, resume != "", asJSON)
		}}
	flags := c.Flags()
	flags.StringVar(&to, "to", "", "recordings, `FILE,...`")
	flags.StringVar(&learn, "learn", "", "`names` of what is fitted, such as g_na,g_k,soma.cm,na.m.alpha.v")
	flags.IntVar(&r.Starts, "starts", 8, "starts; the first is the neuron as it is")
	flags.IntVar(&updates, "updates", 100, "steps of each start; with --resume those that are added")
	flags.Float64Var(&r.Stride, "stride", 1, "longest step, in the logistic coordinate of each number")
	flags.Float64Var(&r.Within, "within", 2, "bounds: this factor to both sides of each number, and 10 mV times it for potentials")
	flags.StringArrayVar(&bounds, "bounds", nil, "bounds of a number in the unit of neurons show, `NAME=LO:HI`")
	flags.Uint64Var(&r.Seed, "seed", 1, "seed of the starts")
	flags.Float64Var(&r.Dt, "dt", 0, "longest step of integration (ms), 0 for that of the neuron")
	flags.StringVar(&r.memory, "memory", "", "most memory that is kept for the way back, e.g. 2GiB; empty for no limit; the result does not depend on it")
	flags.IntVar(&threads, "threads", 0, "threads, 0 for all; the result does not depend on them")
	flags.StringVar(&out, "out", "", "`folder` to write, which must not be there yet; one in runs/ where none is given")
	flags.StringVar(&resume, "resume", "", "`folder` of a fit to go on with")
	jsonFlag(c, &asJSON)
	c.ValidArgsFunction = completeNeurons
	return c
}

// fitFile is the file of a fit in its folder.
const fitFile = "fit.json"

// fitSource is where a fit is opened from, and what was read there.
type fitSource struct {
	neuron     string
	recordings []string
	texts      [][]byte // of the recordings
	n          *neurons.Neuron
	seen       []*fit.Recording
}

// open reads neuron and recordings, once, and makes the fit.
func (r *fitRun) open(dev kernels.Device, from *fitSource) (f *fit.Fit, err error) {
	if from.n, err = loadNeuron(from.neuron); err != nil {
		return nil, err
	}
	if err := stepFits(from.n, r.Dt); err != nil {
		return nil, err
	}
	if err := r.bound(from.n); err != nil {
		return nil, err
	}
	sha, err := neuronSHA256(from.n)
	if err != nil {
		return nil, err
	}
	if r.SHA256 != "" && r.SHA256 != sha {
		return nil, fmt.Errorf("%w: neuron %s has other numbers than when the fit was begun; give it its numbers back, or begin anew without --resume", config.ErrConfig, from.neuron)
	}
	r.SHA256 = sha
	for _, file := range from.recordings {
		text, err := infile.Read(file)
		if err != nil {
			return nil, missingInput(err)
		}
		rec, err := fit.ReadRecording(file, text, from.n)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", config.ErrConfig, err)
		}
		from.texts, from.seen = append(from.texts, text), append(from.seen, rec)
	}
	memory, err := parseBytes("memory", r.memory)
	if err != nil {
		return nil, err
	}
	f, err = fit.New(dev, from.n, from.seen, fit.Settings{Learn: r.Learn, Starts: r.Starts, Stride: r.Stride, Within: r.Within, Bounds: r.Bounds, Seed: r.Seed, Dt: r.Dt, Memory: memory})
	if errors.Is(err, kernels.ErrMemory) {
		return nil, fmt.Errorf("fit: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: fit: %w", config.ErrConfig, err)
	}
	return f, nil
}

// fit runs the updates and writes what came of them.
func (r *fitRun) fit(c *cobra.Command, from *fitSource, dir string, updates, threads int, again, asJSON bool) (err error) {
	p, err := chooseKernels(runKeys{Device: "cpu", Backend: "auto", Precision: "fp32", Threads: threads}, locality{})
	if err != nil {
		return err
	}
	defer p.close()
	f, err := r.open(p.dev, from)
	if err != nil {
		return err
	}
	n, seen := from.n, from.seen
	if again {
		if err := f.Resume(r.State); err != nil {
			return fmt.Errorf("%w: %s: %w", config.ErrConfig, filepath.Join(dir, fitFile), err)
		}
	} else if dir, err = r.folder(dir, from, c.Flags().Changed("out")); err != nil {
		return err
	}
	if err := r.save(f, dir); err != nil { // before any work that could be lost
		return err
	}
	ctx, cancel := interruptible(c.Context())
	defer cancel()
	begin := time.Now()
	if err := r.update(ctx, f, dir, updates, c.ErrOrStderr()); err != nil {
		return err
	}
	if err := f.Lost(ctx, p.dev); err != nil {
		return err
	}
	result := r.report(f, n)
	result.Out, result.Device, result.Seconds = dir, p.device, time.Since(begin).Seconds()
	if err := r.write(f, n, seen, dir); err != nil {
		return err
	}
	return report(c, asJSON, result, func(p *printer) { p.fit(result) })
}

// update goes on for some updates and keeps the state about every second.
func (r *fitRun) update(ctx context.Context, f *fit.Fit, dir string, updates int, stderr io.Writer) error {
	bar := newBar(stderr)
	defer bar.clear()
	shown := redrawn(stderr)
	saved := time.Now()
	for k := range updates {
		if ctx.Err() != nil {
			if err := r.save(f, dir); err != nil {
				return err
			}
			bar.clear()
			return fmt.Errorf("%w after %d updates; go on with: galvani fit --resume %s --updates %d", context.Cause(ctx), f.Step, word(dir), updates-k)
		}
		if err := f.Update(); err != nil {
			return err
		}
		if shown {
			bar.draw(float64(k+1)/float64(updates), fmt.Sprintf("update %d", f.Step), fmt.Sprintf("error %.3g mV", math.Sqrt(f.Starts[f.Winner()].Loss)))
		}
		if time.Since(saved) > time.Second {
			if err := r.save(f, dir); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
	return r.save(f, dir)
}

func (r *fitRun) save(f *fit.Fit, dir string) error {
	r.State = f.State
	return writeFile(filepath.Join(dir, fitFile), func(w io.Writer) error { return writeJSON(w, r) })
}

// report sums up a fit.
func (r *fitRun) report(f *fit.Fit, n *neurons.Neuron) fitReport {
	w := f.Winner()
	out := fitReport{Neuron: n.Name, Updates: f.Step, Error: math.Sqrt(f.Starts[w].Loss)}
	if len(f.History) > 0 {
		out.Begin = math.Sqrt(f.History[0][0])
	}
	for _, s := range f.Starts {
		out.Starts = append(out.Starts, math.Sqrt(s.Loss))
	}
	before, fitted := f.Before(), f.Numbers(w)
	for i, label := range f.Labels() {
		name, _, _ := strings.Cut(label, "[")
		unit := n.Written(name)
		x := fitNumber{Name: label, Unit: unit.Unit, Before: unit.Of(before[i]), Fitted: unit.Of(fitted[i])}
		x.Least, x.Most = x.Fitted, x.Fitted
		lo, hi := f.Bounds(i)
		x.Lo, x.Hi = unit.Of(lo), unit.Of(hi)
		for s := range f.Starts {
			if math.Sqrt(f.Starts[s].Loss) <= 2*out.Error {
				v := unit.Of(f.Numbers(s)[i])
				x.Least, x.Most = min(x.Least, v), max(x.Most, v)
			}
		}
		out.Numbers = append(out.Numbers, x)
	}
	return out
}

// write leaves the fitted neuron and the pictures.
func (r *fitRun) write(f *fit.Fit, n *neurons.Neuron, seen []*fit.Recording, dir string) error {
	w := f.Winner()
	numbers := f.Neuron(w)
	doc := fmt.Sprintf("%s, fitted to %s with an error of %.3g mV", n.Name, recordingsOf(len(seen)), math.Sqrt(f.Starts[w].Loss))
	text := n.Like(r.Neuron, doc, r.Learn, func(name string) []float64 { return numbers[name] })
	if err := writeBytes(filepath.Join(dir, "fitted.toml"), text); err != nil {
		return err
	}
	traces, err := f.Traces(w)
	if err != nil {
		return err
	}
	for k, rec := range seen {
		c := chart.Lines{Title: fmt.Sprintf("Recording %d and the fitted %s", k+1, n.Name), XLabel: "time (ms)", YLabel: "V (mV)"}
		for i, v := range rec.V {
			if v == nil {
				continue
			}
			a, b := chart.Series{Name: "recorded, " + n.Records[i].Name}, chart.Series{Name: "fitted, " + n.Records[i].Name}
			for t := range v {
				x := float64(t) * rec.Step
				a.X, a.Y, b.X, b.Y = append(a.X, x), append(a.Y, v[t]), append(b.X, x), append(b.Y, traces[k][i][t])
			}
			b.Dashed = true // where both are the same, one would hide the other
			c.Series = append(c.Series, a, b)
		}
		if err := writeChart(filepath.Join(dir, fmt.Sprintf("traces-%d", k+1)), c); err != nil {
			return err
		}
	}
	if len(f.History) == 0 {
		return nil
	}
	c := chart.Lines{Title: "Errors of all starts", XLabel: "update", YLabel: "root mean squared error (mV)", LogY: true}
	order := make([]int, len(f.Starts))
	for s := range order {
		order[s] = s
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(f.Starts[a].Loss, f.Starts[b].Loss) })
	for _, s := range order[:min(len(order), 7)] {
		line := chart.Series{Name: fmt.Sprintf("start %d", s+1)}
		for k, losses := range f.History {
			line.X, line.Y = append(line.X, float64(k+1)), append(line.Y, math.Sqrt(losses[s]))
		}
		c.Series = append(c.Series, line)
	}
	if len(order) > 7 {
		c.Note = fmt.Sprintf("The best 7 of %d starts.", len(order))
	}
	return writeChart(filepath.Join(dir, "errors"), c)
}

// recordingsOf counts recordings in words.
func recordingsOf(n int) string {
	if n == 1 {
		return "1 recording"
	}
	return fmt.Sprintf("%d recordings", n)
}

func (p *printer) fit(r fitReport) {
	p.title("%s: error %.4g mV after %d updates, %.4g mV before", r.Neuron, r.Error, r.Updates, r.Begin)
	close := 0
	for _, e := range r.Starts {
		if e <= 2*r.Error {
			close++
		}
	}
	p.line("%s; %.3g s; %d of %d starts end within twice the error of the best", r.Device, r.Seconds, close, len(r.Starts))
	text := func(v float64) string { return fmt.Sprintf("%.5g", v) }
	tabulate(p, r.Numbers, []string{"NUMBER", "UNIT", "BEFORE", "FITTED", "OF THOSE STARTS", "BOUNDS"}, func(n fitNumber) []string {
		return []string{n.Name, n.Unit, text(n.Before), text(n.Fitted), text(n.Least) + " to " + text(n.Most), text(n.Lo) + " to " + text(n.Hi)}
	})
	p.line("The fitted neuron is %s", filepath.Join(r.Out, "fitted.toml"))
}
