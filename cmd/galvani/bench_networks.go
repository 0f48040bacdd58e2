package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"galvani/bench"
	"galvani/engine/setting"

	"github.com/spf13/cobra"
)

func newBenchNetworks() *cobra.Command {
	var b benchRun
	var against []string
	c := &cobra.Command{Use: "networks", Short: "Measure networks of spiking neurons against Brian2 and NEST",
		Long: `Measure built-in networks of spiking neurons (galvani networks list) in steps of 0.1 ms, from the first step on: a
network is drawn before, and what others compile is not timed but told. With --peers Brian2 (a C++ program in
float64) and NEST (its fastest model, float64), where that Python has them, run the same networks on the same number of
threads, all in turns in this one run, after their mean rates were found within 15 % of those here. PLASTIC is a
network whose weights change against itself with the same weights fixed, PROCEDURAL one whose connections are drawn again
in each step against itself with stored ones, THREADS one on all threads against itself on one. BUILDING is drawing a network and laying it out, with its memory.

  galvani bench networks --threads 1 --peers --python peers/bin/python --only "N=5000"`,
		Args: exactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			for _, name := range against {
				if !slices.Contains(bench.NetworkSimulators, name) {
					return fmt.Errorf("%w: --against: %s", errUsage, setting.Unknown("simulator", name, bench.NetworkSimulators))
				}
			}
			return b.tell(c, func(ctx context.Context, cfg bench.Config) error { return bench.RunNetworks(ctx, cfg, against) }, (*printer).networkTimes)
		}}
	b.flags(c)
	b.peerFlags(c, "networks in Brian2 and NEST", "Brian2, NEST or both, for --peers")
	b.onlyFlag(c, "networks", "balanced N=5000")
	c.Flags().StringSliceVar(&against, "against", bench.NetworkSimulators, "simulators for --peers, with commas")
	offer(c, "against", func() []string { return bench.NetworkSimulators })
	return c
}

// networkTimes writes the rows of networks as a table.
func (p *printer) networkTimes(rows []bench.Row) {
	p.machine(rows)
	tabulate(p, rows, []string{"NETWORK", "WHAT", "NEURONS", "STEPS", "TIME ms", "ns/step", "AGAINST", "RATIO", "95 %", "BOUND", ""}, func(r bench.Row) []string {
		words := benchWords(r)
		return append([]string{r.Model, r.What, strconv.Itoa(r.Shape.H), strconv.Itoa(r.Shape.T), words[6], words[9]}, words[10:]...)
	})
	for _, r := range rows {
		if r.Note != "" {
			p.line("%s", r.Note)
		}
	}
}
