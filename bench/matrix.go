package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"galvani/kernels"
	"galvani/kernels/devices"
	"galvani/kernels/monitor"
)

// caseMatrix is a whole network on a GPU against the CPU, or on one of them alone.
const caseMatrix = "matrix"

// whats are the parts of a training step that the matrix times. Each has input product, scan,
// read-out and loss in it; forward+backward all gradients; the training step also the batch on its
// way to the device, clipping, optimiser and projection.
var whats = []string{forward, both, step}

// queuing is how many goroutines besides those of the CPU's kernels work for a GPU: the one that
// queues and the device's own.
const queuing = 2

// Matrix says which networks are timed, and where: every combination of the lists.
type Matrix struct {
	Models                  []string
	Steps, Batches, Hiddens []int
	Goals                   bool // the shapes of the goals too
	Blocks                  int  // of each device and timing, 0 for the default
	CPU                     bool
	GPU                     *GPU // nil for none
}

// GPU is an open GPU and what it is.
type GPU struct {
	Dev kernels.Device
	Hardware
}

// Hardware says on what something was timed.
type Hardware struct {
	Device    string `json:"device"` // cpu, cuda:0
	Name      string `json:"name"`
	Precision string `json:"precision"`
	Compute   string `json:"compute,omitempty"` // compute capability
	Driver    string `json:"driver,omitempty"`  // CUDA version of the driver
	Memory    int64  `json:"memory,omitempty"`  // bytes
	// Emulated is the emulated driver, whose times say nothing about hardware; see Row.Emulated.
	Emulated bool `json:"-"`
}

// emulated reports whether a GPU is the emulated driver's, by its name, which a user may have
// changed, or by that of the library.
func emulated(name, library string) bool {
	return strings.Contains(strings.ToLower(name), "emulated") || strings.Contains(filepath.Base(library), "galvani_emu")
}

// OpenGPU opens the GPU of a number in devices.GPUs.
//
// Errors: those of devices.GPUs and devices.OpenCUDA.
func OpenGPU(index int, precision string) (*GPU, error) {
	all, err := devices.GPUs()
	if err != nil {
		return nil, err
	}
	dev, err := devices.OpenCUDA(index, precision)
	if err != nil {
		return nil, err
	}
	g := all[index] // OpenCUDA has seen it
	return &GPU{dev, Hardware{Device: fmt.Sprintf("cuda:%d", index), Name: g.Name, Precision: precision,
		Compute: g.Compute, Driver: g.Driver, Memory: g.Memory, Emulated: emulated(g.Name, os.Getenv("GALVANI_CUDA_LIBRARY"))}}, nil
}

