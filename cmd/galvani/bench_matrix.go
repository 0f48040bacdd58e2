package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"galvani/bench"
	"galvani/engine/chart"
	"galvani/engine/hostmem"
	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/kernels/devices"
	"galvani/models"

	"github.com/spf13/cobra"
)

// Blocks of each device and timing unless told otherwise: twenty give the interval of the median
// a width that repeats.
const defaultBlocks = 20

// matrixFlags is the command line of the matrix.
type matrixFlags struct {
	benchRun
	bench.Matrix
	devices         []string
	precision, plot string
}

func newBench() *cobra.Command {
	var m matrixFlags
	c := &cobra.Command{Use: "bench", Short: "Measure networks on CPU and GPU", Args: noSuchCommand,
		Long: `Measure whole networks on the CPU and on the GPU for every combination of model, time steps,
batch and hidden units: forward pass, forward and backward pass, and training step with clipping,
optimiser and projection. The devices are timed in this one run, in alternating blocks, after the
numbers of both were found right. On a GPU many repeats are queued and waited for once. With --peers
every network on the GPU is timed against the same cell in PyTorch and JAX there.

The speed-up is how many times faster the GPU is than the CPU; it is slower where that is below 1.
ROOF is the share of what the device could do at most: of its data sheet's operations or bytes per
second, or of the best matrix product that was found on the CPU.`,
		RunE: func(c *cobra.Command, _ []string) error { return m.run(c) }}
	m.benchRun.flags(c)
	m.benchRun.peerFlags(c, "cells in PyTorch and JAX", "PyTorch, JAX or both, for --peers, and NumPy, whose product costs may refer to")
	f := c.Flags()
	f.StringSliceVar(&m.Models, "models", []string{"crnn-simple", "crnn", "rnn", "gru", "lstm"}, "models, with commas; NAME:dale is one with Dale's law, NAME:layers has two layers, NAME:feedback has feedback alignment")
	f.IntSliceVar(&m.Steps, "steps", []int{200}, "time steps of a sequence, with commas")
	f.IntSliceVar(&m.Batches, "batches", []int{1, 4, 16, 64, 256}, "sequences of a batch, with commas")
	f.IntSliceVar(&m.Hiddens, "hiddens", []int{64, 256}, "hidden units, with commas")
	f.BoolVar(&m.Goals, "goals", false, "measure the networks of the goals for an H100 too")
	f.StringSliceVar(&m.devices, "devices", nil, "cpu, cuda or cuda:n, with commas (default cpu, and cuda where there is a GPU)")
	f.StringVar(&m.precision, "precision", "fp32", "of the products on the GPU: "+strings.Join(kernels.Precisions, ", "))
	f.IntVar(&m.Blocks, "blocks", defaultBlocks, "blocks of each device and timing, at least 2; --quick takes 4")
	f.StringVar(&m.plot, "plot", "", "`folder` for plots of time against batch, as PNG and SVG")
	c.AddCommand(newBenchCPU(), newBenchEvents(), newBenchLatency(), newBenchNeurons(), newBenchNetworks(), newBenchRules(), newBenchScale(), newBenchTables())
	return c
}

// run measures, and tells what was found also where some networks were left out.
func (m *matrixFlags) run(c *cobra.Command) error {
	if err := m.check(c); err != nil {
		return err
	}
	missing, err := m.open()
	if err != nil {
		return err
	}
	if m.GPU == nil && m.peers {
		return fmt.Errorf("%w: --peers compares on a GPU, and there is none; on the CPU: galvani bench cpu --peers", errUsage)
	}
	if m.GPU != nil {
		defer m.GPU.Dev.Close()
		if err := m.hardware(m.GPU); err != nil {
			return err
		}
	}
	rows, wrong := m.measure(c, func(ctx context.Context, cfg bench.Config) error { return bench.RunMatrix(ctx, cfg, m.Matrix) })
	if wrong != nil && !errors.Is(wrong, bench.ErrWrong) {
		return wrong
	}
	if m.plot != "" {
		if err := writeCharts(m.plot, bench.Charts(rows)); err != nil {
			return errors.Join(wrong, err)
		}
	}
	if m.asJSON && missing != "" {
		m.cfg.Log("%s", missing)
	}
	found := matrixReport{Rows: rows, Crossovers: bench.Crossovers(rows)}
	return errors.Join(wrong, report(c, m.asJSON, found, func(p *printer) { p.matrix(found, m.GPU, missing) }))
}

// matrixReport is what --json prints.
type matrixReport struct {
	Rows       []bench.Row       `json:"rows"`
	Crossovers []bench.Crossover `json:"crossovers"`
}

