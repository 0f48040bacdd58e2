package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"galvani/bench"
	"galvani/bench/rows"

	"github.com/spf13/cobra"
)

// benchRun is what the benchmarks share.
type benchRun struct {
	asJSON      bool
	out, commit string
	peers       bool
	python      string
	only        string // regular expression of the cases
	cfg         bench.Config
}

// flags adds the shared flags to a command.
func (b *benchRun) flags(c *cobra.Command) {
	jsonFlag(c, &b.asJSON)
	f := c.Flags()
	f.StringVar(&b.out, "out", "", "`file` of JSON lines to append to")
	f.BoolVar(&b.cfg.Quick, "quick", false, "tiny shapes: see that it works, measure nothing")
	f.IntVar(&b.cfg.Threads, "threads", 0, "threads of everything that is timed, 0 for one per core")
	f.StringVar(&b.commit, "commit", "", "commit to note (default that of the build, else of the folder)")
}

// peerFlags adds those that compare with other frameworks, of which a Python has some.
func (b *benchRun) peerFlags(c *cobra.Command, peers, python string) {
	f := c.Flags()
	f.BoolVar(&b.peers, "peers", false, "measure the same "+peers+" too, in turns")
	f.StringVar(&b.python, "python", "python3", "Python that has "+python)
}

// onlyFlag adds the flag that chooses cases.
func (b *benchRun) onlyFlag(c *cobra.Command, cases, example string) {
	c.Flags().StringVar(&b.only, "only", "", "regular `expression` of the "+cases+" to measure, e.g. \""+example+"\"")
}

// hardware refuses to keep times of an emulated GPU, which say nothing.
func (b *benchRun) hardware(gpu *bench.GPU) error {
	if gpu.Emulated && b.out != "" && !b.cfg.Quick {
		return fmt.Errorf("%w: --out keeps times of hardware, and %s is %s; leave out --out or add --quick", errUsage, gpu.Device, gpu.Name)
	}
	return nil
}

// measure runs a benchmark, writes each row as soon as it is there, and returns them all.
func (b *benchRun) measure(c *cobra.Command, run func(context.Context, bench.Config) error) (all []bench.Row, err error) {
	if b.only != "" {
		if b.cfg.Only, err = regexp.Compile(b.only); err != nil {
			return nil, fmt.Errorf("%w: --only: %w", errUsage, err)
		}
	}
	if err := checkThreads(errUsage, b.cfg.Threads); err != nil {
		return nil, err
	}
	ctx, stop := interruptible(c.Context())
	defer stop()
	b.cfg.Program, b.cfg.NumPy = benchProgram(b.commit), b.python
	if b.peers {
		b.cfg.Python = b.python
	}
	keep := func(bench.Row) error { return nil }
	if b.out != "" {
		_, size, err := rows.Read[bench.Row](b.out, nil)
		if err != nil {
			return nil, err
		}
		file, err := rows.Open(b.out, size)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		keep = func(r bench.Row) error { return file.Add(r) }
	}
	b.cfg.Log = func(format string, args ...any) { fmt.Fprintf(c.ErrOrStderr(), format+"\n", args...) }
	b.cfg.Each = func(r bench.Row) error {
		all = append(all, r)
		b.cfg.Log("%s", benchLine(r))
		return keep(r)
	}
	return all, run(ctx, b.cfg)
}

// tell measures, and reports the rows.
func (b *benchRun) tell(c *cobra.Command, run func(context.Context, bench.Config) error, words func(*printer, []bench.Row)) error {
	rows, err := b.measure(c, run)
	if err != nil {
		return err
	}
	return report(c, b.asJSON, rows, func(p *printer) { words(p, rows) })
}

func newBenchCPU() *cobra.Command {
	var b benchRun
	c := &cobra.Command{Use: "cpu", Short: "Measure the CPU kernels against matrix product, graph, PyTorch and JAX",
		Long: `Measure the fused scan and whole training steps on the CPU against the machine's best
matrix product, against the unrolled graph, on all threads against one and, with --peers,
against PyTorch and JAX. Everything is timed in this one run, in alternating blocks, after its
numbers were found right. A cost is time over the time of the same operations in the fastest
matrix product that is found here: the packed one, or that of NumPy, PyTorch or JAX where
--python has them; each line names it. A speed-up is how many times faster the scan is.`,
		Args: exactArgs(),
		RunE: func(c *cobra.Command, _ []string) error { return b.tell(c, bench.Run, (*printer).benchmark) }}
	b.flags(c)
	b.peerFlags(c, "cells in PyTorch and JAX", "PyTorch, JAX or both, for --peers, and NumPy, whose product costs may refer to")
	b.onlyFlag(c, "cases", "scan lstm.*H=128")
	return c
}

