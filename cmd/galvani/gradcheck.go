package main

import (
	"errors"
	"fmt"

	"galvani/cmd/galvani/internal/config"
	"galvani/cmd/galvani/internal/gradcheck"
	"galvani/kernels"
	"galvani/models"

	"github.com/spf13/cobra"
)

// errGradient means that a gradient is wrong, which is a fault of the program.
var errGradient = errors.New("gradient differs from central differences")

// gradReport is the result of gradcheck for one backend.
type gradReport struct {
	Model   string          `json:"model"`
	Backend string          `json:"backend"`
	Device  string          `json:"device"`
	Params  []gradcheck.Row `json:"params"`
	Pass    bool            `json:"pass"`
}

func newGradcheck() *cobra.Command {
	var asJSON bool
	shape := gradcheck.Config{T: 5, B: 3, I: 4, Seed: 1}
	hidden, outputs := 6, 3
	c := &cobra.Command{Use: "gradcheck MODEL", Short: "Hold a cell's gradients to central differences in float64",
		Long: `Hold a cell's gradients to central differences in float64, for the unrolled graph and for
the fused scan. A gradient that differs ends with exit code 70.`,
		Args: exactArgs("MODEL"), ValidArgsFunction: completeNames(modelNames),
		RunE: func(c *cobra.Command, args []string) error {
			e, err := lookupModel(args[0])
			if err != nil {
				return err
			}
			net, err := models.Bind(e.Name, e.New(), models.Dims{I: shape.I, H: hidden, O: outputs})
			if err != nil {
				return fmt.Errorf("%w: %w", config.ErrConfig, err)
			}
			shape.Net = net
			all, err := checkGradients(shape)
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
	f.IntVar(&hidden, "hidden", hidden, "number H of hidden units")
	f.IntVar(&outputs, "outputs", outputs, "number O of outputs")
	f.Uint64Var(&shape.Seed, "seed", shape.Seed, "seed of parameters and inputs")
	return c
}

// checkGradients checks every backend that this program has.
func checkGradients(shape gradcheck.Config) ([]gradReport, error) {
	places := []place{{device: "cpu", backend: "graph"}}
	switch dev, err := kernels.OpenCPU(0); {
	case err == nil:
		defer dev.Close()
		places = append(places, place{dev: dev, device: dev.Name(), backend: "scan"})
	case !errors.Is(err, kernels.ErrNoDevice):
		return nil, err
	}
	var all []gradReport
	for _, at := range places {
		shape.Device = at.dev
		rows, err := gradcheck.Run(shape)
		if err != nil {
			return nil, err
		}
		r := gradReport{Model: shape.Net.Name(), Backend: at.backend, Device: at.device, Params: rows, Pass: true}
		for _, row := range rows {
			r.Pass = r.Pass && row.Pass
		}
		all = append(all, r)
	}
	return all, nil
}

func (p *printer) gradients(all []gradReport) {
	for i, r := range all {
		if i > 0 {
			p.line("")
		}
		p.line("%s, backend %s, %s", r.Model, r.Backend, r.Device)
		rows := make([][]string, len(r.Params))
		for i, row := range r.Params {
			verdict := "ok"
			if !row.Pass {
				verdict = "WRONG"
			}
			rows[i] = []string{row.Param, fmt.Sprint(row.Elements), fmt.Sprint(row.Kinks),
				fmt.Sprintf("%.2e", row.Largest), fmt.Sprintf("%.1e", row.Error), verdict}
		}
		p.table([]string{"PARAMETER", "ELEMENTS", "KINKS", "GRADIENT", "REL. ERROR", ""}, rows)
		if r.Pass {
			p.line("every gradient is right to %g", gradcheck.Tolerance)
		} else {
			p.line("a gradient is wrong")
		}
	}
}
