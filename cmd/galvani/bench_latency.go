package main

import (
	"context"
	"fmt"

	"galvani/bench"
	"galvani/kernels/devices"

	"github.com/spf13/cobra"
)

func newBenchLatency() *cobra.Command {
	var b benchRun
	var device string
	c := &cobra.Command{Use: "latency", Short: "Measure how soon parts of a GPU hear of each other",
		Long: `Measure what a round costs of each way in which blocks on a GPU hear of each other, and the host of
a kernel: launches, a flag through the L2 cache, a barrier of all blocks, a barrier of a cluster, and
the exchange that a scan makes at every step, 16 bytes to every block of the cluster.`,
		Args: exactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			if device == "cpu" || device == "auto" || !devices.Known(device) {
				return fmt.Errorf("%w: --device is %s, want cuda or cuda:n", errUsage, device)
			}
			gpu, err := bench.OpenGPU(devices.Index(device), "fp32")
			if err != nil {
				return err
			}
			defer gpu.Dev.Close()
			if err := b.hardware(gpu); err != nil {
				return err
			}
			return b.tell(c, func(ctx context.Context, cfg bench.Config) error { return bench.RunLatencies(ctx, cfg, gpu) },
				func(p *printer, rows []bench.Row) { p.latencies(rows, gpu) })
		}}
	b.flags(c)
	c.Flags().StringVar(&device, "device", "cuda", "cuda or cuda:n")
	return c
}

// latencies writes a line for each signal.
func (p *printer) latencies(rows []bench.Row, gpu *bench.GPU) {
	p.gpu(gpu)
	var table [][]string
	for _, r := range rows {
		s := r.Subject
		table = append(table, []string{r.What, fmt.Sprintf("%.3g", s.Median*1e6), fmt.Sprintf("%.3g..%.3g", s.Interval[0]*1e6, s.Interval[1]*1e6)})
	}
	p.table([]string{"SIGNAL", "µs a round", "95 %"}, table)
}
