package main

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
	"galvani/kernels/devices"
	"galvani/models"

	"github.com/spf13/cobra"
)

// errGradient means that a gradient is wrong, which is a fault of the program.
var errGradient = errors.New("gradient differs from central differences")

// gradTolerance is the largest error of a gradient relative to its largest element, or to 1e-4 of the loss where that is
// more: differences of the loss are good to about 1e-10 of it.
const gradTolerance = 1e-6

// mostChecked bounds the numbers of a plane of the state, of which the graph keeps dozens.
const mostChecked = 1 << 20

// gradShape is what gradients are checked on.
type gradShape struct {
	T, B, I, H, O, layers int
	seed                  uint64
}

// gradReport is the result of gradcheck for one backend.
type gradReport struct {
	Model   string    `json:"model"`
	Backend string    `json:"backend"`
	Device  string    `json:"device"`
	Params  []gradRow `json:"params"`
	Pass    bool      `json:"pass"`
}

// gradRow is the result for one parameter.
type gradRow struct {
	Param    string  `json:"param"`
	Checked  int     `json:"checked"`
	Kinks    int     `json:"kinks"`    // elements left out at the corner of a rectifier
	Gradient float64 `json:"gradient"` // largest element
	Error    float64 `json:"error"`    // relative to it, see engine.GradCheck
	Pass     bool    `json:"pass"`
}

func newGradcheck() *cobra.Command {
	var asJSON bool
	shape := gradShape{T: 5, B: 3, I: 4, H: 6, O: 3, layers: 1, seed: 1}
	c := &cobra.Command{Use: "gradcheck MODEL", Short: "Hold a cell's gradients to central differences in float64",
		Long: `Hold a cell's gradients to central differences in float64, for the unrolled graph and for
the fused scan. A gradient that differs ends with exit code 70.

Spikes have no derivative: a model with a surrogate for it is checked with the smooth function that
has the surrogate for its derivative.`,
		Args: exactArgs("MODEL"), ValidArgsFunction: completeNames(models.Names),
		RunE: func(c *cobra.Command, args []string) error {
			e, err := lookupCell(args[0])
			if err != nil {
				return err
			}
			all, err := checkGradients(e, shape)
			if err != nil {
				return err
			}
			if err := report(c, asJSON, all, func(p *printer) { p.gradients(all) }); err != nil {
				return err
			}
			for _, r := range all {
				if !r.Pass {
					return fmt.Errorf("%s, backend %s: %w", r.Model, r.Backend, errGradient)
				}
			}
			return nil
		}}
	jsonFlag(c, &asJSON)
	f := c.Flags()
	f.IntVar(&shape.T, "steps", shape.T, "number T of steps")
	f.IntVar(&shape.B, "batch", shape.B, "number B of sequences")
	f.IntVar(&shape.I, "inputs", shape.I, "number I of inputs")
	f.IntVar(&shape.H, "hidden", shape.H, "number H of hidden units")
	f.IntVar(&shape.O, "outputs", shape.O, "number O of outputs")
	f.IntVar(&shape.layers, "layers", shape.layers, "number of layers")
	f.Uint64Var(&shape.seed, "seed", shape.seed, "seed of parameters and inputs")
	return c
}

// checkGradients checks every backend that this program has.
func checkGradients(e models.Entry, s gradShape) ([]gradReport, error) {
	if s.T < 1 || s.B < 1 {
		return nil, fmt.Errorf("%w: T=%d B=%d, want at least 1 each", config.ErrConfig, s.T, s.B)
	}
	if n := float64(s.T) * float64(s.B) * float64(max(s.I, s.H, s.O)); n > mostChecked || s.layers > 64 {
		return nil, fmt.Errorf("%w: T=%d B=%d I=%d H=%d O=%d in %d layers are more than a check of every gradient takes; want T·B times the largest of I, H and O to be at most %d, in at most 64 layers", config.ErrConfig, s.T, s.B, s.I, s.H, s.O, s.layers, mostChecked)
	}
	cell := e.New()
	if c, ok := cell.(models.Smoother); ok {
		cell = c.Smooth()
	}
	net, err := models.Bind(e.Name, cell, models.Dims{I: s.I, H: s.H, O: s.O}, models.Layers(s.layers))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	places := []place{{device: "cpu", backend: "graph"}}
	switch dev, err := devices.OpenCPU(0); {
	case err == nil:
		defer dev.Close()
		places = append(places, place{dev: dev, device: dev.Name(), backend: "scan"})
	case !errors.Is(err, kernels.ErrNoDevice):
		return nil, err
	}
	task, batch := s.sample()
	var all []gradReport
	for _, at := range places {
		checks, err := engine.CheckGradients(net, at.dev, task, batch, s.seed)
		if err != nil {
			return nil, err
		}
		r := gradReport{Model: e.Name, Backend: at.backend, Device: at.device, Pass: true}
		for _, c := range checks {
			// What is all kinks has not been checked.
			pass := c.Error <= gradTolerance && c.Checked >= c.Kinks
			r.Params = append(r.Params, gradRow{c.Param, c.Checked, c.Kinks, c.Largest, c.Error, pass})
			r.Pass = r.Pass && pass
		}
		all = append(all, r)
	}
	return all, nil
}

// sample makes a task with a target at every step and a batch of it: Gaussian inputs, labels
// at random.
func (s gradShape) sample() (*data.Task, *data.Batch) {
	task := &data.Task{T: s.T, I: s.I, O: s.O, Goal: data.Classify, Every: true}
	b := data.NewBatch(task, s.B)
	rng := rand.New(rand.NewPCG(s.seed, 0))
	for i := range b.X {
		b.X[i] = float32(rng.NormFloat64())
	}
	for i := range b.Label {
		b.Label[i], b.Weight[i] = float32(rng.IntN(s.O)), 1
	}
	return task, b
}

func (p *printer) gradients(all []gradReport) {
	for i, r := range all {
		if i > 0 {
			p.line("")
		}
		p.line("%s, backend %s, %s", r.Model, r.Backend, r.Device)
		tabulate(p, r.Params, []string{"PARAMETER", "CHECKED", "KINKS", "GRADIENT", "REL. ERROR", ""}, func(row gradRow) []string {
			verdict := "ok"
			if !row.Pass {
				verdict = "WRONG"
			}
			return []string{row.Param, fmt.Sprint(row.Checked), fmt.Sprint(row.Kinks),
				fmt.Sprintf("%.2e", row.Gradient), fmt.Sprintf("%.1e", row.Error), verdict}
		})
		if r.Pass {
			p.line("every gradient is right to %g", gradTolerance)
		} else {
			p.line("a gradient is wrong")
		}
	}
}
