package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"galvani/bench"
	"galvani/engine/chart"
	"galvani/engine/group"
	"galvani/engine/setting"

	"github.com/spf13/cobra"
)

// taskFlag makes `bench scale` one of the ranks that it times.
const taskFlag = "rank-task"

// defaultLauncher starts ranks on this machine, bound to no core: what is timed has as many threads as
// it was told.
const defaultLauncher = "mpirun --oversubscribe --bind-to none"

func newBenchScale() *cobra.Command {
	var b benchRun
	var s bench.Scale
	var launcher, plot, task string
	c := &cobra.Command{Use: "scale", Short: "Measure training and sums on several ranks, and predict those of many",
		Long: `Measure updates of three networks on one rank and on several, which mpirun starts on this machine in
turns, and the sum of a gradient over ranks against that of the MPI library, in turns. Beside the second network stands
what as many processes that know nothing of each other reach (apart), at once: the most that ranks can on this machine. Each rank has one thread
unless --threads says otherwise. What the time on one rank lets expect of up to 1024 machines, over two
interconnects whose latency and bandwidth are assumed, is drawn with --plot. The program has to be built with:
make mpi`,
		Args: exactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			if task != "" {
				return beRankOf(c, task)
			}
			for _, part := range s.Parts {
				if !slices.Contains(bench.ScaleParts, part) {
					return fmt.Errorf("%w: --parts: %s", errUsage, setting.Unknown("part", part, bench.ScaleParts))
				}
			}
			for _, n := range append(slices.Clone(s.Ranks), s.Sums...) {
				if n < 2 || bits.OnesCount(uint(n)) != 1 || n > 64 {
					return fmt.Errorf("%w: --ranks and --sums have %d, want powers of two from 2 to 64", errUsage, n)
				}
			}
			if !group.Built {
				return fmt.Errorf("%w: this program was built without MPI; build it with: make mpi", group.ErrLauncher)
			}
			if ranksOf(c.Context()).Size() > 1 || launched(ranksOf(c.Context())) {
				return fmt.Errorf("%w: bench scale starts its ranks itself; start it without mpirun", errUsage)
			}
			s.Launch = func(ctx context.Context, ranks int, t bench.RankTask) (bench.RankTimes, error) {
				return launchRanks(ctx, strings.Fields(launcher), ranks, t)
			}
			rows, err := b.measure(c, func(ctx context.Context, cfg bench.Config) error { return bench.RunScale(ctx, cfg, s) })
			if err != nil {
				return err
			}
			if plot != "" {
				if lines, ok := bench.ScaleChart(rows); ok {
					err = writeCharts(plot, map[string]chart.Lines{"scale": lines})
				}
			}
			return errors.Join(err, report(c, b.asJSON, rows, func(p *printer) { p.ranks(rows) }))
		}}
	b.flags(c)
	f := onRanks(c).Flags()
	f.StringSliceVar(&s.Parts, "parts", bench.ScaleParts, "what is measured, with commas")
	f.IntSliceVar(&s.Ranks, "ranks", []int{2}, "ranks of the networks beside one, with commas")
	f.IntSliceVar(&s.Sums, "sums", []int{2, 4}, "ranks of the sums, with commas")
	f.StringVar(&launcher, "launcher", defaultLauncher, "`words` that start ranks, to which -n and their number are added")
	f.StringVar(&plot, "plot", "", "`folder` for the predicted efficiency, as PNG and SVG")
	f.StringVar(&task, taskFlag, "", "be a rank")
	_ = f.MarkHidden(taskFlag)
	offer(c, "parts", func() []string { return bench.ScaleParts })
	return c
}

// launchRanks starts this program as ranks with a task and returns what rank 0 prints.
func launchRanks(ctx context.Context, launcher []string, ranks int, t bench.RankTask) (times bench.RankTimes, err error) {
	self, err := os.Executable()
	if err != nil {
		return times, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return times, err
	}
	if len(launcher) == 0 {
		return times, fmt.Errorf("%w: --launcher is empty, want for example %q", errUsage, defaultLauncher)
	}
	words := append(launcher[1:len(launcher):len(launcher)], "-n", strconv.Itoa(ranks), self, "bench", "scale", "--"+taskFlag, string(text))
	c := exec.CommandContext(ctx, launcher[0], words...)
	var said strings.Builder
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return times, fmt.Errorf("%s: %w: %s", launcher[0], err, strings.Join(strings.Fields(said.String()), " "))
	}
	return times, json.Unmarshal(out, &times)
}

// beRankOf does the task of a rank; rank 0 prints the times.
func beRankOf(c *cobra.Command, task string) error {
	var t bench.RankTask
	if err := json.Unmarshal([]byte(task), &t); err != nil || t.Repeats < 1 || t.Threads < 1 {
		return fmt.Errorf("%w: --%s is %q, which bench scale gives itself", errUsage, taskFlag, task)
	}
	times, err := bench.RunRank(c.Context(), ranksOf(c.Context()), t)
	if err != nil {
		return err
	}
	return json.NewEncoder(c.OutOrStdout()).Encode(times)
}

// ranks writes the rows of ranks as a table.
func (p *printer) ranks(rows []bench.Row) {
	p.machine(rows)
	tabulate(p, rows, []string{"CASE", "SIZE", "RANKS", "TIME ms", "95 %", "AGAINST", "RATIO", "95 %", "BOUND", ""}, func(r bench.Row) []string {
		words := benchWords(r)
		size := fmt.Sprintf("B=%d H=%d T=%d", r.Shape.B, r.Shape.H, r.Shape.T)
		if r.Bytes > 0 {
			size = fmt.Sprintf("%d KiB", r.Bytes>>10)
		}
		return append([]string{r.Case, size, strconv.Itoa(r.Ranks), words[6], words[7]}, words[10:]...)
	})
}
