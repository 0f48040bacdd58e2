package main

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/kernels/devices"
	"galvani/models/neurons"
	"galvani/models/neurons/correspond"

	"github.com/spf13/cobra"
)

const correspondDoc = `Take a neuron to a charged RNN, one assumption at a time, and tell how far each leads away from the neuron: gates
that stay at rest; gates that follow V at once; one pair of gates, σ₊σ₋, for each channel; one pair for all channels
of a region that reverse above rest and one for those below; input by conductances; and the cell crnn itself, with
a unit for each compartment, in the steps of the neuron and in those of a task. Without --current, --events or
--stimulus two steps of current are tried, one of which moves V little and one much.

The charged RNN is left as a run with its parameters, not trained, from which train --resume, eval and trace go on.
Its folder has the comparison, too: correspond.json, and V of every stage as PNG and SVG in plots. Where the neuron
and the task have facets, they drive what they drive in the neuron; elsewhere the weights of the inputs are drawn
as for any crnn. The read-out is drawn, too.

  galvani correspond lgmd
  galvani correspond hh --current "step 3 50:150" --for 200ms
  galvani train --resume runs/RUN --epochs 2`

// correspondFlags are those of correspond.
type correspondFlags struct {
	input  neuronFlags // what drives the neuron
	task   string
	coarse float64
	settle float64
	near   float64
	runs   string
	data   string
}

// correspondReport is what correspond tells, and correspond.json.
type correspondReport struct {
	Neuron   string            `json:"neuron"`
	Run      string            `json:"run"`
	Task     string            `json:"task"`
	Units    int               `json:"units"`
	Inputs   map[string]string `json:"inputs"`
	Ms       float64           `json:"ms"`
	Stimulus *seen             `json:"stimulus,omitempty"`
	*correspond.Result
	Notes []string `json:"notes"`
}

func newCorrespond() *cobra.Command {
	var f correspondFlags
	c := &cobra.Command{Use: "correspond NAME|FILE.toml", Short: "Take a neuron to a charged RNN, and tell how well they agree", Long: correspondDoc,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("%w: correspond takes one neuron, %d are given; list them with galvani neurons list", config.ErrConfig, len(args))
			}
			return nil
		},
		RunE:              func(c *cobra.Command, args []string) error { return f.correspond(c, args[0]) },
		ValidArgsFunction: completeNeurons}
	f.input.addInput(c)
	c.Flags().Lookup("for").Usage += fmt.Sprintf(", and of the two steps of current that are tried %d ms", correspond.ProbeMs)
	flags := c.Flags()
	flags.StringVar(&f.task, "task", "looming", "task of the run, see galvani tasks list")
	flags.Float64Var(&f.coarse, "step-ms", 0, "length of a step of the run, a multiple of --dt; 0 for that of the task, or 10")
	flags.Float64Var(&f.settle, "settle", 500, "time without input before the comparison (ms)")
	flags.Float64Var(&f.near, "near", 5, "distance from rest (mV) from which on pairs of gates may differ from the channels they stand for")
	flags.StringVar(&f.runs, "runs-dir", "runs", "`folder` that the run is made in")
	dataDirFlag(c, &f.data)
	offer(c, "task", data.Names)
	return c
}

// correspond compares, and leaves the run.
func (f *correspondFlags) correspond(c *cobra.Command, name string) error {
	n, err := loadNeuron(name)
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	pairs := []config.Pair{{Name: "model", Value: "crnn"}, {Name: "task", Value: f.task}, {Name: "runs_dir", Value: f.runs}, {Name: "data_dir", Value: f.data}}
	plain, err := resolve(layer{pairs: pairs})
	if err != nil {
		return err
	}
	if f.coarse == 0 {
		f.coarse = stepOf(plain)
	}
	r := correspondReport{Neuron: n.Name, Task: f.task, Units: n.Compartments(), Notes: append([]string{}, n.Notes...)}
	if err := f.compare(c, n, &r); err != nil {
		return err
	}
	if err := f.leave(n, pairs, &r); err != nil {
		return err
	}
	return report(c, f.input.asJSON, r, func(p *printer) { p.correspond(r) })
}

func (f *correspondFlags) check() error {
	for _, x := range []struct {
		name         string
		v, from, to  float64
		unit, remark string
	}{{"settle", f.settle, 1, 1e5, "ms", ""}, {"near", f.near, 0.1, 1000, "mV", ""}, {"step-ms", f.coarse, 0, 1000, "ms", ", 0 for that of the task"}} {
		if !(x.v >= x.from && x.v <= x.to) {
			return fmt.Errorf("%w: --%s is %v %s, want %g to %g%s", config.ErrConfig, x.name, x.v, x.unit, x.from, x.to, x.remark)
		}
	}
	return nil
}

// stepOf returns the length of a step of a task in ms, 10 where steps have none.
func stepOf(s *settings) float64 {
	if eye, ok := s.task.(*data.Looming); ok {
		return eye.StepMs
	}
	return 10
}

// compare runs the stages.
func (f *correspondFlags) compare(c *cobra.Command, n *neurons.Neuron, r *correspondReport) error {
	in := &f.input
	dev, err := devices.OpenCPU(1)
	if err != nil {
		return err
	}
	defer dev.Close()
	if in.dt == 0 {
		in.dt = n.Dt
	}
	if err := stepFits(n, in.dt); err != nil {
		return err
	}
	if err := in.seen.settle(c, n, &in.length); err != nil {
		return err
	}
	s := correspond.Settings{Dt: in.dt, Settle: f.settle, Coarse: f.coarse, Near: f.near}
	ctx, cancel := interruptible(c.Context())
	defer cancel()
	probe := len(in.current)+len(in.events) == 0 && in.seen.Kind == ""
	if probe && !c.Flags().Changed("for") {
		in.length = correspond.ProbeMs * time.Millisecond
	}
	if err := in.check(); err != nil {
		return err
	}
	s.Steps = int(math.Round(in.steps()*in.dt/f.coarse) * math.Round(f.coarse/in.dt))
	var stimulus neurons.Stimulus
	if probe {
		text := ""
		if stimulus, text, err = correspond.Probe(ctx, dev, n, s); err == nil {
			name, what, _ := strings.Cut(text, ": ")
			r.Inputs = map[string]string{name: what}
		}
	} else {
		var t neuronTrace
		if stimulus, err = in.stimulus(n, &t); err == nil {
			r.Inputs, r.Stimulus = t.Inputs, t.Stimulus
		}
	}
	if err != nil {
		return corresponds(err)
	}
	bar := newBar(c.ErrOrStderr())
	defer bar.clear()
	shown := redrawn(c.ErrOrStderr())
	r.Ms = float64(s.Steps) * s.Dt
	r.Result, err = correspond.Compare(ctx, dev, n, stimulus, s, func(part float64) {
		if shown {
			bar.draw(part, fmt.Sprintf("%.0f ms", r.Ms), "from neuron to crnn")
		}
	})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w; nothing is saved", err)
	}
	return corresponds(err)
}

// corresponds marks what is wrong with settings.
func corresponds(err error) error {
	if errors.Is(err, correspond.ErrSettings) {
		return fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	return err
}
