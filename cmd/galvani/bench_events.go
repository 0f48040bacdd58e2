package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"galvani/bench"
	"galvani/engine/setting"

	"github.com/spf13/cobra"
)

// eventModels are the models that can be evaluated from events.
var eventModels = []string{"crnn", "crnn-simple"}

func newBenchEvents() *cobra.Command {
	var b benchRun
	var e bench.Events
	c := &cobra.Command{Use: "events", Short: "Measure charged RNNs on events against frames",
		Long: `Measure the evaluation of charged RNNs from events, one sequence on one thread, against clocked
evaluation: the same code given every input at every step, so that the ratio is that of the work
alone (weights that are zero are left out there, too), and the fused scan, whose strength is batches.
WHAT is the synaptic traces alone, read once at the end; the whole cell with its voltages at every
step; or that with all events in the first twentieth of the sequence, where they fit. MACS and
VOLTAGES are the share of the clocked multiply-adds, zero weights included, and steps of a voltage
that were computed. All is timed in this one run, in alternating blocks, after voltages and traces
were found within 1e-12 of the fused scan in float64.`,
		Args: exactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkEvents(c, b.cfg.Quick, &e); err != nil {
				return err
			}
			return b.tell(c, func(ctx context.Context, cfg bench.Config) error { return bench.RunEvents(ctx, cfg, e) }, (*printer).events)
		}}
	b.flags(c)
	f := c.Flags()
	_ = f.MarkHidden("threads") // events come one after the other
	f.StringSliceVar(&e.Models, "models", eventModels, "`models`, with commas")
	f.IntSliceVar(&e.Inputs, "inputs", []int{144, 2312}, "`numbers` of inputs, with commas; 2312 are those of N-MNIST")
	f.Float64SliceVar(&e.Densities, "densities", []float64{0.01, 0.05, 0.2}, "`shares` of inputs with an event in a step, with commas")
	f.Float64SliceVar(&e.Links, "links", []float64{1, 0.1}, "`shares` of input weights that are not zero, with commas")
	f.IntVar(&e.Steps, "steps", 500, "time steps")
	f.IntVar(&e.Hidden, "hidden", 128, "hidden units")
	offer(c, "models", func() []string { return eventModels })
	return c
}

// checkEvents holds the flags to what can be measured, and makes the defaults tiny with --quick.
func checkEvents(c *cobra.Command, quick bool, e *bench.Events) error {
	for _, name := range e.Models {
		if !slices.Contains(eventModels, name) {
			return fmt.Errorf("%w: --models: %s", errUsage, setting.Unknown("model", name, eventModels))
		}
	}
	if quick && !c.Flags().Changed("inputs") {
		e.Inputs = []int{6}
	}
	if quick && !c.Flags().Changed("steps") {
		e.Steps = 20
	}
	if quick && !c.Flags().Changed("hidden") {
		e.Hidden = 5
	}
	for _, n := range append([]int{e.Steps, e.Hidden}, e.Inputs...) {
		if n < 1 {
			return fmt.Errorf("%w: --steps, --hidden and --inputs are %d, %d and %v, want numbers of at least 1", errUsage, e.Steps, e.Hidden, e.Inputs)
		}
	}
	for _, share := range slices.Concat(e.Densities, e.Links) {
		if !(share > 0 && share <= 1) {
			return fmt.Errorf("%w: --densities and --links are %v and %v, want shares above 0 and up to 1", errUsage, e.Densities, e.Links)
		}
	}
	if len(e.Models) == 0 || len(e.Inputs) == 0 || len(e.Densities) == 0 || len(e.Links) == 0 {
		return fmt.Errorf("%w: --models, --inputs, --densities and --links want at least one value each", errUsage)
	}
	return nil
}

// events writes the rows of events as a table.
func (p *printer) events(rows []bench.Row) {
	p.machine(rows)
	var table [][]string
	for _, r := range rows {
		w, q := r.Events, r.Ratio
		units := "-"
		if w.Clocked.Units > 0 {
			units = portion(w.Done.Units, w.Clocked.Units)
		}
		table = append(table, []string{r.Model, strconv.Itoa(r.Shape.I), strconv.Itoa(r.Shape.H), fmt.Sprintf("%.3g %%", 100*w.Links),
			fmt.Sprintf("%.3g %%", 100*w.Density), r.What, portion(w.Done.MultiplyAdds(), w.Clocked.MultiplyAdds()), units,
			fmt.Sprintf("%.3g", r.Subject.Median*1e3), r.Reference.Name, fmt.Sprintf("%.3g", r.Reference.Median*1e3),
			fmt.Sprintf("%.3g", q.Value), fmt.Sprintf("%.3g..%.3g", q.Interval[0], q.Interval[1])})
	}
	p.table(strings.Split("MODEL,I,H,LINKS,DENSITY,WHAT,MACS,VOLTAGES,TIME ms,AGAINST,ms,SPEED-UP,95 %", ","), table)
}

// portion returns a share in percent.
func portion(part, all int) string { return fmt.Sprintf("%.3g %%", 100*float64(part)/float64(all)) }
