package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"

	"galvani/bench"
	"galvani/engine/setting"

	"github.com/spf13/cobra"
)

// selfFlag makes `bench neurons` the program whose first gradient is timed.
const selfFlag = "first-gradient"

func newBenchNeurons() *cobra.Command {
	var b benchRun
	var e bench.Cables
	var alone bool
	c := &cobra.Command{Use: "neurons", Short: "Measure neurons of compartments against NEURON and Jaxley",
		Long: `Measure axons of Hodgkin and Huxley of 100 compartments in steps of 0.025 ms, many side by side and each with
a current of its own, in float32: forward, and with the gradient of the mean square of V at both ends by the
densities of sodium and potassium. With --peers NEURON (float64) and Jaxley (float32), where that Python has them, run the same cells on the
same number of threads, all in turns in this one run, without the time that they take to compile. V and gradient
are held to float64 before anything is timed, and V of the others too. The same cells on one thread run in these
turns, where there are more. FIRST GRADIENT is the time from the start
of a program to the gradient of one cell, compiling included.

  galvani bench neurons --peers --python peers/bin/python`,
		Args: exactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			if alone {
				return bench.FirstGradient(b.cfg)
			}
			for _, part := range e.Parts {
				if !slices.Contains(bench.NeuronParts, part) {
					return fmt.Errorf("%w: --parts: %s", errUsage, setting.Unknown("part", part, bench.NeuronParts))
				}
			}
			for _, name := range e.Against {
				if !slices.Contains(bench.Simulators, name) {
					return fmt.Errorf("%w: --against: %s", errUsage, setting.Unknown("simulator", name, bench.Simulators))
				}
			}
			if b.cfg.Quick && !c.Flags().Changed("cells") {
				e.Cells = 4
			}
			if b.cfg.Quick && !c.Flags().Changed("steps") {
				e.Steps = 80
			}
			if e.Cells < 1 || e.Steps < 1 || len(e.Parts) == 0 {
				return fmt.Errorf("%w: --cells, --steps and --parts are %d, %d and %d parts, want at least 1 of each", errUsage, e.Cells, e.Steps, len(e.Parts))
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			e.Self = []string{self, "bench", "neurons", "--" + selfFlag, "--threads", strconv.Itoa(b.cfg.Threads), "--quick=" + strconv.FormatBool(b.cfg.Quick)}
			return b.tell(c, func(ctx context.Context, cfg bench.Config) error { return bench.RunNeurons(ctx, cfg, e) }, (*printer).cables)
		}}
	b.flags(c)
	b.peerFlags(c, "cells in NEURON and Jaxley", "NEURON, Jaxley or both, for --peers")
	f := c.Flags()
	f.IntVar(&e.Cells, "cells", 100, "cells side by side")
	f.IntVar(&e.Steps, "steps", 4000, "time steps of 0.025 ms")
	f.StringSliceVar(&e.Parts, "parts", bench.NeuronParts, "what is measured, with commas")
	f.StringSliceVar(&e.Against, "against", bench.Simulators, "simulators for --peers, with commas")
	f.BoolVar(&alone, selfFlag, false, "compute one gradient and end")
	_ = f.MarkHidden(selfFlag)
	offer(c, "parts", func() []string { return bench.NeuronParts })
	offer(c, "against", func() []string { return bench.Simulators })
	return c
}

// cables writes the rows of neurons as a table.
func (p *printer) cables(rows []bench.Row) {
	p.machine(rows)
	tabulate(p, rows, []string{"WHAT", "CELLS", "COMPARTMENTS", "STEPS", "TIME ms", "ns/step", "AGAINST", "RATIO", "95 %", "BOUND", ""}, func(r bench.Row) []string {
		words := benchWords(r)
		return append([]string{r.What, strconv.Itoa(r.Shape.B), strconv.Itoa(r.Shape.H), strconv.Itoa(r.Shape.T), words[6], words[9]}, words[10:]...)
	})
	for _, r := range rows {
		if r.Note != "" {
			p.line("%s: %s", r.Reference.Name, r.Note)
		}
	}
}