// benchProgram identifies the program in the rows of a benchmark.
func benchProgram(commit string) rows.Program {
	b := thisBuild()
	p := rows.Program{Version: b.Version, Commit: b.Commit, Dirty: b.Dirty, Go: b.Go}
	if commit != "" {
		p.Commit, p.Dirty = commit, false
	}
	if p.Commit == "" { // go run stamps nothing
		text, err := exec.Command("git", "describe", "--always", "--exclude=*", "--abbrev=40", "--dirty").Output()
		if err == nil {
			p.Commit, p.Dirty = strings.CutSuffix(strings.TrimSpace(string(text)), "-dirty")
		}
	}
	return p
}

// benchmark writes the rows as a table.
func (p *printer) benchmark(rows []bench.Row) {
	table := make([][]string, len(rows))
	held, bounded := 0, 0
	for i, r := range rows {
		table[i] = benchWords(r)
		if r.Ratio != nil && r.Ratio.Pass != nil {
			bounded++
			if *r.Ratio.Pass {
				held++
			}
		}
	}
	p.machine(rows)
	p.table([]string{"CASE", "MODEL", "WHAT", "B", "H", "T", "TIME ms", "95 %", "GFLOP/s", "ns/unit", "AGAINST", "RATIO", "95 %", "BOUND", ""}, table)
	p.line("%d of %d bounds held", held, bounded)
}

// machine says where the rows were measured.
func (p *printer) machine(rows []bench.Row) {
	if len(rows) > 0 {
		m := rows[0].Machine
		p.line("%s, %d of %d cores, %s, load %.2f, commit %s", m.CPU, m.Threads, m.Cores, m.ISA, m.Load, dash(rows[0].Program.Commit))
	}
}

// benchLine tells one row while the others are still being measured.
func benchLine(r bench.Row) string {
	s := fmt.Sprintf("%s %s %s", r.Case, r.Model, r.What)
	if r.Shape.T > 0 {
		s += fmt.Sprintf(" B=%d H=%d T=%d", r.Shape.B, r.Shape.H, r.Shape.T)
	}
	s += fmt.Sprintf(": %.3g ms", r.Subject.Median*1e3)
	if r.Ratio != nil {
		s += fmt.Sprintf(", %s %.3g against %s", r.Ratio.Kind, r.Ratio.Value, r.Reference.Name)
	}
	return strings.Join(strings.Fields(s), " ")
}

// benchWords is one row of the table.
func benchWords(r bench.Row) []string {
	number := func(format string, v float64) string {
		if v == 0 {
			return "-"
		}
		return fmt.Sprintf(format, v)
	}
	s := r.Subject
	words := []string{r.Case, dash(r.Model), r.What, number("%.0f", float64(r.Shape.B)), number("%.0f", float64(r.Shape.H)),
		number("%.0f", float64(r.Shape.T)), fmt.Sprintf("%.2f", s.Median*1e3),
		fmt.Sprintf("%.2f..%.2f", s.Interval[0]*1e3, s.Interval[1]*1e3), number("%.1f", s.GFLOPs()), number("%.2f", r.NsPerUnitStep())}
	if r.Reference == nil {
		return append(words, s.Name, "-", "-", "-", "")
	}
	words = append(words, r.Reference.Name)
	if r.Ratio == nil {
		return append(words, "-", "-", "-", "")
	}
	q := r.Ratio
	sign, verdict := "≤", ""
	if q.Kind == bench.SpeedUp {
		sign = "≥"
	}
	if q.Pass != nil {
		verdict = "missed"
		if *q.Pass {
			verdict = "held"
		}
	}
	return append(words, fmt.Sprintf("%s %.2f", q.Kind, q.Value), fmt.Sprintf("%.2f..%.2f", q.Interval[0], q.Interval[1]),
		number(sign+"%.3g", q.Bound), verdict)
}