// RunMatrix measures a matrix of networks. What fails on the GPU for want of memory is measured on
// the CPU alone; a network with wrong numbers is left out, and the others go on.
//
// Errors: kernels.ErrNoDevice in a binary without cgo; ErrWrong, after all has been measured; the
// cause of ctx when cancelled between two timings; those of cfg.Each and of a lost device.
func RunMatrix(ctx context.Context, cfg Config, m Matrix) error {
	r, stop, err := start(cfg)
	if err != nil {
		return err
	}
	defer stop()
	if m.Blocks > 0 {
		r.quads = (m.Blocks + 1) / 2 // a round has two blocks of each
	}
	if m.GPU != nil {
		monitor.Use(r.Threads + queuing)
	}
	if m.CPU {
		if err := r.bestProduct(); err != nil {
			return err
		}
	}
	if m.GPU != nil {
		device, precisions := m.GPU.Device, []string{m.GPU.Precision}
		if m.GPU.Emulated { // which no framework knows
			device = onCPU.device
		}
		if m.GPU.Precision == "bf16" {
			precisions = append(precisions, "fp16") // the other way to half the bits
		}
		for _, p := range precisions {
			defer r.openPeers(place{device, p})()
		}
	}
	var wrong []error
	for _, c := range m.cases() {
		if cfg.Only != nil && !cfg.Only.MatchString(c.String()) {
			continue
		}
		switch err := r.network(ctx, m, c); {
		case errors.Is(err, ErrWrong):
			wrong = append(wrong, err)
			r.Log("%v", err)
		case err != nil:
			return err
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w; %d networks were left out", wrong[0], len(wrong))
	}
	return nil
}

// cases returns the networks of the matrix, each once.
func (m Matrix) cases() []Case {
	var all []Case
	seen := map[Case]bool{}
	add := func(model string, s Shape) {
		c := Case{Kind: caseMatrix, Model: model, Shape: s}
		if !seen[c] {
			seen[c] = true
			all = append(all, c)
		}
	}
	for _, model := range m.Models {
		for _, t := range m.Steps {
			for _, h := range m.Hiddens {
				for _, b := range m.Batches {
					add(model, Shape{T: t, B: b, I: inputs, H: h})
				}
			}
		}
	}
	if m.Goals {
		for _, g := range goals {
			add(g.model, g.shape)
		}
	}
	return all
}

// network measures one network, after its numbers were found right.
func (r *runner) network(ctx context.Context, m Matrix, c Case) error {
	row := r.head
	row.Case, row.Model, row.Shape = c.Kind, c.Model, c.Shape
	worst, err := r.gate(c)
	if err != nil {
		return err
	}
	if m.GPU != nil {
		row.Emulated = m.GPU.Emulated
		d, err := gateIn(m.GPU.Precision, c.Model, c.Shape, m.GPU.Dev, r.dev)
		switch {
		case errors.Is(err, kernels.ErrMemory):
			m = r.withoutGPU(m, c, &row, err)
		case err != nil:
			return err
		}
		worst = max(worst, d)
	}
	row.Gate = &worst
	for _, what := range whats {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		c.What, row.What = what, what
		err := r.part(m, c, row)
		if m.GPU != nil && errors.Is(err, kernels.ErrMemory) { // an optimiser takes more than the gate
			m = r.withoutGPU(m, c, &row, err)
			err = r.part(m, c, row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// withoutGPU leaves the GPU out of what follows for a network that it has no memory for.
func (r *runner) withoutGPU(m Matrix, c Case, row *Row, cause error) Matrix {
	row.Note, row.Emulated = fmt.Sprintf("not on %s: %v", m.GPU.Device, cause), false
	r.Log("%s: %s", c, row.Note)
	m.GPU = nil
	return m
}

// part times one part on the devices of the matrix, in turns.
func (r *runner) part(m Matrix, c Case, row Row) (err error) {
	var all []contestant
	var on []Hardware
	defer func() {
		for _, x := range all {
			err = errors.Join(err, x.free())
		}
	}()
	open := func(h Hardware, dev kernels.Device) error {
		x, err := networkRun(c.Model, c.What, c.Shape, dev)
		if err == nil {
			all, on = append(all, x), append(on, h)
		}
		return err
	}
	if m.GPU != nil {
		if err := open(m.GPU.Hardware, m.GPU.Dev); err != nil {
			return err
		}
	}
	if m.CPU {
		if err := open(Hardware{Device: "cpu", Name: r.head.Machine.CPU, Precision: "fp32"}, r.dev); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	samples, err := interleave(r.effort, all)
	if err != nil {
		return err
	}
	z, err := newSizes(c.Model, c.Shape)
	if err != nil {
		return err
	}
	timings := make([]Timing, len(all))
	for i, x := range all {
		timings[i] = x.timing(samples[i])
		r.describe(&timings[i], on[i], z, c.What)
	}
	row.Subject = timings[0]
	if len(all) == 2 {
		row.Reference = &timings[1]
		row.Ratio = compare(SpeedUp, 0, all[0], all[1], samples[0], samples[1])
	}
	row.Goal = goalOf(c, row.Subject)
	if err := r.Each(row); err != nil || len(r.peers) == 0 || m.GPU == nil || c.What == step {
		return err
	}
	row.Goal = nil
	return r.beside(c, row, all[0], m.GPU.Hardware)
}

// beside times a network on the GPU against the cell in every form of the peers there. They do less:
// the cell is without read-out and loss.
func (r *runner) beside(c Case, row Row, network contestant, on Hardware) error {
	row.Case = casePeer
	q, err := newProblem[float32](c.Model, c.Shape)
	if err != nil {
		return err
	}
	for _, f := range peerForms {
		if f.model != c.Model || !c.Shape.within(f.most) {
			continue
		}
		c.Peer = f.form
		for _, p := range r.peers {
			if !slices.Contains(p.forms, f.form) {
				continue
			}
			x, err := p.cell(c, q, r.dev)
			if err != nil { // the others are worth measuring without it
				r.Log("without %s: %v", c, err)
				continue
			}
			sides := []contestant{network, averaged(x)}
			samples, err := interleave(r.effort, sides)
			if err != nil {
				return err
			}
			subject, reference := sides[0].timing(samples[0]), sides[1].timing(samples[1])
			subject.Device, reference.Device = &on, &on
			row.Subject, row.Reference = subject, &reference
			row.Ratio = compare(SpeedUp, 0, sides[0], sides[1], samples[0], samples[1])
			if err := r.Each(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// describe adds to a timing where it was taken and what follows from that.
func (r *runner) describe(t *Timing, on Hardware, z sizes, what string) {
	t.Device, t.PerSecond = &on, float64(z.cfg.B)/t.Median
	flops, bytes := z.work(what)
	p, known := on.peak()
	if on.Device == "cpu" {
		p, known = peak{flops: r.rate}, r.rate > 0
	}
	if known {
		t.Roof = p.roof(flops, bytes, t.Median)
	}
}
