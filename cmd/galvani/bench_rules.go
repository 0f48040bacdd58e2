package main

import (
	"galvani/bench"

	"github.com/spf13/cobra"
)

func newBenchRules() *cobra.Command {
	var b benchRun
	c := &cobra.Command{Use: "rules", Short: "Measure networks that learn in every step against matrix product and PyTorch",
		Long: `Measure steps of cortical microcircuits by rule latent-equilibrium, which change all their weights in every step: 9, 30
and 3 cells with one pattern, and 784, 500, 500 and 10 with 64. A cost is time over the time of as many multiplications
in the fastest matrix product that is found here. With --peers the same dynamics run in eager PyTorch on the same number
of threads, all in turns in this one run, after its weights were held to those here.

  galvani bench rules --peers --python peers/bin/python`,
		Args: exactArgs(),
		RunE: func(c *cobra.Command, _ []string) error { return b.tell(c, bench.RunRules, (*printer).benchmark) }}
	b.flags(c)
	b.peerFlags(c, "dynamics in PyTorch", "PyTorch, for --peers, and NumPy, whose product costs may refer to")
	return c
}