// check holds the flags to what can be measured, and makes the defaults tiny with --quick.
func (m *matrixFlags) check(c *cobra.Command) error {
	var known []string // a cell with units of its own is measured by bench neurons
	for _, e := range models.All() {
		if _, own := e.New().(models.Sized); !own {
			known = append(known, e.Name)
		}
	}
	for _, name := range m.Models {
		plain, _, err := bench.Form(name)
		if err != nil {
			return fmt.Errorf("%w: --models: %w", errUsage, err)
		}
		if !slices.Contains(known, plain) {
			return fmt.Errorf("%w: --models: %s", errUsage, setting.Unknown("model", name, known))
		}
	}
	if !slices.Contains(kernels.Precisions, m.precision) {
		return fmt.Errorf("%w: --precision is %q, want %s", errUsage, m.precision, strings.Join(kernels.Precisions, ", "))
	}
	tiny := map[string][]int{"steps": {6}, "batches": {2, 4}, "hiddens": {16}}
	for _, l := range []struct {
		name string
		list *[]int
	}{{"steps", &m.Steps}, {"batches", &m.Batches}, {"hiddens", &m.Hiddens}} {
		if m.cfg.Quick && !c.Flags().Changed(l.name) {
			*l.list = tiny[l.name]
		}
		if len(*l.list) == 0 || slices.Min(*l.list) < 1 {
			return fmt.Errorf("%w: --%s is %v, want numbers of at least 1", errUsage, l.name, *l.list)
		}
	}
	switch {
	case len(m.Models) == 0:
		return fmt.Errorf("%w: --models is empty, want some of %s", errUsage, strings.Join(known, ", "))
	case m.Blocks < 2:
		return fmt.Errorf("%w: --blocks is %d, want at least 2", errUsage, m.Blocks)
	case m.Goals && m.cfg.Quick:
		return fmt.Errorf("%w: --goals has large networks of its own; leave out --quick", errUsage)
	case m.cfg.Quick && !c.Flags().Changed("blocks"):
		m.Blocks = 0
	}
	return nil
}

// open opens the devices. Missing says why there is no GPU where none was asked for by name.
func (m *matrixFlags) open() (missing string, err error) {
	gpu := -1
	for _, d := range m.devices {
		switch {
		case d == "cpu":
			m.CPU = true
		case gpu < 0 && d != "auto" && devices.Known(d):
			gpu = devices.Index(d)
		default:
			return "", fmt.Errorf("%w: --devices is %s, want cpu and one of cuda, cuda:n", errUsage, strings.Join(m.devices, ","))
		}
	}
	if gpu >= 0 {
		m.GPU, err = bench.OpenGPU(gpu, m.precision)
		return "", err
	}
	if m.devices == nil {
		m.CPU = true
		if m.GPU, err = bench.OpenGPU(0, m.precision); err == nil {
			return "", nil
		} else if !devices.GivesWay(err) {
			return "", err
		}
		missing = "no GPU columns: " + reason(err)
	}
	if m.precision == "fp32" {
		return missing, nil
	}
	if missing == "" {
		return "", fmt.Errorf("%w: --precision is %s, in which only a GPU is measured here; bench cpu measures bf16 on a CPU", errUsage, m.precision)
	}
	return "", fmt.Errorf("%w: %s, and the CPU is measured in fp32 alone, not in %s", kernels.ErrNoDevice, reason(err), m.precision)
}

// writeCharts writes each chart as PNG and SVG to a folder.
func writeCharts(dir string, charts map[string]chart.Lines) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(charts)) {
		if err := writeChart(filepath.Join(dir, name), charts[name]); err != nil {
			return err
		}
	}
	return nil
}

// matrix writes the rows of a matrix as a table, and where the GPU starts to win.
func (p *printer) matrix(found matrixReport, gpu *bench.GPU, missing string) {
	p.machine(found.Rows)
	if gpu != nil {
		p.gpu(gpu)
	}
	isPeer := func(r bench.Row) bool { return r.Case == "peer" }
	networks := slices.DeleteFunc(slices.Clone(found.Rows), isPeer)
	var cpu, cuda, both, goals bool
	for _, r := range networks {
		x, y := sides(r)
		cpu, cuda, both, goals = cpu || x != nil, cuda || y != nil, both || r.Ratio != nil, goals || r.Goal != nil
	}
	head := []string{"MODEL", "T", "B", "H", "WHAT"}
	if cpu {
		head = append(head, "CPU ms", "95 %", "seq/s", "ROOF")
	}
	if cuda {
		head = append(head, "GPU ms", "95 %", "seq/s", "ROOF", "MEMORY")
	}
	if both {
		head = append(head, "SPEED-UP", "95 %", "FASTER")
	}
	if goals {
		head = append(head, "GOAL")
	}
	var table [][]string
	for _, r := range networks {
		x, y := sides(r)
		if x == nil && y == nil {
			continue
		}
		s := r.Shape
		words := []string{r.Model, strconv.Itoa(s.T), strconv.Itoa(s.B), strconv.Itoa(s.H), r.What}
		if cpu {
			words = append(words, sideWords(x)...)
		}
		if cuda {
			words = append(append(words, sideWords(y)...), memoryWord(y))
		}
		if both {
			words = append(words, speedWords(r)...)
		}
		if goals {
			words = append(words, goalWord(r))
		}
		table = append(table, words)
	}
	p.table(head, table)
	p.beside(slices.DeleteFunc(slices.Clone(found.Rows), func(r bench.Row) bool { return !isPeer(r) }))
	p.crossovers(found.Crossovers)
	if missing != "" {
		p.line("%s", missing)
	}
}

// gpu says what a GPU is.
func (p *printer) gpu(g *bench.GPU) {
	p.line("%s %s, compute %s, driver for CUDA %s, %s", g.Device, g.Name, g.Compute, g.Driver, g.Precision)
	if g.Emulated {
		p.line("EMULATED: the times of this GPU say nothing about hardware")
	}
}

// beside writes how the networks on the GPU compare with other frameworks there, from rows of peers.
func (p *printer) beside(rows []bench.Row) {
	var table [][]string
	for _, r := range rows {
		s := r.Shape
		table = append(table, append([]string{r.Model, strconv.Itoa(s.T), strconv.Itoa(s.B), strconv.Itoa(s.H), r.What, fmt.Sprintf("%.4g", r.Subject.Median*1e3),
			r.Reference.Name, fmt.Sprintf("%.4g", r.Reference.Median*1e3), memoryWord(r.Reference)}, speedWords(r)[:2]...))
	}
	if len(table) > 0 {
		p.table([]string{"MODEL", "T", "B", "H", "WHAT", "GPU ms", "AGAINST", "ms", "MEMORY", "SPEED-UP", "95 %"}, table)
	}
}

// sides returns the timings of a row on CPU and GPU, nil where there is none.
func sides(r bench.Row) (cpu, gpu *bench.Timing) {
	for _, t := range []*bench.Timing{&r.Subject, r.Reference} {
		switch {
		case t == nil || t.Device == nil:
		case t.Device.Device == "cpu":
			cpu = t
		default:
			gpu = t
		}
	}
	return cpu, gpu
}

func sideWords(t *bench.Timing) []string {
	if t == nil {
		return []string{"-", "-", "-", "-"}
	}
	roof := "unknown"
	if t.Roof != nil {
		roof = fmt.Sprintf("%.1f %% %s", 100*t.Roof.Share, t.Roof.Limit)
	}
	return []string{fmt.Sprintf("%.4g", t.Median*1e3), fmt.Sprintf("%.4g..%.4g", t.Interval[0]*1e3, t.Interval[1]*1e3),
		fmt.Sprintf("%.0f", t.PerSecond), roof}
}

func memoryWord(t *bench.Timing) string {
	if t == nil {
		return "-"
	}
	return hostmem.Text(t.MemoryHigh)
}

func speedWords(r bench.Row) []string {
	if r.Ratio == nil {
		return []string{"-", "-", "-"}
	}
	q, faster := r.Ratio, "neither"
	switch {
	case r.Wins():
		faster = "GPU"
	case q.Interval[1] < 1:
		faster = "CPU"
	}
	return []string{fmt.Sprintf("%.3g", q.Value), fmt.Sprintf("%.3g..%.3g", q.Interval[0], q.Interval[1]), faster}
}

// goalWord tells the time of a step beside that of the goal.
func goalWord(r bench.Row) string {
	g := r.Goal
	if g == nil {
		return "-"
	}
	words := fmt.Sprintf("%s %.3g µs/step", g.Name, r.Subject.Median/float64(r.Shape.T)*1e6)
	if g.Bound > 0 {
		words += fmt.Sprintf(" ≤%.3g", g.Bound)
	}
	switch {
	case g.Pass == nil:
	case *g.Pass:
		words += " held"
	default:
		words += " missed"
	}
	return words
}

// crossovers writes from where on the GPU is faster.
func (p *printer) crossovers(list []bench.Crossover) {
	if len(list) == 0 {
		return
	}
	tabulate(p, list, []string{"MODEL", "T", "AT", "WHAT", "GPU FASTER FROM"}, func(x bench.Crossover) []string {
		other := "H"
		if x.Axis == "H" {
			other = "B"
		}
		from := fmt.Sprintf("%s=%d", x.Axis, x.At)
		switch x.At {
		case 0:
			from = fmt.Sprintf("not up to %s=%d", x.Axis, x.Largest)
		case x.Smallest:
			from += ", the smallest measured"
		}
		return []string{x.Model, strconv.Itoa(x.T), fmt.Sprintf("%s=%d", other, x.Fixed), x.What, from}
	})
}
